//! The init of the small test images: says that it is up, does what its script says, and switches off.
//!
//! The script is a text at the start of another disk (see `ScriptDisk` in the harness), one command a line; without
//! one the system marks itself good, shows its status and switches off. A command that fails does not end the
//! script; its exit status is on the console. Nothing here can fail in a way that would leave PID 1.

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::reboot::{RebootMode, reboot};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const HEADER: &str = "DRYDOCK-TEST-SCRIPT\n";
const PAYLOAD_AT: u64 = 4096;
const DEFAULT: &str = "drydock mark-good\ndrydock status\ndrydock status --json\npoweroff\n";

/// The set that runs: what recovery or a set's own process 1 has left word of, or else what the bootloader has said.
fn set() -> Option<String> {
    let word = std::fs::read("/run/drydock/boot.json").unwrap_or_default();
    let word: Option<serde_json::Value> = serde_json::from_slice(&word).ok();
    let from_word = word.and_then(|word| word["set"].as_str().map(str::to_owned));
    let command_line = std::fs::read_to_string("/proc/cmdline").unwrap_or_default();
    let mut words = command_line.split_whitespace();
    from_word.or_else(|| words.find_map(|word| word.strip_prefix("drydock.set=").map(str::to_owned)))
}

fn main() {
    let version = std::fs::read_to_string("/etc/version").unwrap_or_default();
    say(&format!("DRYDOCK-TEST-UP set={} version={}", set().as_deref().unwrap_or("none"), version.trim()));

    feed_watchdog();
    let (script, mut disk) = find_script();
    for line in script.lines() {
        while HUNG.load(Ordering::Relaxed) {
            std::thread::park();
        }
        say(&format!("DRYDOCK-TEST-RUN {line}"));
        let words: Vec<_> = line.split_whitespace().collect();
        let done = match words.as_slice() {
            ["poweroff"] => end(RebootMode::RB_POWER_OFF),
            ["reboot"] => end(RebootMode::RB_AUTOBOOT),
            ["save", length, path] => save(disk.as_mut(), length, path),
            ["drydock", arguments @ ..] => run(arguments),
            ["write", path, text] => write(path, text),
            ["overwrite", disk, at, text] => overwrite(disk, at, text),
            ["mount", source, filesystem, path] => mount_at(source, filesystem, path),
            ["remove", path] => std::fs::remove_file(path).map(|()| "0".into()).map_err(|e| e.to_string()),
            ["show", path] => show(path),
            ["hang"] => {
                HUNG.store(true, Ordering::Relaxed);
                Ok("0".into())
            }
            _ => Err("unknown command".into()),
        };
        say(&format!("DRYDOCK-TEST-DONE {}", done.unwrap_or_else(|e| e)));
    }
    if !HUNG.load(Ordering::Relaxed) {
        let _ = end(RebootMode::RB_POWER_OFF);
    }
    loop {
        std::thread::park();
    }
}

/// Whether the system hangs: then nothing feeds the watchdog.
static HUNG: AtomicBool = AtomicBool::new(false);

/// Feeds the watchdog that process 1 of the initramfs has left running, where there is one.
fn feed_watchdog() {
    let Ok(mut watchdog) = File::options().write(true).open("/dev/watchdog0") else { return };
    std::thread::spawn(move || {
        while !HUNG.load(Ordering::Relaxed) {
            let _ = watchdog.write_all(b"\0");
            std::thread::sleep(Duration::from_secs(1));
        }
        loop {
            std::thread::park();
        }
    });
}

/// Writes to the console; a console that fails is no reason to stop.
fn say(text: &str) {
    if let Ok(mut console) = File::options().write(true).open("/dev/console") {
        let _ = console.write_all(format!("{text}\n").as_bytes());
    }
}

/// The script and the disk that it is on.
fn find_script() -> (String, Option<File>) {
    for name in ["vdb", "vdc", "vdd", "nvme0n1", "nvme1n1", "sda", "sdb", "vda"] {
        let Ok(mut disk) = File::open(format!("/dev/{name}")) else { continue };
        let mut start = [0; PAYLOAD_AT as usize];
        if disk.read_exact(&mut start).is_ok() && start.starts_with(HEADER.as_bytes()) {
            let text = String::from_utf8_lossy(&start[HEADER.len()..]);
            return (text.trim_end_matches('\0').to_owned(), Some(disk));
        }
    }
    (DEFAULT.into(), None)
}

/// Copies the disk's payload to a file, durably.
fn save(disk: Option<&mut File>, length: &str, path: &str) -> Result<String, String> {
    let disk = disk.ok_or("no script disk")?;
    let length: u64 = length.parse().map_err(|e| format!("{length}: {e}"))?;
    let mut copy = || {
        if let Some(folder) = std::path::Path::new(path).parent() {
            std::fs::create_dir_all(folder)?;
        }
        disk.seek(SeekFrom::Start(PAYLOAD_AT))?;
        let mut file = File::create(path)?;
        std::io::copy(&mut disk.take(length), &mut file)?;
        file.sync_all()
    };
    copy().map_err(|e| format!("{path}: {e}"))?;
    Ok("0".into())
}

/// Writes a word to a file, durably.
fn write(path: &str, text: &str) -> Result<String, String> {
    let write = || {
        if let Some(folder) = std::path::Path::new(path).parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = File::create(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|e| format!("{path}: {e}"))?;
    Ok("0".into())
}

/// Writes a word to a place of a disk, durably.
fn overwrite(disk: &str, at: &str, text: &str) -> Result<String, String> {
    let at = at.parse().map_err(|e| format!("{at}: {e}"))?;
    let write = || {
        let file = File::options().write(true).open(disk)?;
        file.write_all_at(text.as_bytes(), at)?;
        file.sync_all()
    };
    write().map_err(|e| format!("{disk}: {e}"))?;
    Ok("0".into())
}

/// Mounts something for writing, in a folder that is made for it.
fn mount_at(source: &str, filesystem: &str, path: &str) -> Result<String, String> {
    let _ = std::fs::create_dir_all(path);
    mount(Some(source), path, Some(filesystem), MsFlags::empty(), None::<&str>)
        .map_err(|e| format!("{source} at {path}: {e}"))?;
    Ok("0".into())
}

/// Returns what is in a file, or that there is none.
fn show(path: &str) -> Result<String, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))?;
    say(&format!("DRYDOCK-TEST-FILE {path} {}", text.trim_end()));
    Ok("0".into())
}

/// Runs the device binary as an operator would; its output goes to the console.
fn run(arguments: &[&str]) -> Result<String, String> {
    let console = || File::options().write(true).open("/dev/console").map_err(|e| e.to_string());
    let mut command = Command::new("/usr/bin/drydock");
    let status = command.args(arguments).stdout(console()?).stderr(console()?).status();
    let status = status.map_err(|e| e.to_string())?;
    Ok(status.code().map_or_else(|| status.to_string(), |code| code.to_string()))
}

/// Ends the system as an orderly one would: `data` is written back and unmounted.
fn end(how: RebootMode) -> Result<String, String> {
    nix::unistd::sync();
    if let Err(e) = umount2("/var", MntFlags::empty()) {
        say(&format!("DRYDOCK-TEST: unmounting /var: {e}"));
    }
    reboot(how).map(|never| match never {}).map_err(|e| e.to_string())
}
