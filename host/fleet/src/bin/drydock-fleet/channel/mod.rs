//! `drydock-fleet channel`: makes, changes, signs and shows channels.

mod edit;
mod keys;
mod show;
mod sign;

use drydock_bundle::tool::Reply;
use drydock_fleet::Error;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Make a channel's file.
    ///
    /// It has the release of a bundle, if one is given, and is signed with --key, or later with `channel sign`.
    New(edit::New),
    /// Change a channel: the next document, with a higher sequence number and a new expiry.
    ///
    /// Without a change it only lasts longer. The signatures of the old document go, as they are not for the new one. The
    /// file is replaced as a whole: a web server gives out the old one or the new one.
    Set(edit::Set),
    /// Add signatures to a channel: with key files, or made elsewhere.
    ///
    /// With a key in an HSM: take the bytes to sign with --print-bytes, let the HSM sign them (Ed25519, pure), and
    /// add what it made with --attach.
    Sign(sign::Args),
    /// Show what a channel says, check who has signed it, and tell what it means for a device.
    Show(show::Args),
}

pub(crate) fn run(args: &Args) -> Result<Reply, Error> {
    match &args.command {
        Command::New(args) => edit::new(args),
        Command::Set(args) => edit::set(args),
        Command::Sign(args) => sign::run(args),
        Command::Show(args) => show::run(args),
    }
}
