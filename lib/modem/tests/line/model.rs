//! A line in simulated time: two transfers with a slow, late and noisy wire each way between them.

use drydock_lines::{Noise, Throttle};
use drydock_modem::{Answer, Give, Offer, Session, Stop, Take};
use std::collections::VecDeque;
use std::time::Duration;

/// A line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    /// Bytes in a second.
    pub(crate) rate: u32,
    /// How long a byte is on its way, in milliseconds.
    pub(crate) late: u32,
    /// How many bytes in a million are changed, lost or doubled, each way.
    pub(crate) noise: u32,
    pub(crate) seed: u64,
}

/// One direction.
struct Wire {
    late: u64,
    throttle: Throttle,
    noise: Noise,
    under_way: VecDeque<(u64, u8)>,
    carried: u64,
}

impl Wire {
    fn new(line: Line, salt: u64) -> Self {
        Self {
            late: line.late.into(),
            throttle: Throttle::bytes(line.rate),
            noise: Noise::new(line.noise, line.seed.wrapping_mul(2).wrapping_add(salt)),
            under_way: VecDeque::new(),
            carried: 0,
        }
    }

    /// Takes what a millisecond carries.
    fn carry(&mut self, from: &mut dyn Session, now: u64) {
        let time = Duration::from_millis(now);
        for _ in 0..self.throttle.allows(time) {
            let Some(byte) = from.outgoing().first().copied() else { return };
            from.sent(1);
            self.throttle.wrote(1, time);
            self.carried += 1;
            let at = now + self.late;
            self.under_way.extend(self.noise.pass(byte).map(|byte| (at, byte)));
        }
    }

    fn arrived(&mut self, now: u64) -> Vec<u8> {
        let count = self.under_way.iter().take_while(|(at, _)| *at <= now).count();
        self.under_way.drain(..count).map(|(_, byte)| byte).collect()
    }
}

/// What a transfer came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ran {
    /// In simulated time.
    pub(crate) took: Duration,
    /// How many bytes the sender has sent.
    pub(crate) carried: u64,
}

/// Runs a transfer until both ends have ended, or for so long in simulated time.
pub(crate) fn run(sender: &mut dyn Session, receiver: &mut dyn Session, line: Line, limit: Duration) -> Ran {
    let (mut there, mut back) = (Wire::new(line, 1), Wire::new(line, 77));
    let mut now = 0;
    while u128::from(now) < limit.as_millis() {
        let time = Duration::from_millis(now);
        let (to_receiver, to_sender) = (there.arrived(now), back.arrived(now));
        // Told the time as often as they want, and what came as it comes.
        if !to_receiver.is_empty() || now % 200 == 0 {
            receiver.feed(&to_receiver, time);
        }
        if !to_sender.is_empty() || now % 200 == 0 {
            sender.feed(&to_sender, time);
        }
        there.carry(sender, now);
        back.carry(receiver, now);
        let quiet = sender.outgoing().is_empty() && receiver.outgoing().is_empty();
        if sender.ended().is_some() && receiver.ended().is_some() && quiet {
            break;
        }
        now += 1;
    }
    Ran { took: Duration::from_millis(now), carried: there.carried }
}

/// A file that is sent.
pub(crate) struct Memory(pub(crate) Vec<u8>);

impl Give for Memory {
    fn name(&self) -> &str {
        "x.drydock"
    }

    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), Stop> {
        buffer.copy_from_slice(&self.0[at as usize..][..buffer.len()]);
        Ok(())
    }
}

/// A disk.
#[derive(Default)]
pub(crate) struct Disk {
    pub(crate) there: Vec<u8>,
    pub(crate) begins: Vec<u64>,
    pub(crate) whole: Vec<Vec<u8>>,
}

impl Take for Disk {
    fn offered(&mut self, _: &Offer) -> Answer {
        if self.there.is_empty() { Answer::Take } else { drydock_modem::there_is(&self.there) }
    }

    fn resumed(&mut self, at: u64) -> Result<(), Stop> {
        self.begins.push(at);
        self.there.truncate(at as usize);
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.there.extend_from_slice(bytes);
        Ok(())
    }

    fn whole(&mut self) -> Result<(), Stop> {
        self.whole.push(std::mem::take(&mut self.there));
        Ok(())
    }
}
