use super::ring::Ring;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How many bytes a console may be behind.
const LIMIT: usize = 64 * 1024;
/// How long a full console is left alone at least.
const PAUSE: Duration = Duration::from_millis(5);

/// One console.
#[derive(Debug)]
pub(super) struct Port {
    pub(super) file: File,
    /// Whether the last line that was typed here ended in CR: a LF behind it belongs to it, however late it comes.
    pub(super) after_cr: AtomicBool,
    ring: Mutex<Option<Ring>>,
    /// Whether somebody else writes to it.
    pub(super) held: AtomicBool,
    /// Whoever writes to it has this.
    pub(super) line: Mutex<()>,
}

/// All consoles, shared by those who write and the one thread that really does.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) ports: Vec<Port>,
    pub(super) wake: EventFd,
    idle: (Mutex<()>, Condvar),
}

impl Port {
    pub(super) fn ring(&self) -> MutexGuard<'_, Option<Ring>> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether its last write did not fail.
    pub(super) fn is_alive(&self) -> bool {
        self.ring().is_some()
    }

    fn is_done(&self) -> bool {
        self.held.load(Ordering::Acquire) || self.ring().as_ref().is_none_or(Ring::is_empty)
    }

    /// Writes until there is nothing left or no room. `true`: it is full. The ring stays free meanwhile: even a
    /// write that must not block may take a while, as on a screen that the kernel is writing to.
    fn write(&self) -> bool {
        let Ok(_line) = self.line.try_lock() else { return false };
        let mut chunk = [0; 512];
        loop {
            if self.held.load(Ordering::Acquire) {
                return false;
            }
            let len = match &mut *self.ring() {
                Some(ring) if !ring.is_empty() => {
                    let next = ring.next();
                    let len = next.len().min(chunk.len());
                    chunk[..len].copy_from_slice(&next[..len]);
                    len
                }
                _ => return false,
            };
            match (&self.file).write(&chunk[..len]) {
                Ok(written) => {
                    if let Some(ring) = &mut *self.ring() {
                        ring.advance(written);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // A console without hardware opens, and then fails every write with EIO.
                Err(_) => *self.ring() = None,
            }
        }
    }
}

impl Shared {
    /// The files must not block.
    pub(super) fn new(files: Vec<File>) -> io::Result<Self> {
        let port = |file| Port {
            file,
            after_cr: AtomicBool::new(false),
            ring: Mutex::new(Some(Ring::new(LIMIT))),
            held: AtomicBool::new(false),
            line: Mutex::new(()),
        };
        Ok(Self {
            ports: files.into_iter().map(port).collect(),
            wake: EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?,
            idle: (Mutex::new(()), Condvar::new()),
        })
    }

    /// Leaves text for every console.
    pub(super) fn push(&self, text: &[u8]) {
        self.ports.iter().for_each(|port| self.push_to(port, text));
    }

    /// Leaves text for one console.
    pub(super) fn push_to(&self, port: &Port, text: &[u8]) {
        if let Some(ring) = &mut *port.ring() {
            ring.push(text);
        }
        let _ = self.wake.write(1);
    }

    /// Waits until all that was left has been written. `false`: the time was over before.
    pub(super) fn drain(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        let guard = self.idle.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = || deadline.saturating_duration_since(Instant::now());
        let busy = |_: &mut ()| !self.ports.iter().all(Port::is_done);
        let waited = self.idle.1.wait_timeout_while(guard, left(), busy);
        if waited.is_ok_and(|(_, result)| result.timed_out()) {
            return false;
        }
        // The terminals have a buffer of their own.
        while !self
            .ports
            .iter()
            .all(|port| !port.is_alive() || crate::sys::unsent(&port.file).unwrap_or(0) == 0)
        {
            if left().is_zero() {
                return false;
            }
            std::thread::sleep(PAUSE.min(left()));
        }
        true
    }

    /// Writes for ever. Only this waits for consoles.
    pub(super) fn run(&self) {
        loop {
            let full: Vec<&Port> = self.ports.iter().filter(|port| port.write()).collect();
            if self.ports.iter().all(Port::is_done) {
                let _guard = self.idle.0.lock().unwrap_or_else(PoisonError::into_inner);
                self.idle.1.notify_all();
            }
            let mut waits = vec![PollFd::new(self.wake.as_fd(), PollFlags::POLLIN)];
            waits.extend(full.iter().map(|port| PollFd::new(port.file.as_fd(), PollFlags::POLLOUT)));
            let polled = poll(&mut waits, PollTimeout::NONE);
            if !full.is_empty() || polled.is_err_and(|errno| errno != Errno::EINTR) {
                std::thread::sleep(PAUSE);
            }
            let _ = self.wake.read();
        }
    }
}
