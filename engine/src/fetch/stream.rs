//! A bundle on a server, read at random while it is used.

use super::session::Session;
use crate::error::Error;
use drydock_format::ReadAt;
use std::collections::VecDeque;
use std::io;
use std::sync::{Mutex, PoisonError};

/// What is read beyond what was asked for, in bytes, where reads do not follow each other.
const LEAST_AHEAD: u64 = 16 << 10;
/// The same where they do: a request is answered after a round trip, which may take 600 ms.
const MOST_AHEAD: u64 = 2 << 20;
/// How many pieces are kept. Workers read frames that lie next to each other in any order.
const PIECES: usize = 4;
/// How far a read may be from the end of the one before it, and still follow it.
const NEAR: u64 = 64 << 10;

/// Reads a bundle from a server, with a little ahead.
pub struct Stream {
    length: u64,
    inner: Mutex<Inner>,
}

struct Inner {
    session: Session,
    /// Pieces of the file, and where they begin; the one that was used last is the last one.
    pieces: VecDeque<(u64, Vec<u8>)>,
    ahead: u64,
    /// How far one reads ahead at most.
    most: u64,
    last_end: u64,
}

impl Stream {
    /// Connects. An error says why no server can be asked.
    pub fn open(session: Session) -> Result<Self, Error> {
        Self::connect(session, MOST_AHEAD)
    }

    /// Connects, for who looks at a few places only: what is read ahead does not grow, since most of it would come in vain.
    /// Otherwise as [`open`](Self::open).
    pub(super) fn glance(session: Session) -> Result<Self, Error> {
        Self::connect(session, LEAST_AHEAD)
    }

    fn connect(mut session: Session, most: u64) -> Result<Self, Error> {
        let length = session.length()?;
        let front = session.front().to_vec();
        let pieces = VecDeque::from([(0, front)]);
        let inner = Inner { session, pieces, ahead: LEAST_AHEAD, most, last_end: 0 };
        Ok(Self { length, inner: Mutex::new(inner) })
    }

    /// Returns the transfer behind it, and what is kept of the bundle: pieces, and where they begin.
    pub fn into_parts(self) -> (Session, Vec<(u64, Vec<u8>)>) {
        let inner = self.inner.into_inner().unwrap_or_else(PoisonError::into_inner);
        (inner.session, inner.pieces.into())
    }
}

impl Inner {
    /// Copies what is kept of these bytes, from the first one on. Returns how many that are.
    fn copy_kept(&mut self, offset: u64, buf: &mut [u8]) -> usize {
        let found = self
            .pieces
            .iter()
            .position(|(start, bytes)| (*start..*start + bytes.len() as u64).contains(&offset));
        let Some(piece) = found.and_then(|at| self.pieces.remove(at)) else { return 0 };
        let from = piece.1.get((offset - piece.0) as usize..).unwrap_or_default();
        let count = from.len().min(buf.len());
        buf[..count].copy_from_slice(&from[..count]);
        self.pieces.push_back(piece);
        count
    }

    /// Fetches these bytes, and some behind them if that is how the file is read.
    fn fetch(&mut self, offset: u64, len: u64, file: u64) -> Result<(), Error> {
        let follows = offset >= self.last_end && offset - self.last_end <= NEAR;
        self.ahead = if follows { (self.ahead * 2).min(self.most) } else { LEAST_AHEAD };
        let mut end = offset.saturating_add(len.max(self.ahead)).min(file);
        // What is kept already need not come again.
        for (start, _) in &self.pieces {
            if (offset + 1..end).contains(start) {
                end = *start;
            }
        }
        let mut piece = vec![0; (end - offset) as usize];
        let wanted = std::iter::once(offset..end).collect();
        self.session.get(&wanted, &mut |at, bytes| {
            let place = (at - offset) as usize;
            if let Some(place) = piece.get_mut(place..place + bytes.len()) {
                place.copy_from_slice(bytes);
            }
            Ok(())
        })?;
        if self.pieces.len() >= PIECES {
            self.pieces.pop_front();
        }
        self.pieces.push_back((offset, piece));
        Ok(())
    }
}

impl ReadAt for Stream {
    fn len(&self) -> io::Result<u64> {
        Ok(self.length)
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let end = offset.saturating_add(buf.len() as u64);
        if end > self.length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut at, mut rest) = (offset, buf);
        while !rest.is_empty() {
            let count = inner.copy_kept(at, rest);
            at += count as u64;
            rest = &mut rest[count..];
            if count == 0 {
                inner.fetch(at, rest.len() as u64, self.length).map_err(io::Error::other)?;
            }
        }
        inner.last_end = end;
        Ok(())
    }
}
