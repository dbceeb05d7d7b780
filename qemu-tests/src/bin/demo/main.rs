//! `make demo`: one update of a real Debian system, from the flashed disk to the new system marked good.
//!
//! Ends with 0 only if the new system runs, is marked good, and its root hash is the one that was signed. What
//! it made stays in `target/demo/`, or in the folder that is the argument (and is emptied first). With `--cut`
//! the power fails once in the middle of the update.

mod make;
mod watch;

use drydock_qemu_tests::{Disk, Exit, Qemu, target_dir};
use make::Made;
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

fn main() -> ExitCode {
    let (mut cut, mut dir) = (false, target_dir().join("demo"));
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--cut" => cut = true,
            folder => dir = folder.into(),
        }
    }
    match demo(&dir, cut) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("\nThe demo failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn demo(dir: &Path, cut: bool) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let made = make::all(dir)?;
    let [v1, v2] = &made.releases;

    heading(start, "First start: v1, from the disk as it was flashed; data is blank");
    let mut console = Console::new(machine(&made).disk(Disk::file(&made.stick)).start()?);
    let first = console.report(LIMIT)?;
    expect(&first, &made, 0, "a")?;
    console.expect("demo: staged, restarting", LIMIT)?;
    console.expect_exit(Exit::Reset, LIMIT)?;

    heading(start, "The recovery: PID 1 applies v2 to set b");
    let mut console = Console::new(machine(&made).start()?);
    if cut {
        console.expect("write  root-b", LIMIT)?;
        std::thread::sleep(CUT_AFTER);
        console.power_cut();
        heading(start, "The power is back");
        console = Console::new(machine(&made).start()?);
    }
    console.expect_exit(Exit::Reset, LIMIT)?;

    heading(start, "Second start: v2, from set b");
    let mut console = Console::new(machine(&made).start()?);
    let second = console.report(LIMIT)?;
    expect(&second, &made, 1, "b")?;

    heading(start, "What has happened");
    println!(
        "   {} to {}: set b runs, is marked good, and its root hash is the signed one:",
        v1.version, v2.version
    );
    println!("   {}", v2.root_hash);
    println!("   Packages that the update changed: {}", made.changed.join(", "));
    println!("   To look at: {}", dir.display());
    Ok(())
}

/// The device: the same for each start, and the disk is all that it keeps.
fn machine(made: &Made) -> Qemu {
    Qemu::new("demo").disk(Disk::file(&made.disk)).log_file(&made.log)
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
