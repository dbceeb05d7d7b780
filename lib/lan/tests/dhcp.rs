//! The DHCP client against servers that keep to RFC 2131, with a clock of the test's own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{ACK, Lab, OFFER, SERVER, Says, address, option};
use drydock_lan::dhcp::{Input, Loss, Output};
use std::net::Ipv4Addr;
use std::time::Duration;

const MINE: [u8; 4] = [10, 0, 0, 77];

fn ack() -> Says {
    Says::lease(ACK, MINE)
}

#[test]
fn an_offer_is_asked_for_probed_and_used() {
    let mut lab = Lab::new();
    let [Output::Broadcast(from, _)] = &lab.wake()[..] else { panic!() };
    assert_eq!((*from, lab.kind()), (Ipv4Addr::UNSPECIFIED, 1));
    assert_eq!(option(&lab.sent, 55).unwrap()[..3], [1, 121, 3]);
    assert!(lab.sent.len() >= 300 && !lab.client.has_been_answered());

    assert!(matches!(lab.answer(&Says::lease(OFFER, MINE))[..], [Output::Broadcast(..)]));
    assert_eq!(lab.kind(), 3);
    assert_eq!(option(&lab.sent, 50).unwrap(), MINE);
    assert_eq!(option(&lab.sent, 54).unwrap(), SERVER);

    assert_eq!(lab.answer(&ack()), [Output::Probe(address(MINE))]);
    assert_eq!(lab.client.probed(), Some(address(MINE)));
    let [Output::Use(lease)] = &lab.wake()[..] else { panic!() };
    assert_eq!((lease.address, lease.prefix), (address(MINE), 24));
    assert_eq!(lease.dns, [address([10, 0, 0, 2]), address([10, 0, 0, 3])]);
    assert!(lease.has_way_out() && lease.is_near(address(SERVER)) && !lease.is_near(address([10, 0, 1, 1])));
    assert_eq!(lease.routes[0].via, Some(address(SERVER)));
}

#[test]
fn silence_is_asked_into_less_and_less_often() {
    let mut lab = Lab::new();
    let mut gaps = vec![];
    for _ in 0..10 {
        let before = lab.now;
        assert!(matches!(lab.wake()[..], [Output::Broadcast(..)]));
        gaps.push((lab.now - before).as_secs());
    }
    assert_eq!(gaps, [0, 1, 2, 4, 8, 16, 32, 32, 32, 32]);
    // Relays want to know how long it has been (RFC 2131, 2).
    assert!(u16::from_be_bytes([lab.sent[8], lab.sent[9]]) > 120);
}

#[test]
fn an_offer_with_a_way_out_is_preferred() {
    let mut lab = Lab::new();
    lab.wake();
    assert_eq!(lab.answer(&Says::lease(OFFER, [10, 0, 0, 5]).without(3)), []);
    lab.answer(&Says::lease(OFFER, MINE));
    assert_eq!(option(&lab.sent, 50).unwrap(), MINE);

    // It is taken where nothing better comes.
    let mut lab = Lab::new();
    lab.wake();
    lab.answer(&Says::lease(OFFER, [10, 0, 0, 5]).without(3));
    lab.answer(&Says::lease(OFFER, MINE).without(3));
    lab.wake();
    assert_eq!(option(&lab.sent, 50).unwrap(), [10, 0, 0, 5]);
}

#[test]
fn a_lease_is_renewed_by_its_server_and_then_by_any() {
    let mut lab = Lab::bound(MINE, &ack());
    let begun = lab.now;
    let [Output::Unicast(to, _)] = &lab.wake()[..] else { panic!() };
    assert_eq!(*to, address(SERVER));
    // It is counted from the receipt, half a second before the address was known to be free.
    assert_eq!((lab.now - begun).as_millis(), 1_800_000 - 500);
    assert_eq!((lab.kind(), &lab.sent[12..16]), (3, &MINE[..]));
    assert_eq!((option(&lab.sent, 50), option(&lab.sent, 54)), (None, None));
    // The same again changes nothing, but for when it ends.
    assert_eq!(lab.answer(&ack()), []);
    let renewed = lab.now;
    assert_eq!(lab.client.wake(), renewed + Duration::from_secs(1800));

    // The server has gone.
    let mut unicasts = 0;
    let expired = loop {
        match &lab.wake()[..] {
            [Output::Unicast(..)] => unicasts += 1,
            [Output::Broadcast(from, _)] => assert_eq!(*from, address(MINE)),
            [Output::Drop(Loss::Expired), Output::Broadcast(..)] => break lab.now,
            other => panic!("{other:?}"),
        }
    };
    assert!((3..10).contains(&unicasts), "{unicasts}");
    assert_eq!(expired, renewed + Duration::from_secs(3600));
    // The same address is wished for.
    assert_eq!((lab.kind(), option(&lab.sent, 50).unwrap()), (1, MINE.to_vec()));
}

#[test]
fn another_server_may_extend_what_its_own_does_not() {
    let mut lab = Lab::bound(MINE, &ack());
    while !matches!(lab.wake()[..], [Output::Broadcast(..)]) {}
    assert_eq!(lab.answer(&ack().with(54, &[10, 0, 0, 9])), []);
    let [Output::Unicast(to, _)] = &lab.wake()[..] else { panic!() };
    assert_eq!(*to, address([10, 0, 0, 9]));
}

#[test]
fn what_a_renewal_changes_is_told() {
    let mut lab = Lab::bound(MINE, &ack());
    lab.wake();
    let [Output::Use(lease)] = &lab.answer(&ack().with(6, &[9, 9, 9, 9]))[..] else { panic!() };
    assert_eq!(lease.dns, [address([9, 9, 9, 9])]);
}

#[test]
fn a_refused_renewal_leads_to_another_address() {
    let mut lab = Lab::bound(MINE, &ack());
    lab.wake();
    assert_eq!(lab.answer(&Says::nak()), [Output::Drop(Loss::Refused)]);
    lab.wake();
    assert_eq!((lab.kind(), option(&lab.sent, 50)), (1, None));
    lab.answer(&Says::lease(OFFER, [10, 0, 0, 78]));
    lab.answer(&Says::lease(ACK, [10, 0, 0, 78]));
    let [Output::Use(lease)] = &lab.wake()[..] else { panic!() };
    assert_eq!(lease.address, address([10, 0, 0, 78]));
}

#[test]
fn a_server_that_refuses_what_it_has_offered_is_asked_less_and_less_often() {
    let mut lab = Lab::new();
    lab.wake();
    let mut gaps = vec![];
    for _ in 0..7 {
        lab.answer(&Says::lease(OFFER, MINE));
        assert_eq!(lab.answer(&Says::nak()), [Output::Drop(Loss::Refused)]);
        let before = lab.now;
        lab.wake();
        gaps.push((lab.now - before).as_secs());
    }
    assert_eq!(gaps, [1, 2, 4, 8, 16, 32, 32]);
}

#[test]
fn an_address_that_somebody_has_is_declined() {
    let mut lab = Lab::new();
    lab.wake();
    lab.answer(&Says::lease(OFFER, MINE));
    lab.answer(&ack());
    let outputs = lab.give(Input::Taken);
    assert!(matches!(outputs[..], [Output::Broadcast(..), Output::Drop(Loss::Taken(_))]), "{outputs:?}");
    assert_eq!((lab.kind(), option(&lab.sent, 50).unwrap()), (4, MINE.to_vec()));
    assert_eq!(option(&lab.sent, 54).unwrap(), SERVER);
    let before = lab.now;
    lab.wake();
    assert_eq!(((lab.now - before).as_secs(), lab.kind()), (10, 1));
    // Later on nobody's ARP can take it away.
    let mut lab = Lab::bound(MINE, &ack());
    assert_eq!(lab.give(Input::Taken), []);
}

#[test]
fn a_server_that_offers_and_then_is_silent_is_given_up() {
    let mut lab = Lab::new();
    lab.wake();
    lab.answer(&Says::lease(OFFER, MINE));
    let mut kinds = vec![];
    for _ in 0..5 {
        lab.wake();
        kinds.push(lab.kind());
    }
    assert_eq!(kinds, [3, 3, 3, 1, 1]);
}

#[test]
fn a_lease_for_ever_is_never_renewed() {
    let lab = Lab::bound(MINE, &ack().with(51, &[0xff; 4]));
    assert_eq!(lab.client.wake(), Duration::MAX);
}
