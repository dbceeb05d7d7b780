use crate::bar::Bar;
use crate::common::Common;
use crate::table::Table;
use drydock_bundle::tool::Reply;
use drydock_fleet::{Error, Messages, Row, printable, status};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Tell what became of each device.
///
/// Costs one request for 500 devices, about one for 200 for what they were told, and two for each version and set that runs
/// somewhere. Messages cost one each: without --messages they are asked for only where an action has not ended well.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only devices that this query finds, in hawkBit's query language: attribute.version==1.4.0 and updatestatus==error
    #[arg(long, value_name = "QUERY")]
    filter: Option<String>,
    /// Of which devices the last message is asked for.
    #[arg(long, value_enum, default_value_t = Which::Unfinished)]
    messages: Which,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Which {
    /// Of none.
    None,
    /// Of those whose action has not ended well.
    Unfinished,
    /// Of all that were ever told something.
    All,
}

pub(crate) fn run(args: &Args, common: &Common) -> Result<Reply, Error> {
    let client = common.client()?;
    let messages = match args.messages {
        Which::None => Messages::None,
        Which::Unfinished => Messages::Unfinished,
        Which::All => Messages::All,
    };
    let bar = Bar::of_things(common.quiet);
    let rows = status(&client, args.filter.as_deref(), messages, &bar)?;
    drop(bar);
    let mut table = Table::new(&["DEVICE", "ACTION", "RELEASE", "STATUS", "RUNS", "LAST CONTACT", "MESSAGE"]);
    for row in &rows {
        table.row(cells(row).map(|cell| printable(&cell)));
    }
    let devices: Vec<Value> = rows.iter().map(object).collect();
    let json = json!({"ok": true, "devices": devices, "requests": client.requests()});
    Ok(Reply::new(table.text(), json))
}

fn cells(row: &Row) -> [String; 7] {
    let or_dash = |text: Option<String>| text.filter(|text| !text.is_empty()).unwrap_or_else(|| "-".into());
    let told = row.action.as_ref();
    let status = told.map_or(&row.state, |told| &told.status).clone();
    let runs: Vec<&str> =
        ["version", "set"].iter().filter_map(|key| row.runs.get(*key)).map(String::as_str).collect();
    let late = if row.overdue { " (overdue)" } else { "" };
    [
        row.device.clone(),
        or_dash(told.map(|told| told.id.to_string())),
        or_dash(told.and_then(|told| told.set.clone())),
        status,
        or_dash(Some(runs.join("/"))),
        or_dash(row.last_contact.map(|at| format!("{}{late}", time(at)))),
        or_dash(row.message.clone()),
    ]
}

/// The same for machines, with times as RFC 3339 has them.
fn object(row: &Row) -> Value {
    let mut value = json!(row);
    if let (Some(object), Some(at)) = (value.as_object_mut(), row.last_contact) {
        object.insert("last_contact".into(), time(at).into());
    }
    value
}

fn time(milliseconds: i64) -> String {
    match Timestamp::from_second(milliseconds.div_euclid(1000)) {
        Ok(at) => at.to_string(),
        Err(_) => "-".into(),
    }
}
