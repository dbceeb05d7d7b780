use std::collections::VecDeque;

/// What one console still has to write. It is bounded: when a console is slower than the work, its oldest lines
/// go, and a note says how many.
#[derive(Debug)]
pub(super) struct Ring {
    waiting: VecDeque<Vec<u8>>,
    bytes: usize,
    limit: usize,
    lost: usize,
    current: Vec<u8>,
    sent: usize,
}

impl Ring {
    pub(super) fn new(limit: usize) -> Self {
        Self { waiting: VecDeque::new(), bytes: 0, limit, lost: 0, current: vec![], sent: 0 }
    }

    /// Adds a line, at the cost of the oldest ones if there is no room.
    pub(super) fn push(&mut self, line: &[u8]) {
        self.bytes += line.len();
        self.waiting.push_back(line.to_vec());
        while self.bytes > self.limit
            && let Some(oldest) = self.waiting.pop_front()
        {
            self.bytes -= oldest.len();
            self.lost += 1;
        }
    }

    /// Lets go of what waits; a note says how much it was.
    #[cfg(feature = "service")]
    pub(super) fn forget(&mut self) {
        self.lost += self.waiting.len();
        self.waiting.clear();
        self.bytes = 0;
    }

    /// What to write next; empty when there is nothing.
    pub(super) fn next(&mut self) -> &[u8] {
        if self.sent == self.current.len() {
            self.sent = 0;
            self.current = match std::mem::take(&mut self.lost) {
                0 => self.waiting.pop_front().unwrap_or_default(),
                1 => return self.note("[1 line lost]\n".into()),
                lost => return self.note(format!("[{lost} lines lost]\n")),
            };
            self.bytes -= self.current.len();
        }
        &self.current[self.sent..]
    }

    fn note(&mut self, text: String) -> &[u8] {
        self.current = text.into_bytes();
        &self.current
    }

    /// Notes that so much of [`next`](Self::next) was written.
    pub(super) fn advance(&mut self, written: usize) {
        self.sent = (self.sent + written).min(self.current.len());
    }

    /// Whether everything was written.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.lost == 0 && self.sent == self.current.len()
    }
}

#[cfg(test)]
mod tests {
    use super::Ring;

    fn take(ring: &mut Ring, step: usize) -> String {
        let mut all = vec![];
        while !ring.is_empty() {
            let next = ring.next();
            let n = next.len().min(step);
            all.extend_from_slice(&next[..n]);
            ring.advance(n);
        }
        String::from_utf8(all).unwrap()
    }

    #[test]
    fn lines_come_out_in_order_however_little_is_taken_at_a_time() {
        for step in [1, 3, 100] {
            let mut ring = Ring::new(100);
            ring.push(b"one\n");
            ring.push(b"two\n");
            assert_eq!(take(&mut ring, step), "one\ntwo\n");
            ring.push(b"three\n");
            assert_eq!(take(&mut ring, step), "three\n");
        }
    }

    #[test]
    fn what_does_not_fit_is_counted_and_the_newest_lines_stay() {
        let mut ring = Ring::new(12);
        ring.push(b"first\n");
        assert_eq!(ring.next(), b"first\n");
        ring.advance(2);
        for n in 0..10 {
            ring.push(format!("{n}...\n").as_bytes());
        }
        // The line that was begun is finished before the note.
        assert_eq!(take(&mut ring, 4), "rst\n[8 lines lost]\n8...\n9...\n");
        ring.push(b"next\n");
        assert_eq!(take(&mut ring, 4), "next\n");
    }

    #[test]
    fn a_line_longer_than_the_limit_is_lost_and_said_so() {
        let mut ring = Ring::new(4);
        ring.push(b"too long\n");
        assert_eq!(take(&mut ring, 100), "[1 line lost]\n");
    }
}
