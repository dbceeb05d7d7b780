//! The client's state machine (RFC 2131, 4.4).

use super::lease::Lease;
use super::message::{Ask, Kind, Reply};
use crate::Mac;
use crate::random::Random;
use core::net::Ipv4Addr;
use core::time::Duration;
use std::fmt;

/// How long a better offer is waited for after one without a way out.
const BETTER_OFFER: Duration = Duration::from_secs(1);
/// How long is listened whether somebody else has the address.
const PROBE: Duration = Duration::from_millis(500);
/// How long is waited after an address that somebody else has (RFC 2131, 3.1, 5).
const AFTER_CONFLICT: Duration = Duration::from_secs(10);
/// The pause between two questions is doubled up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(32);
/// How often an offer is asked for before another one is looked for.
const REQUESTS: u32 = 4;
/// A lease is not asked for again within this time, as long as it lasts (RFC 2131, 4.4.5).
const BETWEEN_RENEWALS: Duration = Duration::from_secs(60);

/// What has happened.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// Time has passed.
    Time,
    /// A DHCP message has come.
    Message(&'a [u8]),
    /// Somebody else has the address that is being tried.
    Taken,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this message to all servers, from this address.
    Broadcast(Ipv4Addr, Vec<u8>),
    /// Send this message to one server, from the client's address.
    Unicast(Ipv4Addr, Vec<u8>),
    /// Ask the link whether somebody has this address already.
    Probe(Ipv4Addr),
    /// Use what is lent, in place of what was before.
    Use(Lease),
    /// Use nothing of what was lent any more.
    Drop(Loss),
}

/// Why there is no lease any more, or still none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// No server has extended it in time.
    Expired,
    /// A server has taken it back, or refused it.
    Refused,
    /// Somebody else has the address.
    Taken(Ipv4Addr),
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired => f.write_str("no DHCP server has extended the lease"),
            Self::Refused => f.write_str("a DHCP server has refused the lease"),
            Self::Taken(address) => write!(f, "another machine has {address}, which a DHCP server has lent"),
        }
    }
}

#[derive(Clone, Debug)]
enum State {
    /// Looking for offers; the first that has no way out is kept for a moment.
    Selecting { offer: Option<Lease> },
    /// An offer was asked for.
    Requesting { offer: Lease },
    /// It is lent; whether it is free is being asked.
    Probing { lease: Lease, since: Duration },
    /// It is used. Asking for more once its first time has come.
    Bound { lease: Lease, since: Duration },
    /// Nothing is done until the time has come.
    Waiting,
}

/// A client for one interface. Times are counted from any moment, the same one for all.
#[derive(Clone, Debug)]
pub struct Client {
    mac: Mac,
    random: Random,
    state: State,
    /// The question that an answer must name.
    transaction: u32,
    /// When the client began to look for an address.
    begun: Duration,
    /// Questions without an answer, in a row.
    tries: u32,
    /// Leases that were refused, in a row.
    refusals: u32,
    /// When something is to be done next.
    wake: Duration,
    /// The address that it had last.
    last: Option<Ipv4Addr>,
}

impl Client {
    /// A client that has nothing and asks at once. The seed should be one that nobody else can guess.
    pub fn new(mac: Mac, seed: u64, now: Duration) -> Self {
        let random = Random::new(seed);
        let state = State::Selecting { offer: None };
        Self { mac, random, state, transaction: 0, begun: now, tries: 0, refusals: 0, wake: now, last: None }
    }

    /// Returns when [`handle`](Self::handle) wants to be called next, whatever comes; `Duration::MAX` for never.
    pub fn wake(&self) -> Duration {
        self.wake
    }

    /// Whether a server has answered since the client has been looking for an address.
    pub fn has_been_answered(&self) -> bool {
        !matches!(self.state, State::Selecting { offer: None })
    }

    /// Returns the address that is being tried.
    pub fn probed(&self) -> Option<Ipv4Addr> {
        match &self.state {
            State::Probing { lease, .. } => Some(lease.address),
            _ => None,
        }
    }

    /// Takes what has happened, and returns what is to be done for it, in that order.
    pub fn handle(&mut self, now: Duration, input: Input<'_>) -> Vec<Output> {
        match input {
            Input::Time if now < self.wake => vec![],
            Input::Time => self.time(now),
            Input::Message(message) => Reply::parse(message, self.transaction, self.mac)
                .map_or_else(Vec::new, |reply| self.reply(now, &reply)),
            Input::Taken => self.taken(now),
        }
    }

    fn time(&mut self, now: Duration) -> Vec<Output> {
        match self.state.clone() {
            State::Waiting => self.begin(now),
            State::Selecting { offer: None } => {
                self.ask_again(now);
                vec![self.broadcast(now, Ask::Discover(self.last))]
            }
            State::Selecting { offer: Some(offer) } => self.take(now, offer),
            State::Requesting { .. } if self.tries >= REQUESTS => self.begin(now),
            State::Requesting { offer } => {
                self.ask_again(now);
                let ask = Ask::Request { address: offer.address, server: offer.server };
                vec![self.broadcast(now, ask)]
            }
            State::Probing { lease, since } => self.bind(lease, since),
            State::Bound { lease, since } => self.extend(now, &lease, since),
        }
    }

    fn reply(&mut self, now: Duration, reply: &Reply) -> Vec<Output> {
        let lease = Lease::new(reply);
        match (self.state.clone(), reply.kind) {
            (State::Selecting { offer: known }, Kind::Offer) => match lease {
                Some(offer) if offer.has_way_out() => self.take(now, offer),
                Some(offer) if known.is_none() => {
                    self.state = State::Selecting { offer: Some(offer) };
                    self.wake = now + BETTER_OFFER;
                    vec![]
                }
                _ => vec![],
            },
            (State::Requesting { offer }, Kind::Ack) => match lease {
                Some(lease) if lease.server == offer.server => {
                    let address = lease.address;
                    self.state = State::Probing { lease, since: now };
                    self.wake = now + PROBE;
                    vec![Output::Probe(address)]
                }
                _ => vec![],
            },
            (State::Requesting { offer }, Kind::Nak) if reply.server == Some(offer.server) => {
                self.refused(now)
            }
            (State::Bound { lease: held, since }, Kind::Ack) if now >= due(since, held.times[0]) => {
                match lease {
                    Some(lease) if lease.address == held.address => {
                        let same = held.lends_the_same(&lease);
                        let outputs = self.bind(lease, now);
                        if same { vec![] } else { outputs }
                    }
                    _ => vec![],
                }
            }
            (State::Bound { lease: held, since }, Kind::Nak) if now >= due(since, held.times[0]) => {
                self.refused(now)
            }
            _ => vec![],
        }
    }

    /// Somebody else has the address: the server must know, and another one is asked for after a while.
    fn taken(&mut self, now: Duration) -> Vec<Output> {
        let State::Probing { lease, .. } = self.state.clone() else { return vec![] };
        let decline = Ask::Decline { address: lease.address, server: lease.server };
        let decline = decline.encode(self.transaction, self.mac, 0);
        self.state = State::Waiting;
        self.last = None;
        self.wake = now + AFTER_CONFLICT;
        vec![Output::Broadcast(Ipv4Addr::UNSPECIFIED, decline), Output::Drop(Loss::Taken(lease.address))]
    }

    /// A server that refuses whatever is asked for is asked more and more seldom.
    fn refused(&mut self, now: Duration) -> Vec<Output> {
        self.state = State::Waiting;
        self.last = None;
        self.wake = now + self.pause(self.refusals);
        self.refusals = self.refusals.saturating_add(1);
        vec![Output::Drop(Loss::Refused)]
    }

    /// From the beginning.
    fn begin(&mut self, now: Duration) -> Vec<Output> {
        self.state = State::Selecting { offer: None };
        self.begun = now;
        self.tries = 0;
        self.transaction = self.random.next();
        self.time(now)
    }

    fn take(&mut self, now: Duration, offer: Lease) -> Vec<Output> {
        self.state = State::Requesting { offer };
        self.tries = 0;
        self.time(now)
    }

    fn bind(&mut self, lease: Lease, since: Duration) -> Vec<Output> {
        self.tries = 0;
        self.refusals = 0;
        self.last = Some(lease.address);
        self.wake = due(since, lease.times[0]);
        self.transaction = self.random.next();
        self.state = State::Bound { lease: lease.clone(), since };
        vec![Output::Use(lease)]
    }

    fn extend(&mut self, now: Duration, lease: &Lease, since: Duration) -> Vec<Output> {
        let [_, second, end] = lease.times.map(|time| due(since, time));
        if now >= end {
            let mut outputs = vec![Output::Drop(Loss::Expired)];
            outputs.extend(self.begin(now));
            return outputs;
        }
        let limit = if now < second { second } else { end };
        let half = (limit - now) / 2;
        self.wake = (now + half.max(BETWEEN_RENEWALS)).min(limit);
        if self.tries == 0 {
            self.begun = now;
            self.tries = 1;
        }
        let message = self.encode(now, Ask::Extend(lease.address));
        if now < second {
            return vec![Output::Unicast(lease.server, message)];
        }
        vec![Output::Broadcast(lease.address, message)]
    }

    fn broadcast(&mut self, now: Duration, ask: Ask) -> Output {
        Output::Broadcast(Ipv4Addr::UNSPECIFIED, self.encode(now, ask))
    }

    fn encode(&self, now: Duration, ask: Ask) -> Vec<u8> {
        let seconds = now.saturating_sub(self.begun).as_secs();
        ask.encode(self.transaction, self.mac, u16::try_from(seconds).unwrap_or(u16::MAX))
    }

    fn ask_again(&mut self, now: Duration) {
        if self.transaction == 0 {
            self.transaction = self.random.next();
        }
        self.wake = now + self.pause(self.tries);
        self.tries = self.tries.saturating_add(1);
    }

    /// 1, 2, 4… seconds, and up to half a second more, so that devices that start together do not stay together.
    fn pause(&mut self, tries: u32) -> Duration {
        let doubled = Duration::from_secs(1 << tries.min(5)).min(LONGEST_PAUSE);
        doubled + Duration::from_millis(u64::from(self.random.next() % 500))
    }
}

/// A moment some time after another one.
fn due(since: Duration, after: Duration) -> Duration {
    since.checked_add(after).unwrap_or(Duration::MAX)
}
