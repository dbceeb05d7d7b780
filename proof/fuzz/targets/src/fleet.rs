//! What a fleet's server says to a device, and what a device says to a fleet's.

use drydock_channel::{Channel, Decision, Device, MAX_FILE, Report, add, split};
use drydock_ddi::{Base, Deployment, Foreign, Poll, Status};
use drydock_format::signature::Line;
use drydock_format::{Digest, PublicKey, Trusted};
use drydock_state::UnixTime;
use drydock_transfer::Address;
use std::collections::BTreeMap;

/// The key of RFC 8032's first test: nobody can sign for it without having it.
const KEY: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

/// A channel's file. Nothing may be opened whose signature nobody can have made; what is in it is read as if it held.
pub(crate) fn channel(data: &[u8]) -> bool {
    let Ok(parts) = split(data) else { return false };
    if let Ok(key) = KEY.parse::<PublicKey>() {
        let id = key.id();
        assert!(Channel::open(data, &Trusted { keys: vec![key], threshold: 1 }).is_err());
        if let Ok(longer) = add(data, &Line { key: id, signature: [7; 64] }) {
            assert!(longer.len() <= MAX_FILE && longer.starts_with(parts.document));
        }
    }
    let Ok(channel) = Channel::open_unverified(data) else { return false };
    let document = channel.document();
    let again = [document.to_bytes(), parts.signatures.to_vec()].concat();
    assert!(Channel::open_unverified(&again).is_ok_and(|again| again.document() == document));
    let accepted = channel.accept(&document.channel, None, UnixTime(0));
    assert!(accepted.is_ok());
    let Ok(first) = accepted else { return false };
    let attributes = BTreeMap::from([("region".to_owned(), "eu".to_owned())]);
    for (number, time) in [UnixTime(0), document.made, document.expires].into_iter().enumerate() {
        let Ok(accepted) = channel.accept(&document.channel, Some(first.seen()), time) else { return false };
        let device = Device {
            id: "pump-7",
            compatible: "acme-pump",
            attributes: &attributes,
            running: None,
            install_floor: number as u32,
            failed: &[Digest([0; 32])],
        };
        if let Decision::Release(release) = accepted.meant(&device) {
            assert!(!document.halt && accepted.seen().time < document.expires);
            assert!(release.compatible == "acme-pump" && release.security_version >= device.install_floor);
        }
    }
    true
}

/// A report, as a receiver reads it.
pub(crate) fn report(data: &[u8]) -> bool {
    let Ok(report) = Report::parse(data) else { return false };
    assert_eq!(Report::parse(report.to_json().as_bytes()).ok().as_ref(), Some(&report));
    true
}

/// An answer of hawkBit's, whichever it is taken for.
pub(crate) fn ddi(data: &[u8]) -> bool {
    let _ = Status::of(429, data);
    let poll = Poll::parse(data).is_ok_and(|poll| poll != Poll::default());
    let orders = [Deployment::parse(data), Deployment::parse_waiting(data)];
    let mut order = false;
    let server = Address::parse("https://fleet.example");
    let base = server.ok().and_then(|server| Base::new(&server, "DEFAULT", "pump-7", Foreign::Refused));
    for deployment in orders.into_iter().flatten() {
        order = true;
        for artifact in deployment.chunks.iter().flat_map(|chunk| &chunk.artifacts) {
            let Some(Ok(to)) = base.as_ref().map(|base| base.follow(&artifact.href)) else { continue };
            assert!(to.place().secure && to.place().host == "fleet.example");
        }
    }
    poll || order
}
