//! Receiving (ZMODEM sections 8 and 9).

use super::header::{Form, Found, Header, Hunt, Kind};
use super::subpacket::{Coming, Piece};
use super::wire::{CANCEL, CANS, End, Escaping, ZDLE};
use crate::Buffer;
use crate::outbox::Outbox;
use crate::parties::{Answer, Offer, Take};
use crate::session::{Ended, Failed, Times};
use std::time::Duration;

/// What a receiver can do: hear while it speaks, take data while it writes, CRC-32 (ZMODEM section 11.2).
const ABLE: [u8; 4] = [0, 0, 0, 0x01 | 0x02 | 0x20];
/// How soon it asks again where noise looks like an answer.
const SOON: Duration = Duration::from_secs(1);
/// How long it waits for the sender's last word, which means nothing.
const LAST_WORD: Duration = Duration::from_secs(1);
/// How often a sender is asked for a check sum.
const COMPARES: u32 = 4;
/// How much of its waiting may double where a line is never silent.
const DOUBLINGS: u32 = 3;

/// What is waited for.
#[derive(Clone, Debug)]
enum Phase {
    /// A file.
    Idle,
    /// Another file than the one that was not wanted.
    Skipped,
    /// The check sum of so many bytes.
    Comparing { there: u32, check: u32, asked: u32 },
    /// Data.
    Coming,
    /// The last word.
    Leaving,
}

/// What a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Init,
    File,
    Data,
}

/// What is being read.
#[derive(Clone, Copy, Debug)]
enum Reading {
    Header(Hunt),
    Piece(What, Form, Coming),
}

const HUNTING: Reading = Reading::Header(Hunt::Between);

/// Who has the line's bytes and the time, and takes what comes of them.
pub(crate) struct With<'w> {
    pub(crate) now: Duration,
    pub(crate) buffer: &'w mut Buffer,
    pub(crate) take: &'w mut dyn Take,
}

/// A receiver.
#[derive(Debug)]
pub(crate) struct Receive {
    times: Times,
    phase: Phase,
    reading: Reading,
    pub(crate) out: Outbox,
    cans: u8,
    last_words: u8,
    /// How much of the file there is.
    at: u32,
    offer: Option<Offer>,
    files: u32,
    started: Option<Duration>,
    begun: bool,
    heard: Duration,
    asked: Duration,
    asks: u32,
    moved: Duration,
    pub(crate) ended: Option<Ended>,
}

impl Receive {
    pub(crate) fn new(times: Times) -> Self {
        Self {
            times,
            phase: Phase::Idle,
            reading: HUNTING,
            out: Outbox::new(128),
            cans: 0,
            last_words: 0,
            at: 0,
            offer: None,
            files: 0,
            started: None,
            begun: false,
            heard: Duration::ZERO,
            asked: Duration::ZERO,
            asks: 0,
            moved: Duration::ZERO,
            ended: None,
        }
    }

    /// Whether a sender has spoken ZMODEM.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Takes bytes of the line, and the time.
    pub(crate) fn feed(&mut self, bytes: &[u8], with: &mut With<'_>) {
        if self.started.is_none() {
            self.started = Some(with.now);
            (self.heard, self.moved) = (with.now, with.now);
            self.say(with);
        }
        for byte in bytes {
            if self.ended.is_some() {
                return;
            }
            self.heard = with.now;
            self.byte(*byte, with);
        }
        if self.ended.is_none() {
            self.clock(with);
        }
    }

    fn byte(&mut self, byte: u8, with: &mut With<'_>) {
        self.cans = if byte == ZDLE { self.cans + 1 } else { 0 };
        if self.cans >= CANS {
            self.ended = Some(Ended::Failed(Failed::Cancelled));
            return;
        }
        match &mut self.reading {
            Reading::Header(hunt) => match hunt.take(byte) {
                Found::Header(header) => self.header(header, with),
                Found::Garbled => self.say_soon(with),
                Found::Nothing => self.last_word(byte),
            },
            Reading::Piece(what, form, coming) => {
                let (what, form) = (*what, *form);
                match coming.take(byte, with.buffer) {
                    Piece::More => {}
                    Piece::Whole(len, end) => self.piece(what, form, len, end, with),
                    Piece::Bad => {
                        self.reading = HUNTING;
                        match what {
                            What::Data => self.say(with),
                            What::File | What::Init => self.put(Header::at(Kind::NAK, Form::Hex, 0)),
                        }
                    }
                }
            }
        }
    }

    fn header(&mut self, header: Header, with: &mut With<'_>) {
        let (form, here) = (header.form, header.position() == self.at);
        if !self.begun {
            self.moved = with.now;
        }
        let sender = [Kind::RQINIT, Kind::SINIT, Kind::FILE, Kind::DATA, Kind::EOF, Kind::FIN];
        self.begun |= sender.contains(&header.kind);
        let mut read = |what| self.reading = Reading::Piece(what, form, Coming::after(form));
        match (header.kind, &self.phase) {
            (Kind::SINIT, _) => read(What::Init),
            (Kind::FILE, _) => read(What::File),
            (Kind::DATA, Phase::Coming) if here => read(What::Data),
            (Kind::DATA, Phase::Coming) => self.say_soon(with),
            // One in the wrong place was sent before we asked to go back.
            (Kind::EOF, Phase::Coming) if here => self.whole(with),
            (Kind::EOF, Phase::Idle | Phase::Skipped) | (Kind::NAK, _) => self.say(with),
            (Kind::RQINIT, _) => {
                self.phase = Phase::Idle;
                self.say(with);
            }
            (Kind::CRC, Phase::Comparing { there, check, .. }) => {
                let at = if header.position() == *check { *there } else { 0 };
                self.resume(at, with);
            }
            (Kind::FIN, _) => {
                self.phase = Phase::Leaving;
                self.say(with);
            }
            (Kind::ABORT | Kind::FERR | Kind::CAN, _) => {
                self.ended = Some(Ended::Failed(Failed::Cancelled));
            }
            (Kind::CHALLENGE, _) => self.put(Header { kind: Kind::ACK, form: Form::Hex, ..header }),
            (Kind::FREECNT, _) => self.put(Header::at(Kind::ACK, Form::Hex, u32::MAX)),
            _ => {}
        }
    }

    fn piece(&mut self, what: What, form: Form, len: usize, end: End, with: &mut With<'_>) {
        self.reading = HUNTING;
        let data = with.buffer.get(..len).unwrap_or_default();
        match what {
            What::Init => self.put(Header::at(Kind::ACK, Form::Hex, 1)),
            What::File => match Offer::read(data) {
                Some(offer) => self.offered(offer, with),
                None => self.put(Header::at(Kind::NAK, Form::Hex, 0)),
            },
            What::Data => {
                let after = u32::try_from(len).ok().and_then(|len| self.at.checked_add(len));
                let said = self.offer.as_ref().and_then(|offer| offer.size);
                let Some(after) = after.filter(|after| said.is_none_or(|said| u64::from(*after) <= said))
                else {
                    return self.fail(Failed::Length);
                };
                if len > 0 && with.take.data(data).is_err() {
                    return self.fail(Failed::Stopped);
                }
                if len > 0 {
                    (self.moved, self.asks) = (with.now, 0);
                }
                self.at = after;
                if matches!(end, End::Asks | End::Waits) {
                    self.put(Header::at(Kind::ACK, Form::Hex, self.at));
                }
                if matches!(end, End::Goes | End::Asks) {
                    self.reading = Reading::Piece(What::Data, form, Coming::next(form));
                }
            }
        }
    }

    fn offered(&mut self, offer: Offer, with: &mut With<'_>) {
        match &mut self.phase {
            // Our answer was lost.
            Phase::Coming if self.at == 0 && self.offer.as_ref() == Some(&offer) => return self.say(with),
            Phase::Comparing { asked, .. } if self.offer.as_ref() == Some(&offer) && *asked < COMPARES => {
                return self.say(with);
            }
            Phase::Comparing { .. } if self.offer.as_ref() == Some(&offer) => return self.resume(0, with),
            _ => {}
        }
        let answer = with.take.offered(&offer);
        let size = offer.size;
        self.offer = Some(offer);
        (self.at, self.moved) = (0, with.now);
        match answer {
            Answer::Take => self.phase = Phase::Coming,
            Answer::Resume { there, check } => match u32::try_from(there) {
                Ok(there) if there > 0 && size.is_none_or(|size| u64::from(there) <= size) => {
                    self.phase = Phase::Comparing { there, check: check.value(), asked: 0 };
                }
                _ => return self.resume(0, with),
            },
            Answer::Skip => self.phase = Phase::Skipped,
            Answer::Stop => return self.fail(Failed::Stopped),
        }
        self.say(with);
    }

    fn resume(&mut self, at: u32, with: &mut With<'_>) {
        (self.phase, self.at) = (Phase::Coming, at);
        match with.take.resumed(u64::from(at)) {
            Ok(()) => self.say(with),
            Err(_) => self.fail(Failed::Stopped),
        }
    }

    fn whole(&mut self, with: &mut With<'_>) {
        let said = self.offer.take().and_then(|offer| offer.size);
        if said.is_some_and(|said| said != u64::from(self.at)) {
            return self.fail(Failed::Length);
        }
        if with.take.whole().is_err() {
            return self.fail(Failed::Stopped);
        }
        (self.phase, self.moved) = (Phase::Idle, with.now);
        self.files = self.files.saturating_add(1);
        self.say(with);
    }

    fn last_word(&mut self, byte: u8) {
        if matches!(self.phase, Phase::Leaving) && byte == b'O' {
            self.last_words += 1;
            if self.last_words == 2 {
                self.ended = Some(Ended::Done { files: self.files });
            }
        }
    }

    fn clock(&mut self, with: &mut With<'_>) {
        let since = |then: Duration| with.now.saturating_sub(then);
        if matches!(self.phase, Phase::Leaving) {
            if since(self.heard.max(self.asked)) >= LAST_WORD {
                self.ended = Some(Ended::Done { files: self.files });
            }
            return;
        }
        let (limit, failed) = match self.begun {
            false => (self.times.begin, Failed::NobodyBegan),
            true => (self.times.progress, Failed::StoodStill),
        };
        if since(self.moved) >= limit {
            return self.fail(failed);
        }
        let silent = since(self.heard.max(self.asked)) >= self.times.again;
        // What is on its way may take long to come, and be all in vain.
        let patience = self.times.again * (2 << self.asks.min(DOUBLINGS));
        let in_vain = matches!(self.reading, Reading::Header(_)) && since(self.asked) >= patience;
        if silent || in_vain {
            self.reading = HUNTING;
            self.asks += 1;
            match self.phase {
                Phase::Comparing { asked, .. } if asked >= COMPARES => self.resume(0, with),
                _ => self.say(with),
            }
        }
    }

    /// Says what is wanted, if it was not said just now.
    fn say_soon(&mut self, with: &With<'_>) {
        if with.now.saturating_sub(self.asked) >= SOON {
            self.say(with);
        }
    }

    /// Says what is wanted.
    fn say(&mut self, with: &With<'_>) {
        self.asked = with.now;
        let header = match &mut self.phase {
            Phase::Idle => Header { kind: Kind::RINIT, bytes: ABLE, form: Form::Hex },
            Phase::Skipped => Header::at(Kind::SKIP, Form::Hex, 0),
            Phase::Comparing { there, asked, .. } => {
                *asked += 1;
                Header::at(Kind::CRC, Form::Hex, *there)
            }
            Phase::Coming => Header::at(Kind::RPOS, Form::Hex, self.at),
            Phase::Leaving => Header::at(Kind::FIN, Form::Hex, 0),
        };
        self.put(header);
    }

    fn put(&mut self, header: Header) {
        let mut line = Vec::with_capacity(32);
        header.put(&mut Escaping::default(), &mut line);
        self.out.push(&line);
    }

    fn fail(&mut self, why: Failed) {
        self.out.clear();
        self.out.push(CANCEL);
        self.ended = Some(Ended::Failed(why));
    }
}
