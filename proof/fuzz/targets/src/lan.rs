//! What comes from a network: DHCP, router advertisements, DNS.

use crate::options::options;
use drydock_lan::dhcp::{Client, Input, Output};
use drydock_lan::dns::{Answer, Family, Name, Question};
use drydock_lan::{frame, router};
use std::time::Duration;

const MAC: drydock_lan::Mac = [2, 0, 0, 0, 0, 7];

/// Messages to a client, each after its length in two bytes. What makes a message the answer to the client's question is
/// mended. They come as frames, too.
pub(crate) fn dhcp(data: &[u8]) -> bool {
    let mut client = Client::new(MAC, 1, Duration::ZERO);
    let (mut now, mut question, mut used) = (Duration::ZERO, vec![0; 300], false);
    let mut rest = data;
    for _ in 0..16 {
        let Some((&[high, low], more)) = rest.split_first_chunk() else { break };
        let length = usize::from(u16::from_be_bytes([high, low])).min(more.len());
        let (message, more) = more.split_at(length);
        rest = more;
        if let Some(inner) = frame::to_client(message) {
            assert!(inner.len() < message.len());
        }
        let _ = frame::is_taken(message, MAC, [10, 0, 0, 77].into());
        // The first message comes when the client has asked; later ones when it is about to do something again.
        let due = client.handle(now, Input::Time);
        used |= act(due, &mut question);
        let mut mended = message.to_vec();
        for (at, part) in [(0, &[2, 1, 6][..]), (4, &question[4..8]), (28, &MAC)] {
            if let Some(place) = mended.get_mut(at..at + part.len()) {
                place.copy_from_slice(part);
            }
        }
        for message in [message, &mended] {
            used |= act(client.handle(now, Input::Message(message)), &mut question);
        }
        assert!(client.wake() > now, "it would be woken again and again");
        now = client.wake().min(now + Duration::from_secs(1 << 31));
    }
    // Whether the address is free is waited for at the end.
    used | act(client.handle(now, Input::Time), &mut question)
}

/// Keeps what the client asks, and says whether it uses something.
fn act(outputs: Vec<Output>, question: &mut Vec<u8>) -> bool {
    let mut used = false;
    for output in outputs {
        match output {
            Output::Broadcast(_, sent) | Output::Unicast(_, sent) => *question = sent,
            Output::Use(lease) => {
                let bounded = lease.routes.len() <= 16 && lease.dns.len() <= 8;
                assert!((1..=32).contains(&lease.prefix) && bounded, "{lease:?}");
                assert!(lease.times[0] >= Duration::from_secs(5) && lease.times.is_sorted(), "{lease:?}");
                used = true;
            }
            Output::Probe(_) | Output::Drop(_) => {}
        }
    }
    used
}

/// The first byte says which kind of address is asked for; the rest is the answer, with the number of the question.
pub(crate) fn dns(data: &[u8]) -> bool {
    let (options, packet) = options(data);
    let Ok(name) = Name::parse("updates.example.org") else { return false };
    let family = if options & 1 == 0 { Family::V4 } else { Family::V6 };
    let question = Question { id: 0x1234, name, family };
    let _ = question.answer(packet);
    let mut packet = packet.to_vec();
    for (place, byte) in packet.iter_mut().zip([0x12, 0x34]) {
        *place = byte;
    }
    match question.answer(&packet) {
        Some(Answer::Addresses(found)) => {
            assert!((1..=16).contains(&found.len()));
            assert!(found.iter().all(|address| address.is_ipv4() == (family == Family::V4)));
            true
        }
        Some(Answer::Elsewhere(name)) => {
            // It can be asked for.
            assert_eq!(Name::parse(&name.to_string()), Ok(name));
            true
        }
        Some(answer) => !matches!(answer, Answer::Failed(None)),
        None => false,
    }
}

/// The bytes are an ICMPv6 packet.
pub(crate) fn router_advertisement(data: &[u8]) -> bool {
    let Some(read) = router::advertisement(data) else { return false };
    assert!(read.servers.len() <= 8);
    assert!(read.servers.iter().all(|(server, _)| !server.is_multicast() && !server.is_unspecified()));
    true
}
