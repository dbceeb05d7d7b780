//! `drydock-fleet`, the operator's tool: uploads bundles to a server, hands them out, and tells what became of them.

mod assign;
mod bar;
mod cancel;
mod channel;
mod cli;
mod collect;
mod common;
mod how;
mod push;
mod rollout;
mod rollouts;
mod status;
mod table;

use clap::Parser;
use cli::{Cli, Command};
use drydock_bundle::tool::{self, Form};
use drydock_fleet::rollout::Act;
use std::process::ExitCode;

/// What it is called.
const TOOL: &str = "drydock-fleet";

fn main() -> ExitCode {
    let Cli { command, common } = Cli::parse();
    let reply = match &command {
        Command::Push(args) => push::run(args, &common),
        Command::Assign(args) => assign::run(args, &common),
        Command::Cancel(args) => cancel::run(args, &common),
        Command::Rollout(args) => rollout::run(args, &common),
        Command::Rollouts(args) => rollouts::run(args, &common),
        Command::Start(args) => rollout::run_act(args, Act::Start, &common),
        Command::Pause(args) => rollout::run_act(args, Act::Pause, &common),
        Command::Resume(args) => rollout::run_act(args, Act::Resume, &common),
        Command::Status(args) => status::run(args, &common),
        Command::Channel(args) => channel::run(args),
        Command::Collect(args) => collect::run(args),
        Command::Completions { shell } => Ok(tool::completions::<Cli>(TOOL, *shell)),
        Command::Man { dir } => tool::man::<Cli>(dir.as_deref()).map_err(Into::into),
    };
    tool::finish(TOOL, reply, if common.json { Form::Json } else { Form::Text })
}
