//! What follows the head of an answer: bytes, and where in the file they belong.

use crate::head::{Asked, Judged, Shape};
use crate::multipart::Multipart;
use crate::ranges::Ranges;
use crate::trouble::Trouble;
use std::ops::Range;

/// How many more bytes than were asked for a server may send, because ranges that are near each other may come as one.
const SLACK: u64 = 1 << 20;

/// Bytes of the file, and where they begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'i> {
    /// Where they begin.
    pub offset: u64,
    /// The bytes.
    pub bytes: &'i [u8],
}

impl Piece<'_> {
    /// Which bytes of the file these are.
    pub fn range(&self) -> Range<u64> {
        self.offset..self.offset + self.bytes.len() as u64
    }
}

/// The body of one answer.
#[derive(Debug)]
pub struct Body {
    asked: Ranges,
    form: Form,
    /// What has come of what was asked for.
    got: Ranges,
}

#[derive(Debug)]
enum Form {
    /// These bytes of the file, in order.
    Plain {
        left: Range<u64>,
        length: Option<u64>,
    },
    Parts(Multipart),
}

impl Body {
    /// Returns the body behind a head that was judged.
    pub fn new(judged: &Judged, asked: &Asked) -> Result<Self, Trouble> {
        let most = asked.ranges.bytes().saturating_add(SLACK);
        let form = match &judged.shape {
            Shape::Whole => Form::Plain { left: 0..judged.length.unwrap_or_default(), length: judged.length },
            Shape::Range(range) if range.end - range.start > most => {
                return Err(Trouble::Malformed("more comes than was asked for".into()));
            }
            Shape::Range(range) => Form::Plain { left: range.clone(), length: judged.length },
            Shape::Parts(boundary) => Form::Parts(Multipart::new(boundary, most, asked.length)),
        };
        Ok(Self { asked: asked.ranges.clone(), form, got: Ranges::new() })
    }

    /// Takes bytes off `input` until it is empty, or a piece of the file has come, which is returned. More bytes than
    /// there should be are an error.
    pub fn next<'i>(&mut self, input: &mut &'i [u8]) -> Result<Option<Piece<'i>>, Trouble> {
        let found = match &mut self.form {
            Form::Parts(parts) => parts.next(input, &self.asked)?,
            Form::Plain { .. } if input.is_empty() => None,
            Form::Plain { left, .. } => {
                let most = usize::try_from(left.end - left.start).unwrap_or(usize::MAX);
                if most == 0 {
                    return Err(Trouble::Malformed("more bytes come than it says".into()));
                }
                let (bytes, rest) = input.split_at(most.min(input.len()));
                let at = left.start;
                left.start += bytes.len() as u64;
                *input = rest;
                Some((at, bytes))
            }
        };
        Ok(found.map(|(offset, bytes)| {
            let piece = Piece { offset, bytes };
            self.got.add(piece.range());
            piece
        }))
    }

    /// Returns the length of the file, once that is known.
    pub fn length(&self) -> Option<u64> {
        match &self.form {
            Form::Plain { length, .. } => *length,
            Form::Parts(parts) => parts.length(),
        }
    }

    /// Whether everything has come that was asked for and that the file has: what may still follow is not needed.
    pub fn is_enough(&self) -> bool {
        let asked = self.length().map_or(self.asked.clone(), |length| self.asked.before(length));
        asked.without(&self.got).is_empty()
    }

    /// The answer is over. Whatever was asked for and has not come is an error.
    pub fn finish(&self) -> Result<(), Trouble> {
        if self.is_enough() {
            return Ok(());
        }
        match &self.form {
            Form::Parts(parts) if parts.is_over() => {
                Err(Trouble::Malformed("parts are missing that were asked for".into()))
            }
            Form::Plain { left, .. } if left.is_empty() => {
                Err(Trouble::Malformed("less comes than was asked for".into()))
            }
            _ => Err(Trouble::Broken("the answer ends before its end".into())),
        }
    }
}
