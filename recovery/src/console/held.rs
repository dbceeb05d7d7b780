//! One console for one writer.

use super::writer::{Port, Shared};
use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};

/// A console that nobody else writes to, for as long as it lives; what is left for it meanwhile is counted, and said to be lost.
pub(super) struct Held<'p> {
    shared: &'p Shared,
    port: &'p Port,
    /// Taken back before the writer is woken, or it would find the console still held.
    line: Option<MutexGuard<'p, ()>>,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Some(ring) = &mut *self.port.ring() {
            ring.forget();
        }
        self.port.held.store(false, Ordering::Release);
        self.line = None;
        let _ = self.shared.wake.write(1);
    }
}

impl Shared {
    /// Keeps everybody else from writing to a console. What was being written is cut where it is.
    pub(super) fn hold<'p>(&'p self, port: &'p Port) -> Held<'p> {
        port.held.store(true, Ordering::Release);
        let line = port.line.lock().unwrap_or_else(PoisonError::into_inner);
        Held { shared: self, port, line: Some(line) }
    }
}

#[cfg(test)]
mod tests {
    use crate::console::Console;
    use crate::console::tests::terminal;
    use std::io::{Read, Write};

    #[test]
    fn what_others_say_while_a_console_is_held_is_counted_and_not_written() {
        let (mut person, serial) = terminal();
        let (mut neighbour, screen) = terminal();
        let console = Console::on(vec![serial, screen]).unwrap();
        let port = &console.shared.ports[0];
        let held = console.shared.hold(port);
        console.line("one");
        console.line("two");
        let mut seen = [0; 8];
        neighbour.read_exact(&mut seen).unwrap();
        assert_eq!(&seen, b"one\ntwo\n");
        (&port.file).write_all(b"bytes").unwrap();
        drop(held);
        let mut seen = [0; 20];
        person.read_exact(&mut seen).unwrap();
        assert_eq!(&seen, b"bytes[2 lines lost]\n");
    }
}
