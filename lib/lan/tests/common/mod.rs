//! A DHCP server's messages, made by hand from RFC 2131, and what a client does with them.

#![allow(dead_code)]

use drydock_lan::Mac;
use drydock_lan::dhcp::{Client, Input, Output};
use std::net::Ipv4Addr;
use std::time::Duration;

pub(crate) const MAC: Mac = [2, 0, 0, 0, 0, 7];
pub(crate) const SERVER: [u8; 4] = [10, 0, 0, 1];

/// What a server says: its kind, an address, options.
#[derive(Clone, Debug)]
pub(crate) struct Says {
    pub(crate) kind: u8,
    pub(crate) address: [u8; 4],
    pub(crate) options: Vec<(u8, Vec<u8>)>,
}

pub(crate) const OFFER: u8 = 2;
pub(crate) const ACK: u8 = 5;
pub(crate) const NAK: u8 = 6;

impl Says {
    /// A lease of an hour with router and DNS server.
    pub(crate) fn lease(kind: u8, address: [u8; 4]) -> Self {
        let hour = 3600u32.to_be_bytes().to_vec();
        let options = [(54, SERVER.to_vec()), (1, vec![255, 255, 255, 0]), (3, SERVER.to_vec())];
        let more = [(6, vec![10, 0, 0, 2, 10, 0, 0, 3]), (51, hour)];
        Self { kind, address, options: options.into_iter().chain(more).collect() }
    }

    pub(crate) fn nak() -> Self {
        Self { kind: NAK, address: [0; 4], options: vec![(54, SERVER.to_vec())] }
    }

    pub(crate) fn with(mut self, option: u8, value: &[u8]) -> Self {
        self.options.retain(|(kind, _)| *kind != option);
        self.options.push((option, value.to_vec()));
        self
    }

    pub(crate) fn without(mut self, option: u8) -> Self {
        self.options.retain(|(kind, _)| *kind != option);
        self
    }

    /// The message as the answer to another one.
    pub(crate) fn to(&self, question: &[u8]) -> Vec<u8> {
        let mut message = vec![0; 240];
        message[..4].copy_from_slice(&[2, 1, 6, 0]);
        message[4..8].copy_from_slice(&question[4..8]);
        message[16..20].copy_from_slice(&self.address);
        message[28..34].copy_from_slice(&question[28..34]);
        message[236..240].copy_from_slice(&[99, 130, 83, 99]);
        message.extend([53, 1, self.kind]);
        for (kind, value) in &self.options {
            for piece in value.chunks(255) {
                message.extend([*kind, piece.len() as u8]);
                message.extend(piece);
            }
        }
        message.push(255);
        message
    }
}

/// The value of an option in a client's message.
pub(crate) fn option(message: &[u8], wanted: u8) -> Option<Vec<u8>> {
    let mut rest = &message[240..];
    while let [kind, length, more @ ..] = rest {
        if *kind == 255 {
            return None;
        }
        if *kind == wanted {
            return Some(more[..usize::from(*length)].to_vec());
        }
        rest = &more[usize::from(*length)..];
    }
    None
}

/// A client, its clock, and what it sent last.
pub(crate) struct Lab {
    pub(crate) client: Client,
    pub(crate) now: Duration,
    pub(crate) sent: Vec<u8>,
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self { client: Client::new(MAC, 4711, Duration::ZERO), now: Duration::ZERO, sent: vec![] }
    }

    pub(crate) fn give(&mut self, input: Input<'_>) -> Vec<Output> {
        let outputs = self.client.handle(self.now, input);
        for output in &outputs {
            if let Output::Broadcast(_, message) | Output::Unicast(_, message) = output {
                self.sent = message.clone();
            }
        }
        outputs
    }

    /// Sleeps until the client wants to be woken, and wakes it.
    pub(crate) fn wake(&mut self) -> Vec<Output> {
        assert!(self.client.wake() >= self.now, "it wants to be woken in the past");
        self.now = self.client.wake();
        self.give(Input::Time)
    }

    /// Answers what was sent last.
    pub(crate) fn answer(&mut self, says: &Says) -> Vec<Output> {
        let message = says.to(&self.sent);
        self.give(Input::Message(&message))
    }

    /// From nothing to a lease that is used.
    pub(crate) fn bound(address: [u8; 4], ack: &Says) -> Self {
        let mut lab = Self::new();
        lab.wake();
        lab.answer(&Says::lease(OFFER, address));
        lab.answer(ack);
        assert!(matches!(lab.wake()[..], [Output::Use(_)]));
        lab
    }

    /// What kind of message was sent last.
    pub(crate) fn kind(&self) -> u8 {
        option(&self.sent, 53).unwrap()[0]
    }
}

pub(crate) fn address(octets: [u8; 4]) -> Ipv4Addr {
    octets.into()
}
