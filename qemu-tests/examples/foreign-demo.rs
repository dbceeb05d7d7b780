//! `make demo-` and Debian's name of another processor: one update of the tests' small system on that, in QEMU, from the flashed
//! disk to the new system marked good. The processor is the first argument.
//!
//! It is as short as it can be: `make demo` shows a real Debian, a network and what an integrator types. Ends with 0 only if the new
//! system runs from the other set and is marked good. What it made stays in `target/foreign-demo/`.

use drydock_architecture::Architecture;
use drydock_qemu_tests::demo::{Console, Transcript};
use drydock_qemu_tests::{Disk, Exit, Firmware, Qemu, Script, SmallSystem, foreign_config, target_dir};
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// For a start, an update, or a shutdown: far more than they take, so that a slow machine passes too.
const LIMIT: Duration = Duration::from_secs(400);

fn main() -> ExitCode {
    let architecture = std::env::args().nth(1).unwrap_or_default();
    match demo(&target_dir().join("foreign-demo"), &architecture) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("\nThe demo failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn demo(dir: &Path, architecture: &str) -> Result<(), Box<dyn Error>> {
    let architecture: Architecture = architecture.parse()?;
    let transcript = Transcript::new();
    transcript.heading(format_args!(
        "Programs for {architecture}, two releases, and the disk that a factory flashes"
    ));
    if dir.exists() {
        std::fs::remove_dir_all(dir)?;
    }
    std::fs::create_dir_all(dir)?;
    let (disk, script) = (dir.join("disk.img"), dir.join("script.img"));
    let system =
        SmallSystem::foreign("foreign-demo", &foreign_config(architecture, "grub-efi", ""), architecture)?;
    let (v1, v2) = (system.release("1.0.0", 1)?, system.release("2.0.0", 2)?);
    system.flash(&v1, &disk)?;
    Script::stage(&v2.bundle)?.write(&script)?;
    // The device: the same for each start; the disk and the firmware's variables are all that it keeps.
    let machine = Qemu::new("foreign-demo").architecture(architecture).cpus(1).disk(Disk::file(&disk));
    let machine = machine.firmware(Firmware::Efi(dir.join("variables.fd"))).log_file(dir.join("serial.log"));

    transcript.heading("First start: v1, from the disk as it was flashed; data is blank");
    let with_script = machine.clone().disk(Disk::file(&script).read_only());
    let mut console = Console::new(with_script.start()?, &transcript);
    console.expect("DRYDOCK-TEST-UP set=a version=1.0.0", LIMIT)?;
    console.expect("is staged as intent 1", LIMIT)?;
    console.expect_exit(Exit::Reset, LIMIT)?;

    transcript.heading("The recovery: PID 1 applies v2 to set b");
    let mut console = Console::new(machine.start()?, &transcript);
    console.expect("commit  trailers, state and boot environment: done", LIMIT)?;
    console.expect_exit(Exit::Reset, LIMIT)?;

    transcript.heading("Second start: v2, from set b");
    let mut console = Console::new(machine.start()?, &transcript);
    console.expect("DRYDOCK-TEST-UP set=b version=2.0.0", LIMIT)?;
    console.expect("\"last_good\": \"b\"", LIMIT)?;
    console.expect_exit(Exit::PowerOff, LIMIT)?;

    transcript.heading("What has happened");
    transcript.say(format_args!("   1.0.0 to 2.0.0 on {architecture}: set b runs, and is marked good"));
    transcript.say(format_args!("   To look at: {}", dir.display()));
    Ok(())
}
