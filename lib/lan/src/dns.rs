//! Questions to a DNS server and its answers (RFC 1035, 4; IPv6 addresses: RFC 3596).
//!
//! The server does the work (RFC 1035, 7: a stub resolver). What it says is believed only where it answers the question: a
//! sender off the path would have to guess the transaction's number and the port, which the caller lets the kernel choose.

use core::net::IpAddr;
use smoltcp::wire::{
    DnsFlags, DnsOpcode, DnsPacket, DnsQueryType, DnsQuestion, DnsRecord, DnsRecordData, DnsRepr,
};
use std::fmt;

/// The port of DNS servers.
pub const PORT: u16 = 53;
/// The longest answer over UDP; longer ones are cut short and asked for again over TCP (RFC 1035, 2.3.4).
pub const LONGEST: usize = 512;
/// So many records of an answer are looked at.
const RECORDS: usize = 64;
/// So many addresses of an answer are kept.
const ADDRESSES: usize = 16;
/// So many aliases within one answer are followed.
const ALIASES: usize = 8;
/// The codes of an answer that is one, and of a name that does not exist (RFC 1035, 4.1.1).
const NO_ERROR: u8 = 0;
const NO_SUCH_NAME: u8 = 3;

/// A host's name.
#[derive(Clone, PartialEq, Eq)]
pub struct Name {
    /// Labels, each after its length, and a zero; small letters.
    wire: Vec<u8>,
}

/// Why a text is no host's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAName(pub String);

impl fmt::Display for NotAName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no name of a host: labels of 1 to 63 letters, digits, - and _, 253 in all", self.0)
    }
}

impl std::error::Error for NotAName {}

impl Name {
    /// Reads a name as people write it; a dot at its end changes nothing (RFC 1123, 2.1).
    ///
    /// # Errors
    /// It is empty, too long, or has something else than letters, digits, `-` and `_`.
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        let labels = text.strip_suffix('.').unwrap_or(text).split('.').map(str::as_bytes);
        Self::from_labels(labels.map(Some)).ok_or_else(|| NotAName(text.into()))
    }

    fn from_labels<'l>(labels: impl Iterator<Item = Option<&'l [u8]>>) -> Option<Self> {
        let mut wire = Vec::new();
        for label in labels {
            let label = label?;
            let plain =
                label.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
            let length = u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length))?;
            if !plain || wire.len() + label.len() > 253 {
                return None;
            }
            wire.push(length);
            wire.extend(label.iter().map(u8::to_ascii_lowercase));
        }
        wire.push(0);
        Some(Self { wire })
    }

    /// Reads a name in a packet, where the end of one may stand in another one.
    fn unpack(packet: &DnsPacket<&[u8]>, name: &[u8]) -> Option<Self> {
        Self::from_labels(packet.parse_name(name).map(Result::ok)).filter(|name| name.wire.len() > 1)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = &self.wire[..];
        let mut dot = "";
        while let Some((&length, after)) = rest.split_first().filter(|(length, _)| **length > 0) {
            let (label, after) = after.split_at_checked(length.into()).unwrap_or_default();
            write!(f, "{dot}{}", String::from_utf8_lossy(label))?;
            (rest, dot) = (after, ".");
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Of which kind addresses are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// What a packet says to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The name has these addresses: at least 1, at most 16.
    Addresses(Vec<IpAddr>),
    /// The name stands for this one, of which the server says nothing more.
    Elsewhere(Name),
    /// The name exists, without addresses of this kind.
    Nothing,
    /// There is no such name.
    NoSuchName,
    /// The whole answer has to be asked for over TCP.
    CutShort,
    /// The server can't or does not want to: another one may. The code is that of RFC 1035, 4.1.1, or `None` for an answer
    /// that makes no sense.
    Failed(Option<u8>),
}

/// A question to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The transaction's number, which nobody else should guess.
    pub id: u16,
    /// Whose addresses are asked for.
    pub name: Name,
    /// Which of them.
    pub family: Family,
}

impl Question {
    fn kind(&self) -> DnsQueryType {
        match self.family {
            Family::V4 => DnsQueryType::A,
            Family::V6 => DnsQueryType::Aaaa,
        }
    }

    /// Returns the packet that asks it.
    pub fn encode(&self) -> Vec<u8> {
        let question = DnsRepr {
            transaction_id: self.id,
            opcode: DnsOpcode::Query,
            flags: DnsFlags::RECURSION_DESIRED,
            question: DnsQuestion { name: &self.name.wire, type_: self.kind() },
        };
        let mut packet = vec![0; question.buffer_len()];
        question.emit(&mut DnsPacket::new_unchecked(&mut packet[..]));
        packet
    }

    /// Reads a packet from the server. `None`: it does not answer this question, whoever has sent it.
    pub fn answer(&self, packet: &[u8]) -> Option<Answer> {
        let packet = DnsPacket::new_checked(packet).ok()?;
        let flags = packet.flags();
        let is_answer = flags.contains(DnsFlags::RESPONSE) && packet.opcode() == DnsOpcode::Query;
        if packet.transaction_id() != self.id || !is_answer || packet.question_count() != 1 {
            return None;
        }
        let (rest, asked) = DnsQuestion::parse(packet.payload()).ok()?;
        if asked.type_ != self.kind() || Name::unpack(&packet, asked.name)? != self.name {
            return None;
        }
        Some(match u8::from(packet.rcode()) {
            _ if flags.contains(DnsFlags::TRUNCATED) => Answer::CutShort,
            NO_ERROR => self.addresses(&packet, rest).unwrap_or(Answer::Failed(None)),
            NO_SUCH_NAME => Answer::NoSuchName,
            code => Answer::Failed(Some(code)),
        })
    }

    /// Follows the name through its aliases. What is said of other names is not looked at.
    fn addresses(&self, packet: &DnsPacket<&[u8]>, mut rest: &[u8]) -> Option<Answer> {
        let mut records = Vec::new();
        for _ in 0..usize::from(packet.answer_record_count()).min(RECORDS) {
            let (next, record) = DnsRecord::parse(rest).ok()?;
            rest = next;
            // Names that no host has are of no interest, nor is what belongs to them.
            records.extend(Name::unpack(packet, record.name).map(|owner| (owner, record.data)));
        }
        let mut name = self.name.clone();
        for _ in 0..=ALIASES {
            let of_name = || records.iter().filter(|(owner, _)| *owner == name).map(|(_, data)| data);
            let addresses = of_name().filter_map(|data| match (data, self.family) {
                (DnsRecordData::A(address), Family::V4) => Some(IpAddr::V4(*address)),
                (DnsRecordData::Aaaa(address), Family::V6) => Some(IpAddr::V6(*address)),
                _ => None,
            });
            let addresses: Vec<_> = addresses.take(ADDRESSES).collect();
            if !addresses.is_empty() {
                return Some(Answer::Addresses(addresses));
            }
            let alias = of_name().find_map(|data| match data {
                DnsRecordData::Cname(target) => Name::unpack(packet, target),
                _ => None,
            });
            match alias {
                Some(alias) => name = alias,
                None => break,
            }
        }
        Some(if name == self.name { Answer::Nothing } else { Answer::Elsewhere(name) })
    }
}

/// Returns the question as it is sent over TCP: after its length (RFC 1035, 4.2.2).
pub fn over_tcp(question: &[u8]) -> Vec<u8> {
    let length = u16::try_from(question.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes(), question].concat()
}
