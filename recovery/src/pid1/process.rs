//! What the kernel expects of process 1: it reaps, it does not die, and it ends with a reset.

use super::pstore;
use crate::answer::Result;
use crate::console::Console;
use crate::mount;
use drydock_engine::Error;
use nix::errno::Errno;
use nix::sys::reboot::{RebootMode, reboot, set_cad_enabled};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use std::fs;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How long a slow console may hold up a reset, so that the last words are read.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// How long unmounting and syncing may take.
const SYNC: Duration = Duration::from_secs(20);
/// How long the kernel may take to shut its drivers down.
const SHUT_DOWN: Duration = Duration::from_secs(15);

/// The signals that process 1 has to act on, held back until it does.
#[derive(Debug)]
pub struct Signals {
    received: SignalFd,
}

impl Signals {
    /// Holds the signals back. Call it first of all: a thread that exists already would still take them, and
    /// the kernel then ends the whole process, process 1 or not, and panics.
    pub fn hold() -> Result<Self> {
        let mut signals = SigSet::empty();
        for signal in [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT, Signal::SIGPWR] {
            signals.add(signal);
        }
        let hold = || {
            signals.thread_block()?;
            SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC)
        };
        let received = hold().map_err(|errno| Error::doing("hold signals back")(errno.into()))?;
        // From now on ctrl-alt-del is a SIGINT. It stays a reset where the keyboard is somebody else's.
        let _ = set_cad_enabled(false);
        Ok(Self { received })
    }

    /// Acts on them from now on, in a thread of its own.
    ///
    /// Orphans that end are reaped. SIGTERM, SIGINT and SIGPWR end in an orderly reset: everything that drydock
    /// does may be cut off at any moment, so nothing is waited for but the disks. All other signals do
    /// nothing, for the kernel delivers to process 1 only what it has a handler for.
    pub fn handle(self, console: &Console) -> Result<()> {
        let console = console.clone();
        let act = move || {
            reap();
            loop {
                match self.received.read_signal() {
                    Ok(Some(signal)) if signal.ssi_signo == Signal::SIGCHLD as u32 => reap(),
                    Ok(Some(signal)) => {
                        console.line(&format!("asked to restart (signal {})", signal.ssi_signo));
                        leave(&console);
                    }
                    Ok(None) | Err(Errno::EINTR) => {}
                    Err(_) => return,
                }
            }
        };
        let thread = thread::Builder::new().name("signals".into()).spawn(act);
        thread.map(drop).map_err(Error::doing("start the thread for signals"))
    }
}

/// Takes leave of every child that has ended. drydock starts none itself; they are orphans of others.
fn reap() {
    while let Ok(status) = waitid(Id::All, WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG) {
        if status == WaitStatus::StillAlive {
            return;
        }
    }
}

/// A panic in any thread is told to the consoles and to pstore, and resets the machine, so that the bootloader's counters
/// decide what comes next. Without this the kernel would panic, and not every kernel resets then.
pub fn reset_on_panic(console: &Console) {
    let console = console.clone();
    std::panic::set_hook(Box::new(move |panic| {
        console.line(&format!("drydock has a defect and restarts: {panic}"));
        pstore::leave_panic(&panic.to_string());
        leave(&console);
    }));
}

/// Ends it all: consoles get their last words out, filesystems are unmounted, the disks written, and the machine
/// is reset. Every step has a time limit; a kernel that does not obey is reset the hard way.
pub fn leave(console: &Console) -> ! {
    end(console, RebootMode::RB_AUTOBOOT)
}

/// The same, but the machine is switched off. One that can't be is reset.
#[cfg(feature = "service")]
pub fn switch_off(console: &Console) -> ! {
    end(console, RebootMode::RB_POWER_OFF)
}

fn end(console: &Console, how: RebootMode) -> ! {
    console.drain(LAST_WORDS);
    let done = Arc::new((Mutex::new(false), Condvar::new()));
    let signal = Arc::clone(&done);
    let sync = thread::Builder::new().spawn(move || {
        mount::unmount_all();
        nix::unistd::sync();
        *signal.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        signal.1.notify_all();
    });
    if sync.is_ok() {
        let guard = done.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = done.1.wait_timeout_while(guard, SYNC, |done| !*done);
    }
    let _ = thread::Builder::new().spawn(|| {
        thread::sleep(SHUT_DOWN);
        reset_hard();
    });
    let _ = reboot(how);
    loop {
        thread::sleep(SHUT_DOWN);
        reset_hard();
    }
}

/// Asks the kernel to reset without shutting anything down.
fn reset_hard() {
    let _ = fs::write("/proc/sysrq-trigger", "b");
}
