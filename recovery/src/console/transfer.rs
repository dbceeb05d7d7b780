//! A file transfer on one console: the line carries bytes as they are, and nobody else writes to it.

use super::Console;
use super::writer::Port;
use drydock_engine::Error;
use drydock_modem::{Ended, Session, TICK};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{
    ControlFlags, FlushArg, InputFlags, SetArg, SpecialCharacterIndices, Termios, cfmakeraw, tcflush,
    tcgetattr, tcsetattr,
};
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// How long what was said before, or at the end, may take to leave.
const LEAVE: Duration = Duration::from_secs(2);
/// How often is looked whether it has left.
const PAUSE: Duration = Duration::from_millis(5);
/// The most that is read at once, in bytes.
const CHUNK: usize = 1024;

impl Console {
    /// Returns how many consoles there are. They are numbered from 0 on, in their order on the kernel's command line.
    pub fn count(&self) -> usize {
        self.shared.ports.len()
    }

    /// Lets a transfer have one console for itself, for as long as `limit`; the others go on. On return, whatever came of it,
    /// the console is as it was before, and what else was left for it meanwhile is counted and said to be lost. Returns how the
    /// transfer ended. An error: the console is not there, hung up, or time is over.
    pub fn transfer(
        &self,
        console: usize,
        session: &mut dyn Session,
        limit: Duration,
    ) -> Result<Ended, Error> {
        let port = self.shared.ports.get(console).filter(|port| port.is_alive());
        let port = port.ok_or_else(|| gone(console))?;
        self.drain(LEAVE);
        let _held = self.shared.hold(port);
        let raw = Raw::make(port).map_err(Error::system(
            "preparing",
            format_args!("console {console} for a transfer"),
            "use a serial console",
        ))?;
        let started = Instant::now();
        let ended = loop {
            let now = started.elapsed();
            if now >= limit {
                return Err(Error::TimedOut {
                    waiting_for: "the end of a transfer over the line".into(),
                    seconds: limit.as_secs(),
                });
            }
            if !raw.write(session) {
                return Err(gone(console));
            }
            if let Some(ended) = session.ended()
                && session.outgoing().is_empty()
            {
                break ended;
            }
            let mut flags = PollFlags::POLLIN;
            flags.set(PollFlags::POLLOUT, !session.outgoing().is_empty());
            let timeout = PollTimeout::try_from(TICK.min(limit - now)).unwrap_or(PollTimeout::ZERO);
            match poll(&mut [PollFd::new(port.file.as_fd(), flags)], timeout) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(_) => return Err(gone(console)),
            }
            let mut buffer = [0; CHUNK];
            let came = match (&port.file).read(&mut buffer) {
                Ok(0) => return Err(gone(console)),
                Ok(len) => len,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => 0,
                Err(_) => return Err(gone(console)),
            };
            session.feed(buffer.get(..came).unwrap_or_default(), started.elapsed());
        };
        raw.leave();
        Ok(ended)
    }
}

fn gone(console: usize) -> Error {
    Error::Missing {
        what: format!("console {console}, or whoever was there"),
        advice: "start the transfer again on a console that is there".into(),
    }
}

/// A console that carries every byte as it is; its former state comes back on drop.
struct Raw<'p> {
    port: &'p Port,
    before: Termios,
}

impl<'p> Raw<'p> {
    fn make(port: &'p Port) -> std::io::Result<Self> {
        let before = tcgetattr(&port.file)?;
        let mut wanted = before.clone();
        cfmakeraw(&mut wanted);
        // Bytes of a file look like these, and would stop the line for good.
        wanted.input_flags.remove(InputFlags::IXOFF | InputFlags::IXANY | InputFlags::INPCK);
        wanted.control_flags.insert(ControlFlags::CREAD | ControlFlags::CS8);
        // Otherwise a silent line would look like one that hung up.
        wanted.control_chars[SpecialCharacterIndices::VMIN as usize] = 1;
        wanted.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
        tcsetattr(&port.file, SetArg::TCSANOW, &wanted)?;
        Ok(Self { port, before })
    }

    /// Writes what the line takes now. Returns whether there still is a line.
    fn write(&self, session: &mut dyn Session) -> bool {
        loop {
            let waiting = session.outgoing();
            if waiting.is_empty() {
                return true;
            }
            match (&self.port.file).write(waiting) {
                Ok(written) => session.sent(written),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
    }

    /// Waits until the last word has left.
    fn leave(&self) {
        let deadline = Instant::now() + LEAVE;
        while crate::sys::unsent(&self.port.file).unwrap_or(0) > 0 && Instant::now() < deadline {
            std::thread::sleep(PAUSE);
        }
    }
}

impl Drop for Raw<'_> {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.port.file, SetArg::TCSANOW, &self.before);
        // What is left of a transfer is no answer to any question.
        let _ = tcflush(&self.port.file, FlushArg::TCIFLUSH);
    }
}

#[cfg(test)]
mod tests;
