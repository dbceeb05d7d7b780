//! The hardware watchdog: resets the machine when nothing makes progress.

use crate::answer::Result;
use crate::sys;
use drydock_engine::Error;
use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

/// A running hardware watchdog. Dropping it leaves it running, so a program that dies is noticed.
#[derive(Debug)]
pub struct Watchdog {
    device: File,
    /// What its driver calls it.
    pub identity: String,
    /// After how long without [`pet`](Self::pet) it resets the machine.
    pub timeout: Duration,
}

impl Watchdog {
    /// Starts the first watchdog that is hardware, if there is one. The timeout is the one that the hardware
    /// can do; if it cannot be set, the driver's own stays in force.
    pub fn start(timeout: Duration) -> Result<Option<Self>> {
        for number in 0..8 {
            let node = PathBuf::from(format!("/dev/watchdog{number}"));
            if !node.exists() || known_software(number) {
                continue;
            }
            let open = || {
                let device = File::options().write(true).open(&node)?;
                let identity = sys::watchdog_identity(&device)?;
                Ok(Self { device, identity, timeout })
            };
            let mut watchdog = open().map_err(Error::doing(format_args!("start {}", node.display())))?;
            if is_software(&watchdog.identity) {
                watchdog.stop()?;
                continue;
            }
            let seconds = u32::try_from(timeout.as_secs()).unwrap_or(u32::MAX).max(1);
            if let Ok(taken) = sys::set_watchdog_timeout(&watchdog.device, seconds) {
                watchdog.timeout = Duration::from_secs(u64::from(taken));
            }
            return Ok(Some(watchdog));
        }
        Ok(None)
    }

    /// Tells it that there was progress. A failure is for the hardware to notice.
    pub fn pet(&mut self) {
        let _ = self.device.write_all(b"\0");
    }

    /// Stops it for good, for a live system that does not take it over. Drivers may refuse (`nowayout`).
    pub fn stop(mut self) -> Result<()> {
        self.device.write_all(b"V").map_err(Error::doing(format_args!("stop the watchdog {}", self.identity)))
    }
}

/// Asks `/sys`, because opening the node would start it.
fn known_software(number: u32) -> bool {
    let identity = fs::read_to_string(format!("/sys/class/watchdog/watchdog{number}/identity"));
    identity.is_ok_and(|identity| is_software(identity.trim_end()))
}

/// The kernel's own timer hangs along with the kernel.
fn is_software(identity: &str) -> bool {
    identity == "Software Watchdog"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel's watchdog API takes: any byte feeds, a `V` before the end stops.
    #[test]
    fn it_is_stopped_only_if_told_so() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let start = || Watchdog {
            device: File::options().append(true).open(file.path()).unwrap(),
            identity: "one".into(),
            timeout: Duration::from_secs(1),
        };
        let mut kept = start();
        kept.pet();
        drop(kept);
        assert_eq!(fs::read(file.path()).unwrap(), b"\0");
        start().stop().unwrap();
        assert_eq!(fs::read(file.path()).unwrap(), b"\0V");
    }
}
