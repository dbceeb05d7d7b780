//! `drydock-bundle`, the host tool: makes keys and bundles, signs, shows, checks and unpacks them.

mod bar;
mod cli;
mod create;
mod disk;
mod extract;
mod info;
mod keygen;
mod look;
mod pages;
mod reply;
mod sign;
mod trust;
mod unpack;
mod verify;

use clap::Parser;
use cli::{Cli, Command};
use reply::Reply;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let reply = match &cli.command {
        Command::Keygen(args) => keygen::run(args),
        Command::Create(args) => create::run(args, cli.quiet),
        Command::Sign(args) => sign::run(args),
        Command::Info(args) => info::run(args),
        Command::Verify(args) => verify::run(args, cli.quiet),
        Command::Extract(args) => extract::run(args, cli.quiet),
        Command::Disk(args) => disk::run(args, cli.quiet),
        Command::Completions { shell } => Ok(pages::completions(*shell)),
        Command::Man { dir } => pages::man(dir.as_deref()),
    };
    reply::finish(reply, cli.json)
}
