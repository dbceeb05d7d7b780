//! Listening on all consoles at once: whole lines, each with the console that it was typed on.

use super::ask::deliver_as_typed;
use super::line::{Line, Typed};
use super::writer::{Port, Shared};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{SetArg, Termios, tcsetattr};
use std::collections::VecDeque;
use std::fs;
use std::io::{ErrorKind, Read};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// So many lines wait to be heard; those that come when there are as many are dropped.
const WAITING: usize = 16;

/// Listens on all consoles. When it is dropped they are as they were.
pub struct Listener {
    shared: Arc<Shared>,
    /// For each console by its number; nothing where nobody can type.
    ears: Vec<Option<Ear>>,
    heard: VecDeque<(usize, Vec<u8>)>,
}

/// A console that delivers what is typed as it comes.
struct Ear {
    before: Termios,
    line: Line,
}

impl Listener {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let ear = |port: &Port| {
            let before = deliver_as_typed(&port.file).filter(|_| port.is_alive())?;
            Some(Ear { before, line: Line::new(port.after_cr.swap(false, Ordering::Relaxed)) })
        };
        let ears = shared.ports.iter().map(ear).collect();
        Self { shared, ears, heard: VecDeque::new() }
    }

    /// Returns the consoles that somebody can type on, each with its name: `ttyS0`.
    pub fn consoles(&self) -> Vec<(usize, String)> {
        let name = |port: &Port| {
            let node = fs::read_link(format!("/proc/self/fd/{}", port.file.as_raw_fd())).unwrap_or_default();
            node.strip_prefix("/dev").unwrap_or(&node).display().to_string()
        };
        let ports = self.shared.ports.iter().zip(&self.ears).enumerate();
        ports.filter(|(_, (_, ear))| ear.is_some()).map(|(number, (port, _))| (number, name(port))).collect()
    }

    /// Waits for a line, for as long as `limit` if none comes. Returns the console's number and the line; nothing where the
    /// time was over. What is typed is shown where it is typed, as far as it can be printed.
    pub fn hear(&mut self, limit: Duration) -> Option<(usize, Vec<u8>)> {
        let deadline = Instant::now() + limit;
        loop {
            // Those who wait to be heard come first, and nobody is kept from typing by them.
            let left = match self.heard.is_empty() {
                true => deadline.saturating_duration_since(Instant::now()),
                false => Duration::ZERO,
            };
            self.gather(left);
            let heard = self.heard.pop_front();
            if heard.is_some() || Instant::now() >= deadline {
                return heard;
            }
        }
    }

    /// Takes what has been typed by now, or within a time if nothing has.
    fn gather(&mut self, limit: Duration) {
        let listening: Vec<usize> =
            self.ears.iter().enumerate().filter_map(|(n, ear)| ear.as_ref().map(|_| n)).collect();
        let ports = listening.iter().filter_map(|number| self.shared.ports.get(*number));
        let mut waits: Vec<_> = ports.map(|port| PollFd::new(port.file.as_fd(), PollFlags::POLLIN)).collect();
        let timeout = PollTimeout::try_from(limit.as_millis()).unwrap_or(PollTimeout::MAX);
        let polled = poll(&mut waits, timeout);
        let ready: Vec<usize> = listening
            .iter()
            .zip(&waits)
            .filter(|(_, wait)| wait.revents().is_some_and(|events| !events.is_empty()))
            .map(|(number, _)| *number)
            .collect();
        match polled {
            Ok(_) | Err(Errno::EINTR) => {}
            // There is nothing to wait by.
            Err(_) => std::thread::sleep(limit),
        }
        for number in ready {
            self.read(number);
        }
    }

    /// Takes what was typed on one console. One that hung up, or has no hardware, is not listened to any more.
    fn read(&mut self, number: usize) {
        let (Some(port), Some(slot)) = (self.shared.ports.get(number), self.ears.get_mut(number)) else {
            return;
        };
        let Some(ear) = slot else { return };
        let mut buffer = [0; 256];
        let len = match (&port.file).read(&mut buffer) {
            Ok(0) => return *slot = None,
            Ok(len) => len,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => return,
            Err(_) => return *slot = None,
        };
        let mut show = Vec::new();
        for byte in buffer.into_iter().take(len) {
            match ear.line.take(byte, Instant::now()) {
                Typed::Nothing => {}
                // What noise has made is not sent back as what controls a terminal.
                Typed::Added => show.push(if matches!(byte, b' '..=b'~') { byte } else { b'?' }),
                Typed::Erased(characters) => show.extend("\x08 \x08".repeat(characters).bytes()),
                Typed::Done => {
                    show.push(b'\n');
                    let line = std::mem::replace(&mut ear.line, Line::new(byte == b'\r'));
                    if self.heard.len() < WAITING {
                        self.heard.push_back((number, line.into_bytes().to_vec()));
                    }
                }
            }
        }
        if !show.is_empty() {
            self.shared.push_to(port, &show);
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        for (port, ear) in self.shared.ports.iter().zip(&self.ears) {
            if let Some(ear) = ear {
                let _ = tcsetattr(&port.file, SetArg::TCSANOW, &ear.before);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::console::Console;
    use crate::console::tests::terminal;
    use nix::sys::termios::tcgetattr;
    use std::io::{Read, Write};
    use std::time::{Duration, Instant};

    const LONG: Duration = Duration::from_secs(20);

    /// What a person has seen, up to this text.
    fn read_until(person: &mut std::fs::File, end: &str) -> String {
        let mut seen = String::new();
        while !seen.contains(end) {
            let mut some = [0; 100];
            let len = person.read(&mut some).unwrap();
            seen += &String::from_utf8_lossy(&some[..len]);
        }
        seen
    }

    #[test]
    fn lines_are_heard_with_the_console_that_they_were_typed_on() {
        let ((mut one, first), (mut other, second)) = (terminal(), terminal());
        let console = Console::on(vec![first, second]).unwrap();
        let mut listener = console.listen();
        assert_eq!(listener.consoles().len(), 2);
        one.write_all(b"1").unwrap();
        other.write_all(b"12\x7f\r\n").unwrap();
        assert_eq!(listener.hear(LONG), Some((1, b"1".to_vec())));
        // Half of a line stays where it was typed.
        one.write_all(b"3\r").unwrap();
        assert_eq!(listener.hear(LONG), Some((0, b"13".to_vec())));
        assert_eq!(listener.hear(Duration::ZERO), None);
        console.text_on(0, "to one\n");
        console.line("to all");
        assert!(console.drain(LONG));
        assert!(read_until(&mut one, "to all").contains("to one\n"));
        assert!(!read_until(&mut other, "to all").contains("to one"));
    }

    #[test]
    fn what_was_typed_ahead_is_heard_later_and_a_flood_is_bounded() {
        let (mut person, slave) = terminal();
        let console = Console::on(vec![slave]).unwrap();
        let mut listener = console.listen();
        person.write_all(&b"7\r".repeat(100)).unwrap();
        let mut heard = 0;
        while listener.hear(Duration::from_millis(200)).is_some() {
            heard += 1;
        }
        assert!((1..=100).contains(&heard), "{heard}");
        person.write_all(b"8\r").unwrap();
        assert_eq!(listener.hear(LONG), Some((0, b"8".to_vec())));
    }

    #[test]
    fn noise_has_an_end_and_nothing_of_it_controls_the_terminal() {
        let (mut person, slave) = terminal();
        let console = Console::on(vec![slave]).unwrap();
        let mut listener = console.listen();
        let writer = std::thread::spawn(move || {
            let end = Instant::now() + Duration::from_millis(300);
            while Instant::now() < end {
                let _ = person.write_all(&[0x9b, 0x1b, b'c', 0xff, 0x07, b'x']);
            }
            let mut seen = [0; 4096];
            let len = person.read(&mut seen).unwrap();
            seen[..len].to_vec()
        });
        // Never a line, and still it returns.
        assert_eq!(listener.hear(Duration::from_millis(100)), None);
        assert_eq!(listener.hear(Duration::from_millis(300)), None);
        let seen = writer.join().unwrap();
        assert!(!seen.is_empty() && seen.iter().all(|byte| matches!(byte, b' '..=b'~')), "{seen:?}");
    }

    #[test]
    fn a_console_that_hangs_up_is_not_listened_to_any_more_and_the_other_one_is() {
        let ((gone, first), (mut other, second)) = (terminal(), terminal());
        let console = Console::on(vec![first, second]).unwrap();
        let mut listener = console.listen();
        drop(gone);
        other.write_all(b"5\r").unwrap();
        assert_eq!(listener.hear(LONG), Some((1, b"5".to_vec())));
        assert_eq!(listener.consoles().len(), 1);
    }

    #[test]
    fn consoles_are_as_they_were_when_nobody_listens_any_more() {
        let (_person, slave) = terminal();
        let probe = slave.try_clone().unwrap();
        let before = tcgetattr(&probe).unwrap();
        let console = Console::on(vec![slave]).unwrap();
        let listener = console.listen();
        assert_ne!(tcgetattr(&probe).unwrap().local_flags, before.local_flags);
        drop(listener);
        assert_eq!(tcgetattr(&probe).unwrap().local_flags, before.local_flags);
    }
}
