//! `drydock-bundle`, the host tool: makes keys and bundles, signs, shows, checks and unpacks them.

mod answer;
mod bar;
mod cli;
mod create;
mod delta;
mod disk;
mod extract;
mod info;
mod keygen;
mod look;
mod sign;
mod slim;
mod tree;
mod trust;
mod unpack;
mod verify;

use bar::Progress;
use clap::Parser;
use cli::{Cli, Command};
use drydock_bundle::tool::{self, Form, Reply};
use std::process::ExitCode;

/// What it is called.
const TOOL: &str = "drydock-bundle";

fn main() -> ExitCode {
    let cli = Cli::parse();
    let progress = if cli.quiet { Progress::Hidden } else { Progress::Shown };
    let form = if cli.json { Form::Json } else { Form::Text };
    let reply = match &cli.command {
        Command::Keygen(args) => keygen::run(args),
        Command::Create(args) => create::run(args, progress),
        Command::Sign(args) => sign::run(args),
        Command::Delta(args) => delta::run(args),
        Command::Slim(args) => slim::run(args),
        Command::Info(args) => info::run(args),
        Command::Verify(args) => verify::run(args, progress),
        Command::Extract(args) => extract::run(args, progress),
        Command::Tree(args) => tree::run(args),
        Command::Disk(args) => disk::run(args, progress),
        Command::Answer(args) => answer::run(args),
        Command::Completions { shell } => Ok(tool::completions::<Cli>(TOOL, *shell)),
        Command::Man { dir } => tool::man::<Cli>(dir.as_deref()),
    };
    tool::finish(TOOL, reply, form)
}
