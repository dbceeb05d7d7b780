use crate::common::Common;
use crate::how::How;
use drydock_bundle::tool::Reply;
use drydock_fleet::{Error, Name, assign, printable, sets};
use serde_json::json;
use std::collections::BTreeSet;

/// Give a release to devices.
///
/// The server must know all of them: otherwise none of them gets anything.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The version of the release.
    version: String,
    /// The devices.
    #[arg(required = true)]
    devices: Vec<String>,
    /// The name of the release, where several have this version.
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    how: How,
    /// Install in this window only: a Quartz cron expression, how long (HH:MM:SS), and the time zone (+HH:MM).
    #[arg(long, value_name = "SCHEDULE,DURATION,ZONE")]
    window: Option<String>,
}

pub(crate) fn run(args: &Args, common: &Common) -> Result<Reply, Error> {
    let version = Name::new("the version", &args.version)?;
    let name = args.name.as_deref().map(|name| Name::new("the name", name)).transpose()?;
    let order = args.how.order(args.window.as_deref())?;
    let client = common.client()?;
    let set = sets::find(&client, &version, name.as_ref())?;
    let devices: BTreeSet<String> = args.devices.iter().cloned().collect();
    let assigned = assign(&client, &set, &devices, &order)?;
    let mut text = String::new();
    for (device, action) in &assigned.actions {
        text += &format!("{}: action {action}\n", printable(device));
    }
    for device in &assigned.already {
        text += &format!("{}: has it already\n", printable(device));
    }
    let actions = assigned.actions.iter().map(|(device, action)| json!({"device": device, "action": action}));
    let json = json!({
        "ok": true, "name": set.name, "version": set.version, "set": set.id, "actions": actions.collect::<Vec<_>>(),
        "already": assigned.already,
    });
    Ok(Reply::new(text, json))
}
