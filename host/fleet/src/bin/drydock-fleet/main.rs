//! `drydock-fleet`, the operator's tool: uploads bundles to a server, hands them out, and tells what became of them.

mod bar;
mod cli;
mod pages;
mod reply;

use clap::Parser;
use cli::{Cli, Command};
use reply::Form;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Cli { command, common } = Cli::parse();
    let reply = match &command {
        Command::Completions { shell } => Ok(pages::completions(*shell)),
        Command::Man { dir } => pages::man(dir.as_deref()),
    };
    reply::finish(reply, if common.json { Form::Json } else { Form::Text })
}
