//! DHCP's messages as bytes (RFC 2131, 2; options: RFC 2132).

use crate::Mac;
use core::net::Ipv4Addr;
use smoltcp::wire::{DhcpMessageType, DhcpPacket, DhcpRepr, EthernetAddress};

/// What a client can ask of servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// Who lends an address, this one if it may be?
    Discover(Option<Ipv4Addr>),
    /// That server's offer is taken.
    Request {
        /// The address that was offered.
        address: Ipv4Addr,
        /// Who offered it.
        server: Ipv4Addr,
    },
    /// May this address be kept? Asked by who has it.
    Extend(Ipv4Addr),
    /// Somebody else has the address.
    Decline {
        /// The address.
        address: Ipv4Addr,
        /// Who lent it.
        server: Ipv4Addr,
    },
}

/// Subnet mask, router, DNS servers, lease time, server, renewal, rebinding, classless routes. The last must come before the
/// router (RFC 3442).
const WANTED: [u8; 8] = [1, 121, 3, 6, 51, 54, 58, 59];

impl Ask {
    /// Returns the message's bytes. `seconds` is how long the client has been at it.
    pub(super) fn encode(self, transaction: u32, mac: Mac, seconds: u16) -> Vec<u8> {
        let none = Ipv4Addr::UNSPECIFIED;
        let mut message = DhcpRepr {
            message_type: DhcpMessageType::Request,
            transaction_id: transaction,
            secs: seconds,
            client_hardware_address: EthernetAddress(mac),
            client_ip: none,
            your_ip: none,
            server_ip: none,
            router: None,
            subnet_mask: None,
            relay_agent_ip: none,
            broadcast: false,
            requested_ip: None,
            client_identifier: None,
            server_identifier: None,
            parameter_request_list: Some(&WANTED),
            dns_servers: None,
            max_size: Some(1500),
            lease_duration: None,
            renew_duration: None,
            rebind_duration: None,
            additional_options: &[],
        };
        match self {
            Self::Discover(address) => {
                message.message_type = DhcpMessageType::Discover;
                message.requested_ip = address;
            }
            Self::Request { address, server } => {
                message.requested_ip = Some(address);
                message.server_identifier = Some(server);
            }
            Self::Extend(address) => message.client_ip = address,
            Self::Decline { address, server } => {
                message.message_type = DhcpMessageType::Decline;
                message.requested_ip = Some(address);
                message.server_identifier = Some(server);
                message.parameter_request_list = None;
                message.max_size = None;
            }
        }
        // As long as BOOTP's messages at least: some servers and relays drop what is shorter (RFC 1542, 2.1).
        let mut bytes = vec![0; message.buffer_len().max(300)];
        // Writing fails only where there is no room.
        let _ = message.emit(&mut DhcpPacket::new_unchecked(&mut bytes[..]));
        bytes
    }
}

/// What a server can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Offer,
    Ack,
    Nak,
}

/// What a server says. Nothing in it has been checked but that it answers this client's question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) kind: Kind,
    pub(super) address: Ipv4Addr,
    pub(super) server: Option<Ipv4Addr>,
    pub(super) mask: Option<Ipv4Addr>,
    pub(super) routers: Vec<Ipv4Addr>,
    pub(super) dns: Vec<Ipv4Addr>,
    pub(super) seconds: Option<u32>,
    pub(super) renew: Option<u32>,
    pub(super) rebind: Option<u32>,
    pub(super) routes: Option<Vec<u8>>,
}

impl Reply {
    /// Reads a message. `None`: it is none, or the answer to another question than this one.
    pub(super) fn parse(message: &[u8], transaction: u32, mac: Mac) -> Option<Self> {
        const MAGIC: u32 = 0x6382_5363;
        // The reader looks at the options without asking whether the header is whole.
        let packet = DhcpPacket::new_checked(message).ok().filter(|_| message.len() >= 240)?;
        let is_reply = message.first() == Some(&2);
        let ours = packet.transaction_id() == transaction
            && packet.hardware_len() == 6
            && packet.client_hardware_address().0 == mac;
        if !is_reply || !ours || packet.magic_number() != MAGIC {
            return None;
        }
        // An option that is longer than one can be is in several pieces (RFC 3396).
        let option = |kind: u8| {
            let mut pieces = packet.options().filter(|option| option.kind == kind).map(|option| option.data);
            let mut whole = pieces.next()?.to_vec();
            pieces.for_each(|piece| whole.extend(piece));
            Some(whole)
        };
        let word = |kind| Some(u32::from_be_bytes(option(kind)?.try_into().ok()?));
        let addresses = |kind| -> Vec<Ipv4Addr> {
            let whole = option(kind).unwrap_or_default();
            whole.as_chunks::<4>().0.iter().map(|&octets| octets.into()).collect()
        };
        let kind = match option(53)?[..] {
            [2] => Kind::Offer,
            [5] => Kind::Ack,
            [6] => Kind::Nak,
            _ => return None,
        };
        Some(Self {
            kind,
            address: packet.your_ip(),
            server: word(54).map(Ipv4Addr::from_bits),
            mask: word(1).map(Ipv4Addr::from_bits),
            routers: addresses(3),
            dns: addresses(6),
            seconds: word(51),
            renew: word(58),
            rebind: word(59),
            routes: option(121),
        })
    }
}
