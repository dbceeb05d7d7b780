//! The target as it comes: plain bytes go on as they are, what is in packed parts is packed first.

use crate::error::Error;
use crate::packed::{Packed, UNPACKED};
use drydock_repack::Packer;
use std::io::{self, ErrorKind, Write};

/// What takes the bytes of the target, in order. It returns whether it wants more.
pub type Sink<'s> = &'s mut dyn FnMut(&[u8]) -> bool;

/// What becomes of the bytes of a section.
pub(crate) struct Target<'p> {
    packed: &'p [Packed],
    /// What packs the part that comes now, and how many packed bytes it has given.
    packer: Option<(Packer, u64)>,
    section: usize,
}

impl<'p> Target<'p> {
    /// A section's, with these packed parts.
    pub(crate) fn new(packed: &'p [Packed], section: usize) -> Self {
        Self { packed, packer: None, section }
    }

    /// Takes the next bytes, which belong to `position`, and hands those of the image to `sink`.
    pub(crate) fn give(&mut self, position: u64, bytes: &[u8], sink: Sink<'_>) -> Result<(), Error> {
        if position < UNPACKED {
            return if sink(bytes) { Ok(()) } else { Err(Error::Stopped) };
        }
        let damaged = |problem| Error::Section { section: self.section, problem };
        let Some((part, rest)) = self.packed.split_first() else {
            return Err(damaged("it has contents of nothing"));
        };
        let (mut packer, given) = self.packer.take().unwrap_or_else(|| (Packer::new(part.packing), 0));
        let mut out = Counted { sink, given, limit: part.len, is_stopped: false };
        let is_over = position + bytes.len() as u64 == part.contents().end;
        let mut done = packer.push(bytes, &mut out);
        if is_over {
            self.packed = rest;
            done = done.and_then(|()| packer.finish(&mut out));
        } else {
            self.packer = Some((packer, 0));
        }
        let Counted { given, is_stopped, .. } = out;
        if let Some((_, so_far)) = &mut self.packer {
            *so_far = given;
        }
        match done {
            Err(_) if is_stopped => Err(Error::Stopped),
            Ok(()) if !is_over || given == part.len => Ok(()),
            _ => Err(damaged("a part of it packs to another length")),
        }
    }
}

/// Hands packed bytes on, as many as there may be.
struct Counted<'s> {
    sink: Sink<'s>,
    given: u64,
    limit: u64,
    is_stopped: bool,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.given += bytes.len() as u64;
        if self.given > self.limit {
            return Err(ErrorKind::FileTooLarge.into());
        }
        if !(self.sink)(bytes) {
            self.is_stopped = true;
            return Err(ErrorKind::BrokenPipe.into());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
