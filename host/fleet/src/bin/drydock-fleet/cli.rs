use crate::common::Common;
use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// What every exit code means, for `--help` and the man page.
const EXIT_CODES: &str = "Exit codes:
  0  done, or it was so already
  1  a file could not be read or written, or what was asked for can't be done
  2  the command line is wrong
  3  the bundle is damaged, or does not keep the format's rules
  4  the signatures are missing, wrong, too few, or of unknown keys
  5  the server can't be reached, is not trusted, or refused
  6  the server has something else under that name or version";

/// Uploads bundles to a server, hands them out to a fleet, and tells what became of each device.
#[derive(Parser)]
#[command(name = "drydock-fleet", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// A command is one line here, with what `--help` says on its `Args`, and one in `main`.
#[derive(Subcommand)]
pub(crate) enum Command {
    Push(crate::push::Args),
    Assign(crate::assign::Args),
    Cancel(crate::cancel::Args),
    Rollout(crate::rollout::Args),
    Rollouts(crate::rollouts::Args),
    /// Start a rollout that is there.
    Start(crate::rollout::ActArgs),
    /// Pause a rollout: no further group begins, and devices that were told go on.
    Pause(crate::rollout::ActArgs),
    /// Go on with a rollout that pauses.
    Resume(crate::rollout::ActArgs),
    Status(crate::status::Args),
    /// Make, change, sign and show channels: for a fleet without a server.
    ///
    /// A channel is a small signed file beside the bundles on any web server. It says which release is meant for which
    /// devices, and from when on.
    Channel(Box<crate::channel::Args>),
    /// Take in what devices that follow a channel report, and show it.
    ///
    /// Reports are appended to a file of SQLite. It is for a lab, or a site of a few thousand devices.
    Collect(crate::collect::Args),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the man page, or write all of them into a directory.
    Man {
        /// Write drydock-fleet.1 and one page for each subcommand here.
        #[arg(long)]
        dir: Option<PathBuf>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definitions_are_consistent() {
        Cli::command().debug_assert();
    }
}
