//! The DHCP client against servers that are broken or hostile.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{ACK, Lab, MAC, OFFER, SERVER, Says, address};
use drydock_lan::dhcp::{Client, Input, Output};
use proptest::prelude::*;
use std::net::Ipv4Addr;
use std::time::Duration;

const MINE: [u8; 4] = [10, 0, 0, 77];

#[track_caller]
fn refused(offer: &Says) {
    let mut lab = Lab::new();
    lab.wake();
    assert_eq!(lab.answer(offer), [], "{offer:?}");
    assert!(!lab.client.has_been_answered());
}

#[test]
fn offers_that_nobody_could_use_are_not_taken() {
    for mine in
        [[0; 4], [0, 1, 2, 3], [127, 0, 0, 1], [224, 0, 0, 1], [255; 4], [10, 0, 0, 0], [10, 0, 0, 255]]
    {
        refused(&Says::lease(OFFER, mine));
    }
    let good = Says::lease(OFFER, MINE);
    refused(&good.clone().without(54));
    refused(&good.clone().without(51));
    refused(&good.clone().with(54, &[0; 4]));
    refused(&good.clone().with(54, &[255; 4]));
    refused(&good.clone().with(51, &[0, 0, 1]));
    for mask in [[0; 4], [255, 0, 255, 0], [0, 0, 0, 255]] {
        refused(&good.clone().with(1, &mask));
    }
}

#[test]
fn answers_to_others_are_not_looked_at() {
    let mut lab = Lab::new();
    lab.wake();
    let good = Says::lease(OFFER, MINE).to(&lab.sent);
    // A question, another transaction, another machine, hardware of another kind, no DHCP at all.
    for (at, value) in [(0, 1), (7, good[7] ^ 1), (33, 8), (2, 16), (236, 0), (242, 9)] {
        let mut bad = good.clone();
        bad[at] = value;
        assert_eq!(lab.give(Input::Message(&bad)), [], "{at}");
    }
    for length in 0..240 {
        assert_eq!(lab.give(Input::Message(&good[..length])), [], "{length}");
    }
    assert!(matches!(lab.give(Input::Message(&good))[..], [Output::Broadcast(..)]));
    // Another server's refusal and agreement mean nothing.
    for says in [Says::nak(), Says::lease(ACK, MINE)] {
        assert_eq!(lab.answer(&says.with(54, &[10, 0, 0, 9])), []);
    }
}

#[test]
fn nothing_takes_a_lease_away_before_it_is_to_be_renewed() {
    let mut lab = Lab::bound(MINE, &Says::lease(ACK, MINE));
    for says in [Says::nak(), Says::lease(ACK, [10, 0, 0, 66]), Says::lease(OFFER, [10, 0, 0, 66])] {
        assert_eq!(lab.answer(&says), []);
    }
    lab.wake();
    assert_eq!(lab.answer(&Says::lease(ACK, [10, 0, 0, 66])), []);
    assert_eq!(lab.answer(&Says::lease(OFFER, [10, 0, 0, 66])), []);
}

#[test]
fn servers_and_routers_that_cannot_be_are_left_out() {
    let ack = Says::lease(ACK, MINE)
        .with(3, &[[0; 4], MINE].concat())
        .with(6, &[[0; 4], [9; 4], [127, 0, 0, 1]].concat());
    let mut lab = Lab::new();
    lab.wake();
    lab.answer(&Says::lease(OFFER, MINE));
    lab.answer(&ack);
    let [Output::Use(lease)] = &lab.wake()[..] else { panic!() };
    assert_eq!((lease.routes.len(), &lease.dns[..]), (0, &[address([9; 4])][..]));
}

#[test]
fn an_option_in_pieces_is_put_together() {
    let many: Vec<u8> =
        (0..60u8).flat_map(|number| [24, 10, 1, number, 10, 0, 0, 1]).chain([0, 10, 0, 0, 1]).collect();
    let mut lab = Lab::new();
    lab.wake();
    // 485 bytes are two options; the first 16 routes are kept.
    lab.answer(&Says::lease(OFFER, MINE).with(121, &many).without(3));
    lab.wake();
    lab.answer(&Says::lease(ACK, MINE).with(121, &many));
    let [Output::Use(lease)] = &lab.wake()[..] else { panic!() };
    assert_eq!((lease.routes.len(), lease.routes[15].to), (16, Ipv4Addr::new(10, 1, 15, 0)));
}

fn says() -> impl Strategy<Value = Says> {
    let octets = || prop_oneof![Just(MINE), Just(SERVER), any::<[u8; 4]>()];
    let options = prop::collection::vec(
        (
            prop::sample::select(vec![1u8, 3, 6, 51, 53, 54, 58, 59, 121]),
            prop::collection::vec(any::<u8>(), 0..12),
        ),
        0..4,
    );
    (prop::sample::select(vec![2u8, 5, 6]), octets(), options).prop_map(|(kind, mine, options)| {
        options.iter().fold(Says::lease(kind, mine), |says, (option, value)| says.with(*option, value))
    })
}

proptest! {
    /// Whatever servers say and whenever: the client never spins, sends no more than it may, and uses only addresses that a
    /// machine can have.
    #[test]
    fn a_client_stays_calm(steps in prop::collection::vec((prop::option::of(says()), 0u64..4000), 1..60)) {
        let mut client = Client::new(MAC, 1, Duration::ZERO);
        let (mut now, mut sent) = (Duration::ZERO, vec![0; 300]);
        let (mut packets, mut answers) = (0, 0);
        for (says, millis) in steps {
            let end = now + Duration::from_millis(millis);
            let mut outputs = vec![];
            while client.wake() <= end {
                now = now.max(client.wake());
                outputs.extend(client.handle(now, Input::Time));
                prop_assert!(client.wake() > now, "it would spin");
            }
            now = end;
            if let Some(says) = says {
                answers += 1;
                outputs.extend(client.handle(now, Input::Message(&says.to(&sent))));
            }
            for output in outputs {
                match output {
                    Output::Broadcast(_, message) | Output::Unicast(_, message) => {
                        packets += 1;
                        sent = message;
                    }
                    Output::Use(lease) => {
                        let first = lease.address.octets()[0];
                        prop_assert!((1..224).contains(&first) && first != 127 && (1..=32).contains(&lease.prefix));
                        prop_assert!(lease.routes.len() <= 16 && lease.dns.len() <= 8);
                        prop_assert!(lease.times[0] >= Duration::from_secs(5));
                    }
                    Output::Probe(_) | Output::Drop(_) => {}
                }
            }
        }
        // One question a second when nobody answers, and one more for each answer.
        prop_assert!(packets <= now.as_secs() + 2 + answers, "{packets} packets in {now:?}");
    }

    /// Any bytes in place of an answer.
    #[test]
    fn a_client_survives_anything(message in prop::collection::vec(any::<u8>(), 0..600), at in 0usize..600) {
        let mut lab = Lab::new();
        lab.wake();
        lab.give(Input::Message(&message));
        let mut damaged = Says::lease(OFFER, MINE).to(&lab.sent);
        let at = at % damaged.len();
        let end = damaged.len().min(at + message.len());
        damaged[at..end].copy_from_slice(&message[..end - at]);
        lab.give(Input::Message(&damaged));
    }
}
