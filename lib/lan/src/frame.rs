//! Ethernet frames of before there is an address: DHCP's, and ARP's to see whether one is free.

use core::net::Ipv4Addr;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr,
    IpProtocol, Ipv4Packet, Ipv4Repr, UdpPacket, UdpRepr,
};

/// The hardware address of an Ethernet interface.
pub type Mac = [u8; 6];

/// The length of an Ethernet header.
const ETHERNET: usize = 14;
/// The length of an IPv4 header without options.
const IPV4: usize = 20;
/// The length of a UDP header.
const UDP: usize = 8;
/// The length of an ARP packet for IPv4 on Ethernet (RFC 826).
const ARP: usize = 28;
/// The port that DHCP servers listen on (RFC 2131, 4.1).
pub const SERVER_PORT: u16 = 67;
/// The port that DHCP clients listen on (RFC 2131, 4.1).
pub const CLIENT_PORT: u16 = 68;

/// Returns a frame that carries a DHCP message from a client to all servers. `from` is unspecified as long as the client
/// has no address.
pub fn to_servers(mac: Mac, from: Ipv4Addr, message: &[u8]) -> Vec<u8> {
    let mut frame = broadcast(mac, EthernetProtocol::Ipv4, IPV4 + UDP + message.len());
    let sums = ChecksumCapabilities::default();
    let ip = Ipv4Repr {
        src_addr: from,
        dst_addr: Ipv4Addr::BROADCAST,
        next_header: IpProtocol::Udp,
        payload_len: UDP + message.len(),
        hop_limit: 64,
    };
    let (ip_part, udp_part) = frame[ETHERNET..].split_at_mut(IPV4);
    // What is written first has no checksum that the rest would change.
    ip.emit(&mut Ipv4Packet::new_unchecked(ip_part), &sums);
    UdpRepr { src_port: CLIENT_PORT, dst_port: SERVER_PORT }.emit(
        &mut UdpPacket::new_unchecked(udp_part),
        &ip.src_addr.into(),
        &ip.dst_addr.into(),
        message.len(),
        |place| place.copy_from_slice(message),
        &sums,
    );
    frame
}

/// Returns the DHCP message to a client in a frame, if it has one.
///
/// UDP's checksum is not looked at: where sender and receiver share a machine (a bridge of virtual machines), a packet
/// arrives before anybody has computed it. The frame has a checksum of its own.
pub fn to_client(frame: &[u8]) -> Option<&[u8]> {
    let frame = EthernetFrame::new_checked(frame).ok()?;
    if frame.ethertype() != EthernetProtocol::Ipv4 {
        return None;
    }
    let ip = Ipv4Packet::new_checked(frame.payload()).ok()?;
    let whole = !ip.more_frags() && ip.frag_offset() == 0;
    if ip.version() != 4 || !whole || ip.next_header() != IpProtocol::Udp || !ip.verify_checksum() {
        return None;
    }
    let udp = UdpPacket::new_checked(ip.payload()).ok()?;
    if (udp.src_port(), udp.dst_port()) != (SERVER_PORT, CLIENT_PORT) {
        return None;
    }
    // Its own length says where the padding of a short frame begins.
    Some(udp.payload())
}

/// Returns a frame that asks whether anybody has an address, without claiming it (RFC 5227, 2.1.1).
pub fn probe(mac: Mac, address: Ipv4Addr) -> Vec<u8> {
    let mut frame = broadcast(mac, EthernetProtocol::Arp, ARP);
    let arp = ArpRepr::EthernetIpv4 {
        operation: ArpOperation::Request,
        source_hardware_addr: EthernetAddress(mac),
        source_protocol_addr: Ipv4Addr::UNSPECIFIED,
        target_hardware_addr: EthernetAddress([0; 6]),
        target_protocol_addr: address,
    };
    arp.emit(&mut ArpPacket::new_unchecked(&mut frame[ETHERNET..]));
    frame
}

/// Whether a frame says that somebody else has an address, or is about to take it (RFC 5227, 2.1.1).
pub fn is_taken(frame: &[u8], mac: Mac, address: Ipv4Addr) -> bool {
    let read = || {
        let frame = EthernetFrame::new_checked(frame).ok()?;
        if frame.ethertype() != EthernetProtocol::Arp {
            return None;
        }
        ArpRepr::parse(&ArpPacket::new_checked(frame.payload()).ok()?).ok()
    };
    let Some(ArpRepr::EthernetIpv4 {
        operation,
        source_hardware_addr,
        source_protocol_addr,
        target_protocol_addr,
        ..
    }) = read()
    else {
        return false;
    };
    let probes = operation == ArpOperation::Request
        && source_protocol_addr.is_unspecified()
        && target_protocol_addr == address;
    source_hardware_addr.0 != mac && (source_protocol_addr == address || probes)
}

fn broadcast(mac: Mac, ethertype: EthernetProtocol, payload: usize) -> Vec<u8> {
    let mut frame = vec![0; ETHERNET + payload];
    EthernetRepr { src_addr: EthernetAddress(mac), dst_addr: EthernetAddress::BROADCAST, ethertype }
        .emit(&mut EthernetFrame::new_unchecked(&mut frame[..]));
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Mac = [2, 0, 0, 0, 0, 7];
    const OTHER: Mac = [2, 0, 0, 0, 0, 8];
    const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 77);

    /// The frame as a server would send it.
    fn from_server(message: &[u8]) -> Vec<u8> {
        let mut frame = to_servers(OTHER, ADDRESS, message);
        frame[34..38].copy_from_slice(&[0, 67, 0, 68]);
        frame
    }

    #[test]
    fn a_message_goes_out_in_udp_and_ip() {
        let frame = to_servers(MAC, Ipv4Addr::UNSPECIFIED, b"hello");
        let start = [&[0xff; 6][..], &MAC, &[8, 0, 0x45, 0, 0, 33]].concat();
        assert_eq!(frame[..18], start);
        assert_eq!(frame[26..38], [0, 0, 0, 0, 255, 255, 255, 255, 0, 68, 0, 67]);
        assert_eq!(frame[42..], *b"hello");
        let ip = Ipv4Packet::new_checked(&frame[14..]).unwrap();
        let udp = UdpPacket::new_checked(ip.payload()).unwrap();
        assert!(ip.verify_checksum());
        assert!(udp.verify_checksum(&ip.src_addr().into(), &ip.dst_addr().into()));
    }

    #[test]
    fn a_message_comes_in_without_the_padding_of_its_frame() {
        let mut frame = from_server(b"hello");
        frame.resize(60, 0);
        assert_eq!(to_client(&frame), Some(&b"hello"[..]));
    }

    #[test]
    fn what_is_no_whole_message_to_a_client_is_left_out() {
        let good = from_server(b"hello");
        // Another protocol above and below, another version, a part of a packet, a wrong sum, other ports.
        for (at, value) in [(13, 6), (14, 0x65), (20, 0x20), (23, 6), (26, 11), (35, 66), (37, 67), (39, 200)]
        {
            let mut bad = good.clone();
            bad[at] = value;
            assert_eq!(to_client(&bad), None, "{at}");
        }
        for length in 0..good.len() {
            assert_eq!(to_client(&good[..length]), None, "{length}");
        }
    }

    #[test]
    fn a_probe_claims_nothing() {
        let frame = probe(MAC, ADDRESS);
        assert_eq!(frame[12..22], [8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
        assert_eq!((&frame[28..32], &frame[38..42]), (&[0; 4][..], &ADDRESS.octets()[..]));
        assert!(!is_taken(&frame, MAC, ADDRESS), "its own echo");
        assert!(is_taken(&probe(OTHER, ADDRESS), MAC, ADDRESS), "somebody else is about to take it");
        assert!(!is_taken(&probe(OTHER, Ipv4Addr::LOCALHOST), MAC, ADDRESS));
    }

    #[test]
    fn whoever_speaks_from_an_address_has_it() {
        let mut reply = probe(OTHER, Ipv4Addr::LOCALHOST);
        reply[21] = 2;
        reply[28..32].copy_from_slice(&ADDRESS.octets());
        assert!(is_taken(&reply, MAC, ADDRESS));
        for length in 0..reply.len() {
            assert!(!is_taken(&reply[..length], MAC, ADDRESS), "{length}");
        }
    }
}
