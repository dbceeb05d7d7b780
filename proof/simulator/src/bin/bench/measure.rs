//! What is measured, and how: the same for everybody.

use crate::{Fallible, tools};
use drydock_simulator::native;
use nix::sys::resource::{UsageWho, getrusage};
use std::fmt;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How often the memory of the running programs is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Something that puts the image into a file.
pub(crate) trait Installer {
    fn name(&self) -> &'static str;
    /// What it checks of what it installs, in words.
    fn checks(&self) -> &'static str;
    /// The file that it writes, from the start.
    fn target(&self) -> &Path;
    /// Whether it reads back and checks what it wrote.
    fn reads_back(&self) -> bool {
        false
    }
    /// Starts what is up already when a device is told to install. Counted in the CPU time only.
    fn start(&mut self) -> Fallible<()> {
        Ok(())
    }
    /// Installs, and gives the memory in KiB that it had resident at most.
    fn install(&mut self) -> Fallible<u64>;
}

/// What one run took.
pub(crate) struct Cost {
    /// Seconds.
    pub(crate) wall: f64,
    /// How many of them went into flushing and hashing the target for one that does not read back.
    pub(crate) hash: f64,
    /// Seconds of the CPUs, in user mode and for it in the kernel.
    pub(crate) cpu: f64,
    pub(crate) peak_kib: f64,
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:8.2} {:8.2} {:8.2} {:10.0}", self.wall, self.hash, self.cpu, self.peak_kib)
    }
}

/// Installs once, and makes sure that the target then begins with `size` bytes of this SHA-256.
pub(crate) fn measure(installer: &mut dyn Installer, hash: &str, size: u64) -> Fallible<Cost> {
    native::blank(installer.target())?;
    installer.start()?;
    let (begun, before) = (Instant::now(), cpu()?);
    let peak_kib = installer.install()? as f64;
    let installed = begun.elapsed();
    if !installer.reads_back() {
        verify(installer.target(), hash, size)?;
    }
    let wall = begun.elapsed();
    let cpu = (cpu()? - before).as_secs_f64();
    if installer.reads_back() {
        verify(installer.target(), hash, size)?;
    }
    Ok(Cost { wall: wall.as_secs_f64(), hash: (wall - installed).as_secs_f64(), cpu, peak_kib })
}

fn verify(target: &Path, hash: &str, size: u64) -> Fallible<()> {
    let file = File::open(target)?;
    native::settle(&file)?;
    let found = if file.metadata()?.len() == size {
        tools::sha256_of(file.into())?
    } else {
        let mut head =
            Command::new("head").arg(format!("-c{size}")).stdin(file).stdout(Stdio::piped()).spawn()?;
        let found = tools::sha256_of(head.stdout.take().ok_or("head has no output")?.into())?;
        head.wait()?;
        found
    };
    if found == hash { Ok(()) } else { Err("the target does not hold the image afterwards".into()) }
}

/// The time that all programs that have ended took of the CPUs.
fn cpu() -> Fallible<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let time = |value: nix::sys::time::TimeVal| {
        Duration::from_secs(value.tv_sec() as u64) + Duration::from_micros(value.tv_usec() as u64)
    };
    Ok(time(usage.user_time()) + time(usage.system_time()))
}

/// Waits for programs that run at once, and gives the memory in KiB that they had resident at most, added up.
pub(crate) fn watch(children: Vec<Child>) -> Fallible<u64> {
    let mut running: Vec<(Child, u64)> = children.into_iter().map(|child| (child, 0)).collect();
    let mut sum = 0;
    while !running.is_empty() {
        let mut still = Vec::new();
        for (mut child, peak) in running {
            let peak = peak.max(peak_of(child.id()));
            match child.try_wait()? {
                Some(status) if status.success() => sum += peak,
                Some(status) => return Err(format!("a program ended with {status}").into()),
                None => still.push((child, peak)),
            }
        }
        running = still;
        std::thread::sleep(LOOK);
    }
    Ok(sum)
}

/// The memory in KiB that a running program has had resident at most.
pub(crate) fn peak_of(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or_default()
}
