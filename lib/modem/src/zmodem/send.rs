//! Sending (ZMODEM sections 8 and 9), to `rz` and its like.

use super::header::{Form, Found, Header, Hunt, Kind};
use super::subpacket;
use super::wire::{CANCEL, CANS, End, Escape, Escaping, ZDLE};
use crate::check::Check;
use crate::outbox::Outbox;
use crate::parties::Give;
use crate::session::{Ended, Failed, Session, Times};
use std::time::Duration;

/// Bytes of a file in one piece. What is lost with one is sent again.
const PIECE: usize = 1024;
/// Escaped, with a header and its ends.
const OUTBOX: usize = 2 * PIECE + 64;
/// So often it goes back without having come any further.
const RETRIES: u32 = 40;
/// How soon an answer can't be one yet.
const SOON: Duration = Duration::from_secs(1);

/// What is said or waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// That a receiver says what it can.
    Calling,
    /// Where the file is to begin.
    Offering,
    /// Data goes, from this position on.
    Going(u32),
    /// That a piece was taken: then it goes on from this position.
    Waiting(u32),
    /// That the end was seen.
    Ending,
    /// That the end of everything was.
    Leaving,
}

/// Sends one file.
pub struct Sender<'g> {
    give: &'g mut dyn Give,
    size: u32,
    times: Times,
    phase: Phase,
    hunt: Hunt,
    escaping: Escaping,
    form: Form,
    /// Whether the receiver wants to be waited for after each piece.
    waits: bool,
    out: Outbox,
    cans: u8,
    started: Option<Duration>,
    begun: bool,
    now: Duration,
    said: Duration,
    moved: Duration,
    /// How far it ever came, and how often it went back since.
    furthest: u32,
    retries: u32,
    taken: bool,
    ended: Option<Ended>,
}

impl<'g> Sender<'g> {
    /// Returns one that has not begun. A file of 4 GiB or more can't be sent.
    pub fn new(give: &'g mut dyn Give, times: Times) -> Self {
        let size = u32::try_from(give.size());
        Self {
            ended: size.is_err().then_some(Ended::Failed(Failed::Length)),
            size: size.unwrap_or(0),
            give,
            times,
            phase: Phase::Calling,
            hunt: Hunt::Between,
            escaping: Escaping::default(),
            form: Form::Binary16,
            waits: false,
            out: Outbox::new(OUTBOX),
            cans: 0,
            started: None,
            begun: false,
            now: Duration::ZERO,
            said: Duration::ZERO,
            moved: Duration::ZERO,
            furthest: 0,
            retries: 0,
            taken: false,
        }
    }

    fn header(&mut self, header: Header) {
        match (header.kind, self.phase) {
            (Kind::RINIT, Phase::Calling) => {
                let [room, more, _, able] = header.bytes;
                self.form = if able & 0x20 != 0 { Form::Binary32 } else { Form::Binary16 };
                self.escaping.escape = if able & 0x40 != 0 { Escape::Controls } else { Escape::Few };
                // It has a buffer of a fixed length, or can't take data while it writes.
                self.waits = room != 0 || more != 0 || able & 0x02 == 0;
                (self.begun, self.moved) = (true, self.now);
                self.enter(Phase::Offering);
            }
            // One that was under way while the file was offered is no answer to that.
            (Kind::RINIT, Phase::Offering) if self.now.saturating_sub(self.said) < SOON => {}
            (Kind::RINIT, Phase::Offering) => self.again(),
            (Kind::RINIT, Phase::Ending) => {
                self.taken = true;
                self.enter(Phase::Leaving);
            }
            (Kind::RPOS, Phase::Calling | Phase::Leaving) => {}
            (Kind::RPOS, _) => self.go_back(header.position()),
            (Kind::ACK, Phase::Waiting(at)) if header.position() == at => self.phase = Phase::Going(at),
            (Kind::SKIP, Phase::Offering | Phase::Going(_) | Phase::Waiting(_) | Phase::Ending) => {
                self.out.clear();
                self.enter(Phase::Leaving);
            }
            (Kind::CRC, Phase::Offering) => self.compare(header.position()),
            (Kind::NAK, _) => self.again(),
            (Kind::CHALLENGE, _) => self.put(Header { kind: Kind::ACK, form: Form::Hex, ..header }),
            (Kind::FIN, Phase::Leaving) => {
                self.out.clear();
                self.out.push(b"OO");
                self.ended = Some(Ended::Done { files: u32::from(self.taken) });
            }
            (Kind::FIN | Kind::ABORT | Kind::FERR | Kind::CAN, _) => {
                self.ended = Some(Ended::Failed(Failed::Cancelled));
            }
            _ => {}
        }
    }

    /// Goes on from where the receiver wants it.
    fn go_back(&mut self, to: u32) {
        if to > self.size {
            return self.fail(Failed::OutOfStep);
        }
        if to > self.furthest || self.phase == Phase::Offering {
            (self.furthest, self.retries, self.moved) = (to, 0, self.now);
        }
        self.retries += 1;
        if self.retries > RETRIES {
            return self.fail(Failed::StoodStill);
        }
        // What waits would only be thrown away there.
        self.out.clear();
        self.put(Header::at(Kind::DATA, self.form, to));
        self.phase = Phase::Going(to);
    }

    /// Tells the check sum of the first bytes of the file.
    fn compare(&mut self, len: u32) {
        let (mut check, mut at, mut buffer) = (Check::default(), 0, [0; PIECE]);
        let len = if len == 0 { self.size } else { len.min(self.size) };
        while at < len {
            let part = &mut buffer[..(len - at).min(PIECE as u32) as usize];
            if self.give.read(u64::from(at), part).is_err() {
                return self.fail(Failed::Stopped);
            }
            check.update(part);
            at += part.len() as u32;
        }
        self.put(Header::at(Kind::CRC, Form::Hex, check.value()));
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.again();
    }

    /// Says what belongs to the phase.
    fn again(&mut self) {
        self.said = self.now;
        match self.phase {
            Phase::Calling => {
                self.out.push(b"rz\r");
                self.put(Header::at(Kind::RQINIT, Form::Hex, 0));
            }
            Phase::Offering => {
                let mut line = Vec::with_capacity(OUTBOX);
                Header::at(Kind::FILE, self.form, 0).put(&mut self.escaping, &mut line);
                let about = format!("{}\0{} 0 0 0 1 {}\0", self.give.name(), self.size, self.size);
                let about = about.as_bytes().get(..PIECE).unwrap_or(about.as_bytes());
                subpacket::put(about, End::Waits, self.form, &mut self.escaping, &mut line);
                self.out.push(&line);
            }
            Phase::Going(_) => {}
            Phase::Waiting(at) => {
                self.put(Header::at(Kind::DATA, self.form, at));
                self.phase = Phase::Going(at);
            }
            Phase::Ending => self.put(Header::at(Kind::EOF, self.form, self.size)),
            Phase::Leaving => self.put(Header::at(Kind::FIN, Form::Hex, 0)),
        }
    }

    fn put(&mut self, header: Header) {
        let mut line = Vec::with_capacity(32);
        header.put(&mut self.escaping, &mut line);
        self.out.push(&line);
    }

    /// The next piece of the file.
    fn piece(&mut self, at: u32) {
        let mut buffer = [0; PIECE];
        let part = &mut buffer[..(self.size - at).min(PIECE as u32) as usize];
        if self.give.read(u64::from(at), part).is_err() {
            return self.fail(Failed::Stopped);
        }
        let after = at + part.len() as u32;
        let end = match (after == self.size, self.waits) {
            (true, _) => End::Frame,
            (false, true) => End::Waits,
            (false, false) => End::Goes,
        };
        let mut line = Vec::with_capacity(OUTBOX);
        subpacket::put(part, end, self.form, &mut self.escaping, &mut line);
        self.out.push(&line);
        if after > self.furthest {
            (self.furthest, self.retries, self.moved) = (after, 0, self.now);
        }
        self.said = self.now;
        match end {
            End::Frame => {
                self.phase = Phase::Ending;
                // It goes when the piece has gone.
                self.said = Duration::ZERO;
            }
            End::Waits => self.phase = Phase::Waiting(after),
            _ => self.phase = Phase::Going(after),
        }
    }

    fn fail(&mut self, why: Failed) {
        self.out.clear();
        self.out.push(CANCEL);
        self.ended = Some(Ended::Failed(why));
    }

    fn clock(&mut self) {
        let (limit, failed) = match self.begun {
            false => (self.times.begin, Failed::NobodyBegan),
            true => (self.times.progress, Failed::StoodStill),
        };
        if self.now.saturating_sub(self.moved) >= limit {
            return self.fail(failed);
        }
        if self.out.is_empty() && self.now.saturating_sub(self.said) >= self.times.again {
            self.again();
        }
    }
}

impl Session for Sender<'_> {
    fn feed(&mut self, bytes: &[u8], now: Duration) {
        self.now = now;
        if self.ended.is_some() {
            return;
        }
        if self.started.is_none() {
            (self.started, self.moved) = (Some(now), now);
            self.again();
        }
        for byte in bytes {
            self.cans = if *byte == ZDLE { self.cans + 1 } else { 0 };
            if self.cans >= CANS {
                self.ended = Some(Ended::Failed(Failed::Cancelled));
            }
            if let Found::Header(header) = self.hunt.take(*byte) {
                self.header(header);
            }
            if self.ended.is_some() {
                return;
            }
        }
        self.clock();
    }

    fn outgoing(&mut self) -> &[u8] {
        if self.out.is_empty() && self.ended.is_none() {
            match self.phase {
                Phase::Going(at) => self.piece(at),
                Phase::Ending if self.said == Duration::ZERO => self.again(),
                _ => {}
            }
        }
        self.out.waiting()
    }

    fn sent(&mut self, len: usize) {
        self.out.sent(len);
    }

    fn ended(&self) -> Option<Ended> {
        self.ended
    }
}
