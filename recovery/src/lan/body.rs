//! The body of a request, as it comes.

use super::timed::Timed;
use rustls::{ServerConnection, StreamOwned};
use std::io::{self, ErrorKind, Read, Write};
use std::time::Duration;

/// A connection that TLS is spoken on.
pub(super) type Stream = StreamOwned<ServerConnection, Timed>;

/// What is left of a request's body.
pub(super) struct Body<'c> {
    stream: &'c mut Stream,
    /// What came together with the head.
    ahead: &'c mut Vec<u8>,
    left: u64,
    /// Whether the client waits to be asked for it.
    waits: bool,
}

impl<'c> Body<'c> {
    /// One of so many bytes.
    pub(super) fn new(stream: &'c mut Stream, ahead: &'c mut Vec<u8>, length: u64, waits: bool) -> Self {
        Self { stream, ahead, left: length, waits }
    }

    /// How many bytes have not been read.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// From now on it has this long.
    pub(super) fn within(&mut self, limit: Duration) {
        self.stream.sock.within(limit);
    }

    /// It has so much longer.
    pub(super) fn extend(&mut self, by: Duration) {
        self.stream.sock.extend(by);
    }

    /// Reads some of it. It returns no bytes at its end only.
    ///
    /// # Errors
    /// The connection has ended before it, or time is over.
    pub(super) fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buf.len());
        let Some(buf) = buf.get_mut(..most).filter(|buf| !buf.is_empty()) else { return Ok(0) };
        if std::mem::take(&mut self.waits) && self.ahead.is_empty() {
            self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            self.stream.flush()?;
        }
        let read = match self.ahead.len().min(most) {
            0 => self.stream.read(buf)?,
            ahead => {
                let taken = self.ahead.drain(..ahead);
                buf.iter_mut().zip(taken).for_each(|(to, from)| *to = from);
                ahead
            }
        };
        if read == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.left -= read as u64;
        Ok(read)
    }

    /// Reads all of it: it is short.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(super) fn whole(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(self.left).unwrap_or_default()];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            filled += self.read(rest)?;
        }
        Ok(bytes)
    }
}
