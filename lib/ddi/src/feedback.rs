//! What a device tells the server.

use serde_json::{Map, Value, json};

/// The longest detail, in characters: hawkBit splits what is longer.
pub const MAX_DETAIL: usize = 512;
/// The longest key, and value, of an attribute.
const MAX_ATTRIBUTE: usize = 128;
/// The most attributes of a device: more are a quota of the server's.
const MAX_ATTRIBUTES: usize = 100;

/// What a device does with an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Execution {
    /// It fetches it.
    Download,
    /// It has fetched it.
    Downloaded,
    /// It is at it.
    Proceeding,
    /// It will, later.
    Scheduled,
    /// It goes on after a reset that nobody has planned.
    Resumed,
    /// It does not want it now; the order stays open.
    Rejected,
    /// It is done with it, one way or the other.
    Closed,
}

/// How it has ended. There is no `none` for what is closed: hawkBit takes that for a success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finished {
    /// It has not.
    NotYet,
    /// Well.
    Success,
    /// Not well.
    Failure,
}

/// One report on an order, or on its cancellation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feedback {
    execution: Execution,
    finished: Finished,
    details: Vec<String>,
}

impl Feedback {
    /// A report from the middle of an order. `None` for one that would close it.
    pub fn on_the_way(execution: Execution, detail: &str) -> Option<Self> {
        let open = execution != Execution::Closed;
        open.then(|| Self { execution, finished: Finished::NotYet, details: vec![detail.to_owned()] })
    }

    /// The answer to a question whether an order may be carried out, as `confirmationBase` takes it.
    pub fn confirmation(yes: bool, detail: &str) -> String {
        let detail: String = detail.chars().take(MAX_DETAIL).collect();
        json!({"confirmation": if yes { "confirmed" } else { "denied" }, "details": [detail]}).to_string()
    }

    /// The last report on an order, or the answer to its cancellation.
    pub fn closed(well: bool, detail: &str) -> Self {
        let finished = if well { Finished::Success } else { Finished::Failure };
        Self { execution: Execution::Closed, finished, details: vec![detail.to_owned()] }
    }

    /// Whether it is the last one.
    pub fn closes(&self) -> bool {
        self.execution == Execution::Closed
    }

    /// The body of the request.
    pub fn to_json(&self) -> String {
        let execution = match self.execution {
            Execution::Download => "download",
            Execution::Downloaded => "downloaded",
            Execution::Proceeding => "proceeding",
            Execution::Scheduled => "scheduled",
            Execution::Resumed => "resumed",
            Execution::Rejected => "rejected",
            Execution::Closed => "closed",
        };
        let finished = match self.finished {
            Finished::NotYet => "none",
            Finished::Success => "success",
            Finished::Failure => "failure",
        };
        let details: Vec<String> =
            self.details.iter().map(|detail| detail.chars().take(MAX_DETAIL).collect()).collect();
        json!({"status": {"execution": execution, "result": {"finished": finished}, "details": details}})
            .to_string()
    }
}

/// The body that sets a device's attributes, in place of all that it had. One bad entry would have all of them refused: characters
/// that are not printable ASCII become `?`, what is too long is cut, and what is too much left out.
pub fn config_data<'a>(attributes: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let fit = |text: &str| -> String {
        // hawkBit 1.0.4 has a list of its own of what it takes: these two are missing in it.
        let taken = |c: char| c == ' ' || (c.is_ascii_graphic() && !matches!(c, '~' | '`'));
        text.chars().take(MAX_ATTRIBUTE).map(|c| if taken(c) { c } else { '?' }).collect()
    };
    let pairs = attributes.into_iter().filter(|(key, _)| !key.is_empty()).take(MAX_ATTRIBUTES);
    let data: Map<String, Value> = pairs.map(|(key, value)| (fit(key), Value::String(fit(value)))).collect();
    json!({"mode": "replace", "data": data}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_never_closed_without_saying_how() {
        assert_eq!(Feedback::on_the_way(Execution::Closed, ""), None);
        for (well, word) in [(true, "success"), (false, "failure")] {
            let said: Value = serde_json::from_str(&Feedback::closed(well, "why").to_json()).unwrap();
            assert_eq!(said["status"]["execution"], "closed");
            assert_eq!(said["status"]["result"]["finished"], word);
        }
        let open = Feedback::on_the_way(Execution::Resumed, "x").unwrap();
        assert!(!open.closes() && open.to_json().contains(r#""finished":"none""#));
    }

    #[test]
    fn details_are_cut_between_characters() {
        let long = "ü".repeat(MAX_DETAIL + 9);
        let said: Value = serde_json::from_str(&Feedback::closed(false, &long).to_json()).unwrap();
        assert_eq!(said["status"]["details"][0].as_str().unwrap().chars().count(), MAX_DETAIL);
    }

    #[test]
    fn no_attribute_has_all_of_them_refused() {
        let long = "v".repeat(300);
        let many: Vec<String> = (0..200).map(|number| format!("k{number}")).collect();
        let pairs = [("board", "pümp~1`\n"), ("", "x"), ("long", long.as_str())];
        let pairs = pairs.into_iter().chain(many.iter().map(|key| (key.as_str(), "1")));
        let said: Value = serde_json::from_str(&config_data(pairs)).unwrap();
        let data = said["data"].as_object().unwrap();
        assert_eq!((data.len(), data["board"].as_str().unwrap()), (MAX_ATTRIBUTES, "p?mp?1??"));
        assert_eq!(data["long"].as_str().unwrap().len(), MAX_ATTRIBUTE);
    }
}
