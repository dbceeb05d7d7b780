//! What is to be sent.

/// Bytes that wait for the line. Their number is fixed; what does not fit is not sent, and asked for again by whoever misses
/// it.
#[derive(Debug)]
pub(crate) struct Outbox {
    bytes: Vec<u8>,
    sent: usize,
    limit: usize,
}

impl Outbox {
    /// Returns an empty one with room for so many bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { bytes: Vec::with_capacity(limit), sent: 0, limit }
    }

    /// Adds bytes: all of them or, where there is no room, none.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if self.is_empty() {
            self.clear();
        }
        if bytes.len() <= self.limit - self.bytes.len() {
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// Returns what waits.
    pub(crate) fn waiting(&self) -> &[u8] {
        self.bytes.get(self.sent..).unwrap_or_default()
    }

    /// Notes that so much of it was sent.
    pub(crate) fn sent(&mut self, len: usize) {
        self.sent = self.sent.saturating_add(len).min(self.bytes.len());
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.sent == self.bytes.len()
    }

    /// Forgets what waits.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.sent = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_left_out_and_what_waits_stays_whole() {
        let mut out = Outbox::new(8);
        out.push(b"12345");
        out.push(b"6789");
        out.push(b"678");
        assert_eq!(out.waiting(), b"12345678");
        out.sent(7);
        out.push(b"x");
        assert_eq!(out.waiting(), b"8");
        out.sent(100);
        assert!(out.is_empty());
        out.push(b"12345678");
        assert_eq!(out.waiting(), b"12345678");
    }
}
