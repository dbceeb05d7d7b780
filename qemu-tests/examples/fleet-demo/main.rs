//! `make fleet-demo`: a release for a fleet of two, by a hawkBit server and then by a channel. One device gets it and is good; on the
//! other one its health check fails, so that the release before it comes back.
//!
//! The server is a real hawkBit where `HAWKBIT_JAR` names a jar, else the tests' double of it; a real nginx stands before it, with
//! certificates on both sides. The devices are real Debian systems in QEMU, on which systemd runs `drydock agent`.
//!
//! Ends with 0 only if the server's own API, and what the channel's reports have come to, say just that. What it made, and what it said,
//! stays in `target/fleet-demo/`, or in the folder that is the argument (and is emptied first). With `--one` there is the server
//! only, and one device that gets the release.

mod by_channel;
mod by_server;
mod pump;
mod watch;

use drydock_qemu_tests::demo::{Factory, Transcript, programs};
use drydock_qemu_tests::{QemuError, Tools, drydock_fleet, target_dir};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The devices: the first one gets on with v2, the second one does not.
const PUMPS: [&str; 2] = ["pump-1", "pump-2"];

/// What both parts need.
struct Demo<'d> {
    dir: &'d Path,
    transcript: &'d Transcript,
    factory: &'d Factory<'d>,
    /// `drydock-fleet`.
    fleet: PathBuf,
    /// Which devices there are.
    pumps: &'d [&'d str],
}

impl Demo<'_> {
    /// A command of `drydock-fleet`.
    fn fleet(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.fleet);
        command.args(words);
        command
    }

    /// Runs one, and shows it with what it says.
    fn show(&self, command: &mut Command) -> Result<String, QemuError> {
        self.transcript.show(command)
    }
}

fn main() -> ExitCode {
    let (mut pumps, mut dir) = (&PUMPS[..], target_dir().join("fleet-demo"));
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--one" => pumps = &PUMPS[..1],
            folder => dir = folder.into(),
        }
    }
    match demo(&dir, pumps) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("\nThe demo failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn demo(dir: &Path, pumps: &[&str]) -> Result<(), Box<dyn Error>> {
    let transcript = Transcript::new();
    transcript.heading("Programs and root trees (debootstrap; kept for the next time)");
    programs("fleet")?;
    let fleet = drydock_fleet()?;
    Factory::clear(dir)?;
    let transcript = transcript.kept(&dir.join("transcript"))?;
    let factory = Factory::open(dir, Tools::with_fleet()?, pumps, &transcript)?;
    let demo = Demo { dir, transcript: &transcript, factory: &factory, fleet, pumps };
    by_server::run(&demo)?;
    if pumps.len() > 1 {
        by_channel::run(&demo)?;
    }
    transcript.heading("All of it is as it should be");
    transcript.say(format_args!("   To look at: {}", dir.display()));
    Ok(())
}
