//! What a client may cost.

use std::time::Duration;

/// Limits on clients. Tests have shorter times.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How many connections there may be at once; each has a thread.
    pub connections: usize,
    /// How many of them from one address: a browser opens up to six.
    pub from_one: usize,
    /// How long it may take from a connection to the end of its TLS handshake.
    pub handshake: Duration,
    /// How long a connection may be idle between two requests.
    pub idle: Duration,
    /// How long a request's head may take from its first byte on, and then a short body.
    pub head: Duration,
    /// How long an answer may take to be sent.
    pub answer: Duration,
    /// Of an upload at least [`slice`](Self::slice) bytes must come within this time, again and again.
    pub slice_time: Duration,
    /// See there.
    pub slice: u64,
    /// How long somebody whose upload was refused may go on sending what is not read any more, so that the answer is not lost.
    pub linger: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 12,
            from_one: 6,
            handshake: Duration::from_secs(10),
            idle: Duration::from_secs(20),
            head: Duration::from_secs(10),
            answer: Duration::from_secs(20),
            slice_time: Duration::from_secs(30),
            slice: 256 << 10,
            linger: Duration::from_secs(3),
        }
    }
}

/// The most bytes that are thrown away for that.
pub(super) const LINGER_BYTES: u64 = 16 << 20;

/// The stack of a connection's thread, in bytes.
pub(super) const STACK: usize = 256 << 10;

/// How much of an upload is read at once, in bytes.
pub(super) const CHUNK: usize = 32 << 10;

/// How much TLS keeps for a connection that is to be sent, in bytes.
pub(super) const TLS_BUFFER: usize = 64 << 10;
