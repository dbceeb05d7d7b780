use super::Console;
use super::line::{Line, Typed};
use super::writer::Port;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{
    FlushArg, InputFlags, LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcflush, tcgetattr, tcsetattr,
};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// What becomes of the keys while a line is typed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Echo {
    /// They are shown.
    Shown,
    /// They are not: it is a secret.
    Hidden,
}

impl Console {
    /// Asks for a passphrase on all consoles at once; the first line typed on any of them counts, by itself. It is not
    /// shown. `None`: nobody answered within `limit`, or there is nobody to ask.
    pub fn passphrase(&self, prompt: &str, limit: Duration) -> Option<Zeroizing<Vec<u8>>> {
        self.ask(prompt, limit, Echo::Hidden)
    }

    /// Asks a question that is answered by `y` or `n`. `None`: nobody did within `limit`.
    pub fn confirm(&self, question: &str, limit: Duration) -> Option<bool> {
        let deadline = Instant::now() + limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let answer = self.ask(&format!("{question} [y/n] "), left, Echo::Shown)?;
            match answer.trim_ascii().to_ascii_lowercase().as_slice() {
                b"y" | b"yes" => return Some(true),
                b"n" | b"no" => return Some(false),
                _ => {}
            }
        }
    }

    fn ask(&self, prompt: &str, limit: Duration, echo: Echo) -> Option<Zeroizing<Vec<u8>>> {
        let deadline = Instant::now() + limit;
        let ports = self.shared.ports.iter().filter(|port| port.is_alive());
        let mut terminals: Vec<Terminal<'_>> = ports.filter_map(Terminal::prepare).collect();
        self.text(prompt);
        let answer = loop {
            let left = deadline.saturating_duration_since(Instant::now());
            // A port with noise on its line always has something to say.
            if terminals.is_empty() || left.is_zero() {
                break None;
            }
            let timeout = PollTimeout::try_from(left.as_millis()).unwrap_or(PollTimeout::MAX);
            let mut waits: Vec<_> = terminals
                .iter()
                .map(|terminal| PollFd::new(terminal.port.file.as_fd(), PollFlags::POLLIN))
                .collect();
            match poll(&mut waits, timeout) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(_) => break None,
            }
            let mut answer = None;
            terminals.retain_mut(|terminal| {
                let port = terminal.port;
                let mut show = |text: &[u8]| {
                    if echo == Echo::Shown {
                        self.shared.push_to(port, text);
                    }
                };
                match terminal.read(&mut show) {
                    Ok(line) => {
                        answer = answer.take().or(line);
                        true
                    }
                    Err(Gone) => false,
                }
            });
            if answer.is_some() {
                break answer;
            }
        };
        self.text("\n");
        answer
    }
}

/// Has a terminal deliver what is typed as it comes, and forget what was typed before. Returns how it was; nothing where it
/// is none. Nothing here waits for output, which would hang on a console that takes none.
pub(super) fn deliver_as_typed(file: &File) -> Option<Termios> {
    let before = tcgetattr(file).ok()?;
    let mut wanted = before.clone();
    let edited =
        LocalFlags::ICANON | LocalFlags::IEXTEN | LocalFlags::ISIG | LocalFlags::ECHO | LocalFlags::ECHONL;
    wanted.local_flags.remove(edited);
    let changed = InputFlags::ICRNL | InputFlags::INLCR | InputFlags::IGNCR | InputFlags::ISTRIP;
    wanted.input_flags.remove(changed);
    // Otherwise nothing typed yet would look like the end of the file.
    wanted.control_chars[SpecialCharacterIndices::VMIN as usize] = 1;
    wanted.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
    tcsetattr(file, SetArg::TCSANOW, &wanted).ok()?;
    // What was typed before the question is no answer to it.
    let _ = tcflush(file, FlushArg::TCIFLUSH);
    Some(before)
}

/// The console hung up or has no hardware.
struct Gone;

/// A console that delivers what is typed as it comes; its former state comes back on drop.
struct Terminal<'a> {
    port: &'a Port,
    before: Termios,
    line: Line,
}

impl<'a> Terminal<'a> {
    fn prepare(port: &'a Port) -> Option<Self> {
        let before = deliver_as_typed(&port.file)?;
        Some(Self { port, before, line: Line::new(port.after_cr.swap(false, Ordering::Relaxed)) })
    }

    /// Takes what was typed, and shows what it does to the line. The line, if it is complete; what was typed behind it is
    /// no answer to any question.
    fn read(&mut self, show: &mut dyn FnMut(&[u8])) -> Result<Option<Zeroizing<Vec<u8>>>, Gone> {
        let mut buffer = Zeroizing::new([0; 256]);
        let len = match (&self.port.file).read(&mut buffer[..]) {
            Ok(0) => return Err(Gone),
            Ok(len) => len,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                return Ok(None);
            }
            Err(_) => return Err(Gone),
        };
        for byte in &buffer[..len] {
            match self.line.take(*byte, Instant::now()) {
                Typed::Nothing => {}
                Typed::Added => show(&[*byte]),
                Typed::Erased(characters) => show("\x08 \x08".repeat(characters).as_bytes()),
                Typed::Done => {
                    self.port.after_cr.store(*byte == b'\r', Ordering::Relaxed);
                    return Ok(Some(std::mem::replace(&mut self.line, Line::new(false)).into_bytes()));
                }
            }
        }
        Ok(None)
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.port.file, SetArg::TCSANOW, &self.before);
    }
}
