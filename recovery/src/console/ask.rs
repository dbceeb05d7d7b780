use super::Console;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{FlushArg, InputFlags, LocalFlags, SetArg, Termios, tcflush, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// The longest line that a terminal delivers.
const LINE: usize = 4096;

impl Console {
    /// Asks for a passphrase on all consoles at once; the first line typed on any of them counts. It is not
    /// shown. `None`: nobody answered within `limit`, or there is nobody to ask.
    pub fn passphrase(&self, prompt: &str, limit: Duration) -> Option<Zeroizing<Vec<u8>>> {
        self.ask(prompt, limit, false)
    }

    /// Asks a question that is answered by `y` or `n`. `None`: nobody did within `limit`.
    pub fn confirm(&self, question: &str, limit: Duration) -> Option<bool> {
        let deadline = Instant::now() + limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let answer = self.ask(&format!("{question} [y/n] "), left, true)?;
            match answer.trim_ascii().to_ascii_lowercase().as_slice() {
                b"y" | b"yes" => return Some(true),
                b"n" | b"no" => return Some(false),
                _ => {}
            }
        }
    }

    fn ask(&self, prompt: &str, limit: Duration, echo: bool) -> Option<Zeroizing<Vec<u8>>> {
        let deadline = Instant::now() + limit;
        let ports = self.shared.ports.iter().filter(|port| port.is_alive());
        let mut terminals: Vec<Terminal<'_>> =
            ports.filter_map(|port| Terminal::prepare(&port.file, echo)).collect();
        self.text(prompt);
        let answer = loop {
            if terminals.is_empty() {
                break None;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let timeout = PollTimeout::try_from(left.as_millis()).unwrap_or(PollTimeout::MAX);
            let mut waits: Vec<_> = terminals
                .iter()
                .map(|terminal| PollFd::new(terminal.file.as_fd(), PollFlags::POLLIN))
                .collect();
            match poll(&mut waits, timeout) {
                Ok(0) | Err(_) if left.is_zero() => break None,
                Ok(_) | Err(Errno::EINTR) => {}
                Err(_) => break None,
            }
            let mut answer = None;
            terminals.retain(|terminal| match terminal.line() {
                Ok(line) => {
                    answer = answer.take().or(line);
                    true
                }
                Err(Gone) => false,
            });
            if answer.is_some() {
                break answer;
            }
        };
        if !echo || answer.is_none() {
            self.text("\n");
        }
        answer
    }
}

/// The console hung up or has no hardware.
struct Gone;

/// A console that delivers whole lines; its former state comes back on drop.
struct Terminal<'a> {
    file: &'a File,
    before: Termios,
}

impl<'a> Terminal<'a> {
    /// Nothing here waits for output, which would hang on a console that takes none.
    fn prepare(file: &'a File, echo: bool) -> Option<Self> {
        let before = tcgetattr(file).ok()?;
        let mut wanted = before.clone();
        wanted.local_flags.insert(LocalFlags::ICANON);
        wanted.local_flags.remove(LocalFlags::ISIG);
        wanted.local_flags.set(LocalFlags::ECHO, echo);
        wanted.input_flags.insert(InputFlags::ICRNL);
        tcsetattr(file, SetArg::TCSANOW, &wanted).ok()?;
        // What was typed before the question is no answer to it.
        let _ = tcflush(file, FlushArg::TCIFLUSH);
        Some(Self { file, before })
    }

    /// The line that was typed, without its end; `None` if there is none yet.
    fn line(&self) -> Result<Option<Zeroizing<Vec<u8>>>, Gone> {
        let mut buffer = Zeroizing::new([0; LINE]);
        let mut file = self.file;
        match file.read(&mut buffer[..]) {
            Ok(len) if buffer[..len].ends_with(b"\n") => Ok(Some(Zeroizing::new(buffer[..len - 1].to_vec()))),
            // A line cut short by ^D is asked for again; an end of file is a console that hung up.
            Ok(1..) => Ok(None),
            Ok(0) => Err(Gone),
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::WouldBlock | std::io::ErrorKind::Interrupted
                ) =>
            {
                Ok(None)
            }
            Err(_) => Err(Gone),
        }
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        let _ = tcsetattr(self.file, SetArg::TCSANOW, &self.before);
    }
}
