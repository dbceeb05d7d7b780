//! What comes over a serial line: ZMODEM and YMODEM, of a sender and of a receiver.

use crate::options::options;
use drydock_modem::{
    Answer, Ended, Give, LARGEST_PIECE, Offer, Receiver, Sender, Session, Stop, Take, Times,
};
use std::time::Duration;

/// More than a transfer ever says at once, in bytes.
const LOUD: usize = 4096;

/// A place of which a part is there.
struct Place {
    there: u64,
    size: Option<u64>,
    at: Option<u64>,
    whole: u32,
}

impl Take for Place {
    fn offered(&mut self, offer: &Offer) -> Answer {
        assert!(offer.name.len() <= 60 && offer.name.bytes().all(|byte| (b' '..0x7f).contains(&byte)));
        (self.at, self.size) = (Some(0), offer.size);
        match self.there {
            0 => Answer::Take,
            1 => Answer::Skip,
            there => drydock_modem::there_is(&vec![0; there as usize]),
        }
    }

    fn resumed(&mut self, at: u64) -> Result<(), Stop> {
        assert!(at == 0 || at == self.there);
        self.at = Some(at);
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        assert!((1..=LARGEST_PIECE).contains(&bytes.len()));
        assert!(self.there != 1, "it was not wanted");
        let at = self.at.map_or(0, |at| at + bytes.len() as u64);
        assert!(self.at.is_some() && self.size.is_none_or(|size| at <= size));
        self.at = Some(at);
        Ok(())
    }

    fn whole(&mut self) -> Result<(), Stop> {
        assert!(self.size.is_none() || self.size == self.at);
        (self.at, self.whole) = (None, self.whole + 1);
        Ok(())
    }
}

/// Lets a transfer hear the bytes, a few at a time, and time pass between. Returns how it ended.
fn hear(session: &mut dyn Session, bytes: &[u8], step: usize) -> Option<Ended> {
    for (number, part) in bytes.chunks(step).enumerate() {
        session.feed(part, Duration::from_millis(37 * number as u64));
        let said = session.outgoing().len();
        assert!(said <= LOUD, "{said}");
        session.sent(said / 2 + 1);
        if session.ended().is_some() {
            break;
        }
    }
    session.ended()
}

/// The first byte says how much of the file is there, and how many bytes come at a time; the rest comes from a sender.
pub(crate) fn modem_receive(data: &[u8]) -> bool {
    let (options, line) = options(data);
    let there = [0, 1, 2, 300][usize::from(options & 3)];
    let mut place = Place { there, size: None, at: None, whole: 0 };
    let mut receiver = Receiver::new(&mut place, Times::default());
    let ended = hear(&mut receiver, line, 1 + usize::from(options >> 2));
    let done = matches!(ended, Some(Ended::Done { .. }));
    if let Some(Ended::Done { files }) = ended {
        assert_eq!(files, place.whole);
    }
    done || place.at.is_some()
}

struct Zeros;

impl Give for Zeros {
    fn name(&self) -> &str {
        "x"
    }

    fn size(&self) -> u64 {
        5000
    }

    fn read(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), Stop> {
        assert!(at + buffer.len() as u64 <= self.size());
        buffer.fill(0);
        Ok(())
    }
}

/// The first byte says how many bytes come at a time; the rest comes from a receiver.
pub(crate) fn modem_send(data: &[u8]) -> bool {
    let (options, line) = options(data);
    let mut zeros = Zeros;
    let mut sender = Sender::new(&mut zeros, Times::default());
    matches!(hear(&mut sender, line, 1 + usize::from(options >> 2)), Some(Ended::Done { .. }))
}
