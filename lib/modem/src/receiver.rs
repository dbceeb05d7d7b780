//! Receiving, by whichever protocol the sender speaks.

use crate::parties::Take;
use crate::session::{Ended, Session, Times};
use crate::zmodem::With;
use crate::{Buffer, buffer, ymodem, zmodem};
use std::time::Duration;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speaks {
    /// Nobody yet.
    Nobody,
    Zmodem,
    Ymodem,
}

/// Receives files. It calls for a sender of either protocol, so that a person only has to start one.
pub struct Receiver<'t> {
    take: &'t mut dyn Take,
    buffer: Buffer,
    times: Times,
    speaks: Speaks,
    zmodem: zmodem::Receive,
    ymodem: ymodem::Receive,
    called: Option<Duration>,
}

impl<'t> Receiver<'t> {
    /// Returns one that has not begun. It needs about 10 KiB of memory, and never more.
    pub fn new(take: &'t mut dyn Take, times: Times) -> Self {
        Self {
            take,
            buffer: buffer(),
            times,
            speaks: Speaks::Nobody,
            zmodem: zmodem::Receive::new(times),
            ymodem: ymodem::Receive::new(times),
            called: None,
        }
    }
}

impl Session for Receiver<'_> {
    fn feed(&mut self, bytes: &[u8], now: Duration) {
        let mut with = With { now, buffer: &mut self.buffer, take: self.take };
        // A protocol is known when its first header is whole: what follows that is for it alone.
        let mut bytes = bytes;
        while self.speaks == Speaks::Nobody
            && let Some((byte, rest)) = bytes.split_first()
        {
            bytes = rest;
            self.zmodem.feed(std::slice::from_ref(byte), &mut with);
            if self.zmodem.has_begun() {
                self.speaks = Speaks::Zmodem;
                break;
            }
            self.ymodem.feed(std::slice::from_ref(byte), &mut with);
            if self.ymodem.has_begun() {
                self.speaks = Speaks::Ymodem;
            }
        }
        match self.speaks {
            Speaks::Ymodem => self.ymodem.feed(bytes, &mut with),
            Speaks::Zmodem => self.zmodem.feed(bytes, &mut with),
            Speaks::Nobody => {
                self.zmodem.feed(bytes, &mut with);
                // A sender of ZMODEM is to hear first that it may begin.
                let called = *self.called.get_or_insert(now);
                if now.saturating_sub(called) >= self.times.again {
                    self.called = Some(now);
                    self.ymodem.call();
                }
            }
        }
    }

    fn outgoing(&mut self) -> &[u8] {
        match self.speaks {
            Speaks::Zmodem => self.zmodem.out.waiting(),
            Speaks::Ymodem => self.ymodem.out.waiting(),
            // One after the other, and each of them whole.
            Speaks::Nobody if self.zmodem.out.is_empty() => self.ymodem.out.waiting(),
            Speaks::Nobody => self.zmodem.out.waiting(),
        }
    }

    fn sent(&mut self, len: usize) {
        match self.speaks {
            Speaks::Zmodem => self.zmodem.out.sent(len),
            Speaks::Ymodem => self.ymodem.out.sent(len),
            Speaks::Nobody if self.zmodem.out.is_empty() => self.ymodem.out.sent(len),
            Speaks::Nobody => self.zmodem.out.sent(len),
        }
    }

    fn ended(&self) -> Option<Ended> {
        match self.speaks {
            Speaks::Ymodem => self.ymodem.ended,
            Speaks::Zmodem | Speaks::Nobody => self.zmodem.ended,
        }
    }
}
