//! The last unpacked bytes, which what follows repeats.

use crate::Error;
use crate::input::Input;
use std::io::Read;

/// Unpacked bytes that have not been given away, and enough of those that have for the farthest match.
#[derive(Clone)]
pub(crate) struct Window {
    bytes: Vec<u8>,
    /// Up to here they have been given away.
    given: usize,
    /// Up to here there are any.
    end: usize,
}

impl Window {
    /// A window for matches that are at most half of `size` away.
    pub(crate) fn new(size: usize) -> Self {
        Self { bytes: vec![0; size], given: 0, end: 0 }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        (self.given, self.end) = (0, 0);
    }

    /// Whether nothing has been added since it was made or cleared.
    pub(crate) fn is_empty(&self) -> bool {
        self.end == 0
    }

    /// How many bytes wait to be given away.
    pub(crate) fn waiting(&self) -> usize {
        self.end - self.given
    }

    /// How many bytes there is room for.
    pub(crate) fn room(&self) -> usize {
        self.bytes.len() - self.end
    }

    /// Gives away the bytes that wait, as many as `out` takes, and returns how many. With none left, and no room, room
    /// is made.
    pub(crate) fn give(&mut self, out: &mut [u8]) -> usize {
        let count = out.len().min(self.waiting());
        out[..count].copy_from_slice(&self.bytes[self.given..self.given + count]);
        self.given += count;
        if self.given == self.bytes.len() {
            let half = self.bytes.len() / 2;
            self.bytes.copy_within(half.., 0);
            (self.given, self.end) = (half, half);
        }
        count
    }

    /// Adds a byte; there must be room.
    pub(crate) fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.end) {
            *place = byte;
            self.end += 1;
        }
    }

    /// Adds up to `count` bytes from the input, and returns how many.
    pub(crate) fn read<R: Read>(&mut self, input: &mut Input<R>, count: usize) -> Result<usize, Error> {
        let room = &mut self.bytes[self.end..];
        let bytes = input.peek()?;
        let count = count.min(room.len()).min(bytes.len());
        if count == 0 && !room.is_empty() {
            return Err(Error::Damaged { problem: "it ends too early" });
        }
        room[..count].copy_from_slice(&bytes[..count]);
        input.take(count);
        self.end += count;
        Ok(count)
    }

    /// Whether there are bytes `distance` back.
    pub(crate) fn reaches(&self, distance: usize) -> bool {
        (1..=self.end).contains(&distance)
    }

    /// Repeats up to `count` bytes from `distance` back, where there must be some, and returns how many.
    pub(crate) fn repeat(&mut self, distance: usize, count: usize) -> usize {
        let count = count.min(self.room());
        let end = self.end + count;
        while self.end < end {
            // What has just been copied can be copied with the rest.
            let from = self.end - distance;
            let piece = distance.min(end - self.end);
            self.bytes.copy_within(from..from + piece, self.end);
            self.end += piece;
        }
        count
    }
}
