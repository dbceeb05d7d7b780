use drydock_lines::Throttle;
use std::fs::File;
use std::io::Write;
use std::process::ExitStatus;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// What a guest has said so far and whether it still runs: written by the thread that keeps the QEMU process,
/// waited on by the test.
#[derive(Default)]
pub(crate) struct Transcript {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) text: Vec<u8>,
    pub(crate) ended: Option<ExitStatus>,
    pub(crate) killed: bool,
}

impl Transcript {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes whoever waits for it.
    pub(crate) fn update(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Waits until `done` finds something, at most until `deadline`.
    pub(crate) fn wait<T>(&self, deadline: Instant, mut done: impl FnMut(&State) -> Option<T>) -> Option<T> {
        let mut state = self.lock();
        loop {
            if let Some(found) = done(&state) {
                return Some(found);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Where the guest's words go besides the transcript.
pub(crate) struct Sink {
    pub(crate) log: File,
    pub(crate) echo: bool,
}

impl Sink {
    /// Copies a chunk. The log is for people; that it can't be written fails no test.
    pub(crate) fn write(&mut self, chunk: &[u8]) {
        let _ = self.log.write_all(chunk);
        if self.echo {
            let mut out = std::io::stdout().lock();
            let _ = out.write_all(chunk).and_then(|()| out.flush());
        }
    }
}

/// The pace of whoever reads or writes at one end of a line, and then rests until the line has carried it.
pub(crate) struct Pace {
    throttle: Option<Throttle>,
    started: Instant,
}

impl Pace {
    /// As fast as it comes for nothing, or that of a line at this many baud.
    pub(crate) fn new(baud: Option<u32>) -> Self {
        Self { throttle: baud.map(Throttle::baud), started: Instant::now() }
    }

    /// How many bytes are taken at a time.
    pub(crate) fn chunk(&self) -> usize {
        self.throttle.as_ref().map_or(64 << 10, Throttle::chunk)
    }

    /// Rests until the line has carried so many bytes.
    pub(crate) fn rest(&mut self, bytes: usize) {
        if let Some(throttle) = &mut self.throttle {
            let free_at = throttle.wrote(bytes, self.started.elapsed());
            std::thread::sleep(free_at.saturating_sub(self.started.elapsed()));
        }
    }
}

/// The position after the first occurrence of `needle` at or after `from`.
pub(crate) fn find(text: &[u8], from: usize, needle: &str) -> Option<usize> {
    let needle = needle.as_bytes();
    let at = text.get(from..)?.windows(needle.len()).position(|window| window == needle)?;
    Some(from + at + needle.len())
}

/// The last lines of a log, for an error message.
pub(crate) fn tail(text: &[u8]) -> String {
    const LINES: usize = 25;
    let text = String::from_utf8_lossy(text);
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn find_looks_only_behind_the_position() {
        assert_eq!(find(b"abcabc", 0, "bc"), Some(3));
        assert_eq!(find(b"abcabc", 3, "bc"), Some(6));
        assert_eq!(find(b"abcabc", 5, "bc"), None);
        assert_eq!(find(b"abc", 9, "bc"), None);
    }
}
