//! Receiving (XMODEM/YMODEM sections 4 and 5), with CRC-16, in blocks of 128 and 1024 bytes.

use crate::check::crc_16;
use crate::outbox::Outbox;
use crate::parties::{Answer, Offer};
use crate::session::{Ended, Failed, Times};
use crate::zmodem::{CANCEL, With};
use std::time::Duration;

const SOH: u8 = 0x01;
const STX: u8 = 0x02;
const EOT: u8 = 0x04;
const ACK: u8 = 0x06;
const NAK: u8 = 0x15;
const CAN: u8 = 0x18;
/// Asks for blocks with CRC-16.
const CRC: u8 = b'C';
/// A block that stands still for so long is over; after a damaged one the line must be silent for as long.
const QUIET: Duration = Duration::from_millis(800);

/// What is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// The first byte of a block.
    Start,
    /// A block with so many bytes of data, of which, with its number and its check sum, so many are there.
    Block { data: usize, len: usize },
    /// What is left of a damaged block, until the line is silent.
    Rest,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The block that says which file comes.
    File,
    /// The block with this number.
    Data(u8),
    /// The end of the file for the second time.
    End,
}

/// A receiver.
#[derive(Debug)]
pub(crate) struct Receive {
    times: Times,
    phase: Phase,
    reading: Reading,
    pub(crate) out: Outbox,
    cans: u8,
    at: u64,
    size: u64,
    files: u32,
    begun: bool,
    heard: Duration,
    asked: Duration,
    moved: Duration,
    pub(crate) ended: Option<Ended>,
}

impl Receive {
    pub(crate) fn new(times: Times) -> Self {
        Self {
            times,
            phase: Phase::File,
            reading: Reading::Start,
            out: Outbox::new(64),
            cans: 0,
            at: 0,
            size: 0,
            files: 0,
            begun: false,
            heard: Duration::ZERO,
            asked: Duration::ZERO,
            moved: Duration::ZERO,
            ended: None,
        }
    }

    /// Whether a sender has spoken YMODEM.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Asks for a file.
    pub(crate) fn call(&mut self) {
        self.out.push(&[CRC]);
    }

    /// Takes bytes of the line, and the time. Until a sender has begun it asks for nothing by itself.
    pub(crate) fn feed(&mut self, bytes: &[u8], with: &mut With<'_>) {
        for byte in bytes {
            if self.ended.is_some() {
                return;
            }
            // A block that stood still is over, whatever comes now.
            if self.reading != Reading::Start && self.is_quiet(with.now) {
                self.reading = Reading::Start;
            }
            self.heard = with.now;
            self.byte(*byte, with);
        }
        if self.ended.is_none() && self.begun {
            self.clock(with.now);
        }
    }

    fn is_quiet(&self, now: Duration) -> bool {
        now.saturating_sub(self.heard) >= QUIET
    }

    fn byte(&mut self, byte: u8, with: &mut With<'_>) {
        match &mut self.reading {
            Reading::Rest => {}
            Reading::Block { data, len } => {
                if let Some(place) = with.buffer.get_mut(*len) {
                    *place = byte;
                }
                *len += 1;
                // Before anything has begun, all that is not the first block is noise.
                if !self.begun && *len <= 2 && byte != [0, 0xff][*len - 1] {
                    self.reading = Reading::Start;
                } else if *len == *data + 4 {
                    let data = *data;
                    self.block(data, with);
                }
            }
            Reading::Start => {
                self.cans = if byte == CAN { self.cans + 1 } else { 0 };
                match byte {
                    SOH => self.reading = Reading::Block { data: 128, len: 0 },
                    STX => self.reading = Reading::Block { data: 1024, len: 0 },
                    CAN if self.begun && self.cans >= 2 => {
                        self.ended = Some(Ended::Failed(Failed::Cancelled));
                    }
                    EOT if self.begun => self.end_of_file(with),
                    _ => {}
                }
            }
        }
    }

    fn block(&mut self, data: usize, with: &mut With<'_>) {
        let Some((head, rest)) = with.buffer.get(..data + 4).and_then(|block| block.split_first_chunk())
        else {
            return;
        };
        let [number, inverted] = *head;
        let Some((data, sum)) = rest.split_last_chunk() else { return };
        if number != !inverted || crc_16(&[data]) != u16::from_be_bytes(*sum) {
            self.reading = Reading::Rest;
            return;
        }
        self.reading = Reading::Start;
        match self.phase {
            Phase::File if number == 0 => match Offer::read(data) {
                Some(offer) => self.offered(&offer, with),
                None => {
                    self.out.push(&[ACK]);
                    self.ended = Some(Ended::Done { files: self.files });
                }
            },
            // The end that was heard was noise.
            Phase::End => self.fail(Failed::OutOfStep),
            Phase::Data(wanted) if number == wanted => {
                let left = self.size - self.at;
                let data = data.get(..usize::try_from(left).unwrap_or(usize::MAX)).unwrap_or(data);
                if left == 0 {
                    return self.fail(Failed::Length);
                }
                if with.take.data(data).is_err() {
                    return self.fail(Failed::Stopped);
                }
                self.at += data.len() as u64;
                self.phase = Phase::Data(wanted.wrapping_add(1));
                self.moved = with.now;
                self.answer(&[ACK], with.now);
            }
            // Our answer was lost.
            Phase::Data(wanted) if number == wanted.wrapping_sub(1) => {
                let first = self.at == 0;
                self.answer(if first { &[ACK, CRC] } else { &[ACK] }, with.now);
            }
            Phase::File | Phase::Data(_) => self.fail(Failed::OutOfStep),
        }
    }

    fn offered(&mut self, offer: &Offer, with: &mut With<'_>) {
        (self.begun, self.moved, self.at) = (true, with.now, 0);
        // Without a length nobody knows where the file ends in its last block.
        let Some(size) = offer.size else { return self.fail(Failed::Length) };
        self.size = size;
        match with.take.offered(offer) {
            Answer::Take => {}
            Answer::Resume { .. } => {
                if with.take.resumed(0).is_err() {
                    return self.fail(Failed::Stopped);
                }
            }
            Answer::Skip | Answer::Stop => return self.fail(Failed::Stopped),
        }
        self.phase = Phase::Data(1);
        self.answer(&[ACK, CRC], with.now);
    }

    /// The end is believed the second time: one byte of noise looks just like it.
    fn end_of_file(&mut self, with: &mut With<'_>) {
        match self.phase {
            Phase::Data(_) if self.at == self.size => {
                self.phase = Phase::End;
                self.answer(&[NAK], with.now);
            }
            Phase::Data(_) => self.answer(&[NAK], with.now),
            Phase::End => {
                if with.take.whole().is_err() {
                    return self.fail(Failed::Stopped);
                }
                self.files = self.files.saturating_add(1);
                (self.phase, self.moved) = (Phase::File, with.now);
                self.answer(&[ACK, CRC], with.now);
            }
            // Our answer was lost.
            Phase::File => self.answer(&[ACK, CRC], with.now),
        }
    }

    fn clock(&mut self, now: Duration) {
        let since = |then: Duration| now.saturating_sub(then);
        if since(self.moved) >= self.times.progress {
            // All that was announced is there: that the batch is over need not be heard.
            return match self.phase {
                Phase::File if self.files > 0 => self.ended = Some(Ended::Done { files: self.files }),
                _ => self.fail(Failed::StoodStill),
            };
        }
        let again = match self.reading {
            Reading::Start => since(self.heard.max(self.asked)) >= self.times.again,
            _ => self.is_quiet(now),
        };
        if again {
            self.reading = Reading::Start;
            self.answer(if self.phase == Phase::File { &[CRC] } else { &[NAK] }, now);
        }
    }

    fn answer(&mut self, bytes: &[u8], now: Duration) {
        self.asked = now;
        self.out.push(bytes);
    }

    fn fail(&mut self, why: Failed) {
        self.out.clear();
        self.out.push(CANCEL);
        self.ended = Some(Ended::Failed(why));
    }
}
