use crate::common::Common;
use crate::table::Table;
use drydock_bundle::tool::Reply;
use drydock_fleet::rollout::{Shown, list, show};
use drydock_fleet::{Error, Name, printable};
use serde_json::json;
use std::collections::BTreeMap;

/// Show rollouts, and the groups of one that is named.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The rollout; all of them where none is named.
    rollout: Option<String>,
}

pub(crate) fn run(args: &Args, common: &Common) -> Result<Reply, Error> {
    let client = common.client()?;
    let rollouts = match &args.rollout {
        Some(name) => vec![show(&client, &Name::new("the name of the rollout", name)?)?],
        None => list(&client)?,
    };
    Ok(shown(&rollouts))
}

/// A table of rollouts and of their groups.
pub(crate) fn shown(rollouts: &[Shown]) -> Reply {
    let mut table = Table::new(&["ROLLOUT", "RELEASE", "STATUS", "DEVICES", "OF THEM"]);
    for Shown { name, set, status, total, devices, groups, .. } in rollouts {
        let set = set.as_deref().unwrap_or("-");
        table.row([name, set, status, &total.to_string(), &counts(devices)].map(printable));
        for group in groups {
            let name = format!("  {}", group.name);
            table.row(
                [&name, "", &group.status, &group.total.to_string(), &counts(&group.devices)].map(printable),
            );
        }
    }
    Reply::new(table.text(), json!({"ok": true, "rollouts": rollouts}))
}

/// What there is of each status, without what there is none of.
fn counts(devices: &BTreeMap<String, u64>) -> String {
    let some = devices.iter().filter(|(_, count)| **count > 0);
    some.map(|(status, count)| format!("{count} {status}")).collect::<Vec<_>>().join(", ")
}
