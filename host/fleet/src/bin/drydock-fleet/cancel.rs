use crate::common::Common;
use drydock_bundle::tool::Reply;
use drydock_fleet::{Cancel, Error, cancel, printable};
use serde_json::json;

/// Take back what a device was told.
///
/// The device is asked when it next calls, and refuses once it can't turn back any more.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The device.
    device: String,
    /// Do not ask the device: the server forgets the order at once.
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: &Args, common: &Common) -> Result<Reply, Error> {
    let how = if args.force { Cancel::Forgetting } else { Cancel::Asking };
    let actions = cancel(&common.client()?, &args.device, how)?;
    let done = if args.force { "is forgotten" } else { "is to be canceled" };
    let mut text: String = actions.iter().map(|id| format!("action {id} {done}\n")).collect();
    if actions.is_empty() {
        text = format!("{} has nothing to cancel\n", printable(&args.device));
    }
    Ok(Reply::new(
        text,
        json!({"ok": true, "device": args.device, "canceled": actions, "forced": args.force}),
    ))
}
