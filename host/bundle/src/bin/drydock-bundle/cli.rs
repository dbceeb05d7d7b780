use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// What every exit code means, for `--help` and the man page.
const EXIT_CODES: &str = "Exit codes:
  0  done, or the bundle is good
  1  a file could not be read or written, or what was asked for cannot be in a bundle
  2  the command line is wrong
  3  the bundle is damaged, or does not keep the format's rules
  4  the signatures are missing, wrong, too few, or of unknown keys";

/// Makes, signs, shows, checks and unpacks drydock's update bundles.
#[derive(Parser)]
#[command(name = "drydock-bundle", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    /// Print the result as one JSON object, errors too.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// No progress bars, even on a terminal.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make an Ed25519 key pair in PEM files.
    ///
    /// The private key is made readable for its owner only. Files that are there are not replaced.
    Keygen(crate::keygen::Args),
    /// Make a bundle from raw images.
    ///
    /// The same input makes the same bytes. Images are padded with zeros to whole blocks of 4096 bytes.
    Create(crate::create::Args),
    /// Add signatures to a bundle: with key files, or made elsewhere.
    ///
    /// Signatures are added in place: nothing else in the file changes, and others' signatures stay.
    ///
    /// With a key in an HSM: take the bytes to sign with --print-bytes, let the HSM sign them (Ed25519, pure), and
    /// add what it made with --attach.
    ///
    /// Deltas that were made later have a list with signatures of its own: --deltas signs that one.
    Sign(crate::sign::Args),
    /// Make deltas for a release that was signed without them, as a file of its own.
    ///
    /// The file has the release's manifest and signatures as they are, the new deltas, and a list of these with signatures
    /// of its own. Of the rest it has what devices need that have one of the bases. The same input makes the same bytes.
    Delta(crate::delta::Args),
    /// Cut a bundle down to its deltas from given bases, for sticks and slow lines.
    ///
    /// What is left out is the whole images that those deltas lead to, and the deltas from other bases. The signatures stay,
    /// and hold. Only devices that have one of the bases can use the slim bundle.
    Slim(crate::slim::Args),
    /// Show what a bundle says of itself. Nothing is verified.
    ///
    /// For what can be relied on, see `verify`.
    Info(crate::info::Args),
    /// Check a bundle: signatures, structure, and every byte of every image.
    ///
    /// Does what a device does before it writes, and unpacks and proves every image besides.
    Verify(crate::verify::Args),
    /// Unpack images, proving every group against the root hash.
    ///
    /// Each image becomes DIR/NAME.img, sparse where it is zero. Every group is proven against the image's root hash;
    /// the keys say whether that hash can be relied on.
    Extract(crate::extract::Args),
    /// Make an image of a folder's files, for a class of the role `files`.
    ///
    /// The image is a tar archive whose first member lists all files with their metadata and digests; devices make a tree of it.
    /// The same folder makes the same bytes. Owners, permissions, links, capabilities and access lists are kept; times are not.
    Tree(crate::tree::Args),
    /// Make a disk image to flash.
    Disk(crate::disk::Args),
    /// Answer the challenge of a device, for a technician.
    ///
    /// The device shows a line that begins with drydock-service/1, and lets in who gives back a signature of it by a key that it
    /// knows. This prints the answer in a short form that can be typed: three lines of nine groups; white space and case do
    /// not matter, and the device finds a mistyped group.
    ///
    /// With a key in an agent or a token: put the line into a file, sign it with `ssh-keygen -Y sign -n drydock-service`, and take
    /// what that made with --signature; or paste it at the device as it is.
    Answer(crate::answer::Args),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the man page, or write all of them into a directory.
    Man {
        /// Write drydock-bundle.1 and one page for each subcommand here.
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
