//! The consoles: what the recovery says, and the few things that it asks.
//!
//! Everything goes to every console, and no console is ever waited for: text is left in a bounded ring per
//! console, and one thread writes it out as fast as each of them takes it. A console that is too slow loses
//! lines and says how many; one that fails (configured, but without hardware) is dropped.

mod ask;
mod events;
#[cfg(feature = "service")]
mod held;
mod line;
#[cfg(feature = "service")]
mod listen;
mod names;
mod ring;
#[cfg(feature = "service")]
mod transfer;
mod writer;

use drydock_engine::context::kernels_part;
pub use events::{ConsoleEvents, since_start};
#[cfg(feature = "service")]
pub use listen::Listener;
use nix::libc;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use writer::Shared;

/// A handle on all consoles. Clones write to the same ones.
#[derive(Clone, Debug)]
pub struct Console {
    shared: Arc<Shared>,
}

impl Console {
    /// Opens all consoles of this boot; `/dev`, `/proc` and `/sys` must be mounted. A machine without any gets
    /// a handle that swallows everything.
    pub fn open() -> io::Result<Self> {
        let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
        let mut names =
            names::consoles(kernels_part(&read("/proc/cmdline")), &read("/sys/class/tty/console/active"));
        names.push("console".into());
        let mut files: Vec<File> = vec![];
        for name in names {
            // The alias is for kernels that have no better name for theirs.
            if name != "console" || files.is_empty() {
                files.extend(open(&Path::new("/dev").join(name)));
            }
        }
        Self::on(files)
    }

    /// Writes to the given files, which must not block.
    pub fn on(files: Vec<File>) -> io::Result<Self> {
        let shared = Arc::new(Shared::new(files)?);
        let writer = Arc::clone(&shared);
        std::thread::Builder::new().name("console".into()).spawn(move || writer.run())?;
        Ok(Self { shared })
    }

    /// Writes a line. Never waits, never fails.
    pub fn line(&self, text: &str) {
        self.shared.push(format!("{text}\n").as_bytes());
    }

    /// Writes without ending the line.
    pub fn text(&self, text: &str) {
        self.shared.push(text.as_bytes());
    }

    /// Writes to one console, by its number. Never waits, never fails.
    #[cfg(feature = "service")]
    pub fn text_on(&self, number: usize, text: &str) {
        if let Some(port) = self.shared.ports.get(number) {
            self.shared.push_to(port, text.as_bytes());
        }
    }

    /// Listens on all consoles from now on, until the listener is dropped.
    #[cfg(feature = "service")]
    pub fn listen(&self) -> Listener {
        Listener::new(Arc::clone(&self.shared))
    }

    /// Waits until everything has left for the hardware, at most `limit`. `false`: some of it has not.
    pub fn drain(&self, limit: Duration) -> bool {
        self.shared.drain(limit)
    }
}

fn open(node: &Path) -> Option<File> {
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let both = File::options().read(true).write(true).custom_flags(flags).open(node);
    both.or_else(|_| File::options().write(true).custom_flags(flags).open(node)).ok()
}

#[cfg(test)]
pub(crate) mod tests;
