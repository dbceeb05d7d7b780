//! `make demo`: one update of a real Debian system over the network, from the flashed disk to the new system marked good.
//!
//! The running system fetches what it lacks from a real nginx, with certificates on both sides, and stages that. With
//! `--stream` it leaves this to the recovery. With `--cut` the power fails once in the middle of the update, with `--unplug`
//! the network cable is out for a while.
//!
//! Ends with 0 only if the new system runs, is marked good, its root hash is the one that was signed, and far less than the
//! bundle came over the wire. What it made stays in `target/demo/`, or in the folder that is the argument (and is emptied
//! first).

use drydock_qemu_tests::demo::{Console, Deltas, Factory, Kind, Made, Transcript, UPDATE, programs, stick};
use drydock_qemu_tests::{Disk, Exit, Qemu, Server, Tools, target_dir};
use serde_json::Value;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// For a start, an update, or a shutdown: far more than they take, so that a slow machine passes too.
const LIMIT: Duration = Duration::from_secs(400);
/// How long the root has been being written when `--cut` cuts the power.
const CUT_AFTER: Duration = Duration::from_secs(1);

/// How long the network cable is out with `--unplug`: long enough for the recovery to lose its address.
const UNPLUGGED: Duration = Duration::from_secs(8);

/// What the demo is to show beside the update.
#[derive(Clone, Copy, Default)]
struct Options {
    /// The recovery reads the bundle from the server.
    stream: bool,
    /// The power fails.
    cut: bool,
    /// The network cable is pulled out, and put in again.
    unplug: bool,
}

fn main() -> ExitCode {
    let (mut options, mut dir) = (Options::default(), target_dir().join("demo"));
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--stream" => options.stream = true,
            "--cut" => options.cut = true,
            "--unplug" => options.unplug = true,
            folder => dir = folder.into(),
        }
    }
    match demo(&dir, options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("\nThe demo failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn demo(dir: &Path, options: Options) -> Result<(), Box<dyn Error>> {
    let transcript = Transcript::new();
    transcript.heading("Programs and root trees (debootstrap; kept for the next time)");
    programs("network")?;
    Factory::clear(dir)?;
    let factory = Factory::open(dir, Tools::with_network()?, &["pump-0815"], &transcript)?;
    let made = factory.make(&Kind { name: "", config: "", deltas: Deltas::FromV1 })?;
    let served = dir.join("served");
    factory.serve(&made.bundles[1], &served)?;
    let server = Server::start(&served, &factory.certificates())?;
    let update = server.url(UPDATE);
    let update = if options.stream { format!("--stream {update}") } else { update };
    let medium = dir.join("stick.img");
    stick(&transcript, &medium, &factory.certificates(), "pump-0815", &[("update", &update)])?;
    // The device: the same for each start, and the disk is all that it keeps.
    let machine = Qemu::new("demo").disk(Disk::file(&made.disk)).network().log_file(dir.join("serial.log"));

    transcript.heading("First start: v1, from the disk as it was flashed; data is blank");
    let with_stick = machine.clone().disk(Disk::file(&medium));
    let mut console = Console::new(with_stick.start()?, &transcript);
    let first = console.report(LIMIT)?;
    expect(&first, &made, 0, "a")?;
    console.expect("demo: staged, restarting", LIMIT)?;
    let staged = server.served()?;
    console.expect_exit(Exit::Reset, LIMIT)?;

    transcript.heading("The recovery: PID 1 applies v2 to set b");
    let mut console = Console::new(machine.start()?, &transcript);
    if options.unplug {
        console.expect("write  root-b", LIMIT)?;
        console.unplug(UNPLUGGED)?;
    }
    if options.cut {
        console.expect("write  root-b", LIMIT)?;
        std::thread::sleep(CUT_AFTER);
        console.power_cut();
        transcript.heading("The power is back");
        console = Console::new(machine.start()?, &transcript);
    }
    console.expect_exit(Exit::Reset, LIMIT)?;
    let served = server.served()?;

    transcript.heading("Second start: v2, from set b");
    let mut console = Console::new(machine.start()?, &transcript);
    let second = console.report(LIMIT)?;
    expect(&second, &made, 1, "b")?;

    transcript.heading("What has happened");
    let [v1, v2] = &made.releases;
    transcript.say(format_args!(
        "   {} to {}: set b runs, is marked good, and its root hash is the signed one:",
        v1.version, v2.version
    ));
    transcript.say(format_args!("   {}", v2.root_hash));
    transcript.say(format_args!("   Packages that the update changed: {}", factory.changed.join(", ")));
    let whole = std::fs::metadata(&made.bundles[1])?.len();
    let recovery = served - staged;
    transcript
        .say(format_args!("   The server has sent {staged} to the live system, {recovery} to the recovery,"));
    let share = 100.0 * served.bytes as f64 / whole as f64;
    transcript.say(format_args!("   {share:.1} % of the bundle, which has {whole}"));
    transcript.say(format_args!("   To look at: {}", dir.display()));
    if served.bytes * 2 > whole {
        return Err("more than half of the bundle came over the wire".into());
    }
    if options.stream == (served == staged) {
        return Err("the bundle did not come in the way that was asked for".into());
    }
    Ok(())
}

/// Checks what a system's report says of it: which set runs, that it is marked good, and that its root hash is
/// that of the release that was signed.
fn expect(status: &Value, made: &Made, release: usize, set: &str) -> Result<(), Box<dyn Error>> {
    let release = &made.releases[release];
    for (what, is, should) in [
        ("the running set", &status["running"]["set"], set),
        ("the running version", &status["running"]["version"], release.version),
        ("the running root hash", &status["running"]["root_hash"], &release.root_hash),
        ("the set's state", &status["sets"][set]["status"], "good"),
        ("the last good set", &status["last_good"], set),
    ] {
        if is != should {
            return Err(format!("{what} is {is}, and should be {should}").into());
        }
    }
    Ok(())
}
