use crate::ARCHITECTURE;
use crate::marker::{DEBUG_EXIT, PROBE_STATUS, boot_sector};
use drydock_architecture::Architecture;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// With a thread for each of the guest's processors a kernel hung once in hundreds of starts under QEMU 7.2: waiting for a timer
/// interrupt that never came, or going round in circles before its first word. With one thread that has not been seen, and it
/// costs nothing, for there is a guest for each of the host's processors.
const EMULATED: &str = "tcg,thread=single";

/// A boot sector is reached in 0.2 s under software emulation. Where `/dev/kvm` opens but real mode is itself
/// emulated it takes seconds, and kernels hang.
const PROBE_LIMIT: Duration = Duration::from_secs(2);

/// The accelerator for guests of an architecture: KVM only where a guest was seen to run under it. `DRYDOCK_ACCEL` overrides.
pub(crate) fn accelerator(architecture: Architecture) -> &'static str {
    static CHOICE: OnceLock<String> = OnceLock::new();
    if architecture != ARCHITECTURE {
        return EMULATED;
    }
    CHOICE.get_or_init(|| match std::env::var("DRYDOCK_ACCEL") {
        Ok(accel) => accel,
        Err(_) if kvm_runs().unwrap_or(false) => "kvm".into(),
        Err(_) => EMULATED.into(),
    })
}

fn kvm_runs() -> std::io::Result<bool> {
    if std::fs::File::options().read(true).write(true).open("/dev/kvm").is_err() {
        return Ok(false);
    }
    let disk = tempfile::NamedTempFile::new()?;
    std::fs::write(disk.path(), boot_sector("KVM\n"))?;
    let mut child = Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "--", ARCHITECTURE.machine().program])
        .args(["-accel", "kvm", "-m", "32", "-nodefaults", "-display", "none", "-device", DEBUG_EXIT])
        .arg("-drive")
        .arg(format!("file={},format=raw", disk.path().display()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let start = Instant::now();
    while start.elapsed() < PROBE_LIMIT {
        if let Some(status) = child.try_wait()? {
            return Ok(status.code() == Some(PROBE_STATUS));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill()?;
    child.wait()?;
    Ok(false)
}
