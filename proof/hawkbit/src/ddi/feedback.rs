//! Reports of devices, as they come in.

use crate::answer::{Answer, Asked, unreadable};
use crate::http::Response;
use crate::store::{EXECUTIONS, RESULTS, Report, Store};
use serde_json::Value;

/// A report about the carrying out of an order.
pub(super) fn deployment(store: &mut Store, asked: &Asked<'_>, id: &str, number: u64) -> Answer {
    let report = read(&asked.json()?).ok_or_else(unreadable)?;
    if store.action_of(id, number)?.waits() {
        return Err(Response::empty(404));
    }
    store.report(number, &report, asked.now)?;
    Ok(Response::empty(200))
}

/// The answer to a cancellation.
pub(super) fn cancel(store: &mut Store, asked: &Asked<'_>, id: &str, number: u64) -> Answer {
    let report = read(&asked.json()?).ok_or_else(unreadable)?;
    store.action_of(id, number)?;
    store.report_cancel(number, &report, asked.now)?;
    Ok(Response::empty(200))
}

fn read(said: &Value) -> Option<Report> {
    let status = said.get("status")?;
    let word =
        |value: &Value, known: &[&str]| value.as_str().filter(|word| known.contains(word)).map(str::to_owned);
    let details = match status.get("details") {
        None | Some(Value::Null) => vec![],
        Some(details) => {
            details.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect::<Option<_>>()?
        }
    };
    Some(Report {
        execution: word(status.get("execution")?, EXECUTIONS)?,
        finished: word(status.get("result")?.get("finished")?, RESULTS)?,
        timestamp: time(said.get("timestamp"))?,
        code: match status.get("code") {
            None | Some(Value::Null) => None,
            Some(code) => Some(code.as_i64()?),
        },
        details,
    })
}

/// A time may be text, too.
fn time(value: Option<&Value>) -> Option<Option<u64>> {
    match value {
        None | Some(Value::Null) => Some(None),
        Some(Value::String(text)) => Some(Some(text.parse().ok()?)),
        Some(value) => Some(Some(value.as_u64()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_report_must_say_what_and_how_it_has_ended() {
        let all = json!({"timestamp": 7, "status": {"execution": "closed", "result": {"finished": "none",
            "progress": {"cnt": 2, "of": 4}}, "code": 9, "details": ["x"]}});
        let report = read(&all).unwrap();
        assert_eq!((report.timestamp, report.code, report.details.len()), (Some(7), Some(9), 1));
        for bad in [
            json!({"status": {"execution": "closed"}}),
            json!({"status": {"execution": "wild", "result": {"finished": "none"}}}),
            json!({"status": {"execution": "closed", "result": {"finished": "perhaps"}}}),
            json!({}),
        ] {
            assert!(read(&bad).is_none(), "{bad}");
        }
    }
}
