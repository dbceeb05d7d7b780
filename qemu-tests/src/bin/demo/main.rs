//! `make demo`: one update of a real Debian system over the network, from the flashed disk to the new system marked good.
//!
//! The running system fetches what it lacks from a real nginx, with certificates on both sides, and stages that. With
//! `--stream` it leaves this to the recovery. With `--cut` the power fails once in the middle of the update, with `--unplug`
//! the network cable is out for a while.
//!
//! Ends with 0 only if the new system runs, is marked good, its root hash is the one that was signed, and far less than the
//! bundle came over the wire. What it made stays in `target/demo/`, or in the folder that is the argument (and is emptied
//! first).

mod make;
mod watch;

use drydock_qemu_tests::{Disk, Exit, Qemu, Server, target_dir};
use make::{Made, UPDATE};
use serde_json::Value;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use watch::Console;

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
    let start = Instant::now();
    let made = make::all(dir)?;
    let server = Server::start(&made.served, &made.certificates)?;
    let update = server.url(UPDATE);
    let update = if options.stream { format!("--stream {update}") } else { update };
    made.fill_stick(&update)?;

    heading(start, "First start: v1, from the disk as it was flashed; data is blank");
    let mut console = Console::new(machine(&made).disk(Disk::file(&made.stick)).start()?);
    let first = console.report(LIMIT)?;
    expect(&first, &made, 0, "a")?;
    console.expect("demo: staged, restarting", LIMIT)?;
    let staged = server.served()?;
    console.expect_exit(Exit::Reset, LIMIT)?;

    heading(start, "The recovery: PID 1 applies v2 to set b");
    let mut console = Console::new(machine(&made).start()?);
    if options.unplug {
        console.expect("write  root-b", LIMIT)?;
        console.unplug(UNPLUGGED)?;
    }
    if options.cut {
        console.expect("write  root-b", LIMIT)?;
        std::thread::sleep(CUT_AFTER);
        console.power_cut();
        heading(start, "The power is back");
        console = Console::new(machine(&made).start()?);
    }
    console.expect_exit(Exit::Reset, LIMIT)?;
    let served = server.served()?;

    heading(start, "Second start: v2, from set b");
    let mut console = Console::new(machine(&made).start()?);
    let second = console.report(LIMIT)?;
    expect(&second, &made, 1, "b")?;

    heading(start, "What has happened");
    let [v1, v2] = &made.releases;
    println!(
        "   {} to {}: set b runs, is marked good, and its root hash is the signed one:",
        v1.version, v2.version
    );
    println!("   {}", v2.root_hash);
    println!("   Packages that the update changed: {}", made.changed.join(", "));
    let whole = std::fs::metadata(made.served.join(UPDATE))?.len();
    println!("   The server has sent {staged} to the live system, {} to the recovery,", served - staged);
    println!("   {:.1} % of the bundle, which has {whole}", 100.0 * served.bytes as f64 / whole as f64);
    println!("   To look at: {}", dir.display());
    if served.bytes * 2 > whole {
        return Err("more than half of the bundle came over the wire".into());
    }
    if options.stream == (served == staged) {
        return Err("the bundle did not come in the way that was asked for".into());
    }
    Ok(())
}

/// The device: the same for each start, and the disk is all that it keeps.
fn machine(made: &Made) -> Qemu {
    Qemu::new("demo").disk(Disk::file(&made.disk)).network().log_file(&made.log)
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

/// Begins a part of the transcript.
fn heading(start: Instant, text: &str) {
    println!("\n== {text}  [{:.0} s]", start.elapsed().as_secs_f32());
}
