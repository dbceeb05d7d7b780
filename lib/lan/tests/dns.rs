//! Questions to DNS servers, and what their answers may say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_lan::dns::{Answer, Family, Name, Question};
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn question(family: Family) -> Question {
    Question { id: 0x1234, name: name("updates.example.org"), family }
}

/// An answer to the question: flags, and records as owner, type and data.
fn answer(question: &Question, flags: u16, records: &[(&[u8], u16, Vec<u8>)]) -> Vec<u8> {
    let mut packet = question.encode();
    packet[2..4].copy_from_slice(&flags.to_be_bytes());
    packet[6..8].copy_from_slice(&(records.len() as u16).to_be_bytes());
    for (owner, kind, data) in records {
        packet.extend(*owner);
        packet.extend(kind.to_be_bytes());
        packet.extend([0, 1, 0, 0, 0, 60]);
        packet.extend((data.len() as u16).to_be_bytes());
        packet.extend(data);
    }
    packet
}

fn labels(text: &str) -> Vec<u8> {
    let mut wire: Vec<u8> =
        text.split('.').flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat()).collect();
    wire.push(0);
    wire
}

/// The question's own name: a pointer to byte 12.
const SAME: &[u8] = &[0xc0, 12];
const GOOD: u16 = 0x8180;
const A: u16 = 1;
const CNAME: u16 = 5;
const AAAA: u16 = 28;

fn v4(last: u8) -> IpAddr {
    Ipv4Addr::new(192, 0, 2, last).into()
}

fn octets(last: u8) -> Vec<u8> {
    vec![192, 0, 2, last]
}

#[test]
fn names_are_read_as_people_write_them() {
    assert_eq!(name("Updates.Example.ORG.").to_string(), "updates.example.org");
    assert_eq!(name("_a-b.c"), name("_A-B.c"));
    let long = "a".repeat(63);
    let longest = format!("{long}.{long}.{long}.{}", "a".repeat(60));
    assert_eq!(name(&longest).to_string(), longest);
    let too_long = [format!("{longest}aa"), "a".repeat(64), format!("{long}.{long}.{long}.{long}")];
    for wrong in ["", ".", "a..b", ".a", "a b", "a/b", "ä", "[::1]", "a\0"] {
        assert!(Name::parse(wrong).unwrap_err().to_string().contains(wrong), "{wrong}");
    }
    for wrong in too_long {
        Name::parse(&wrong).unwrap_err();
    }
}

#[test]
fn a_question_is_as_rfc_1035_has_it() {
    let expected =
        [&[0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], &labels("updates.example.org"), &[0, 28, 0, 1]];
    assert_eq!(question(Family::V6).encode(), expected.concat());
}

#[test]
fn addresses_are_taken_from_the_answer() {
    let ask = question(Family::V4);
    let packet = answer(&ask, GOOD, &[(SAME, A, octets(1)), (SAME, A, octets(2))]);
    assert_eq!(ask.answer(&packet), Some(Answer::Addresses(vec![v4(1), v4(2)])));
    let ask = question(Family::V6);
    let there = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    let packet = answer(&ask, GOOD, &[(SAME, AAAA, there.octets().into())]);
    assert_eq!(ask.answer(&packet), Some(Answer::Addresses(vec![there.into()])));
}

#[test]
fn aliases_are_followed_in_whatever_order_they_stand() {
    let ask = question(Family::V4);
    let cdn = labels("CDN.example.net");
    let packet = answer(&ask, GOOD, &[(&cdn, A, octets(3)), (SAME, CNAME, cdn.clone())]);
    assert_eq!(ask.answer(&packet), Some(Answer::Addresses(vec![v4(3)])));
    let packet = answer(&ask, GOOD, &[(SAME, CNAME, cdn.clone())]);
    assert_eq!(ask.answer(&packet), Some(Answer::Elsewhere(name("cdn.example.net"))));
}

#[test]
fn aliases_that_go_in_a_circle_or_on_and_on_come_to_an_end() {
    let ask = question(Family::V4);
    let other = labels("other.example");
    let packet =
        answer(&ask, GOOD, &[(SAME, CNAME, other.clone()), (&other, CNAME, labels("updates.example.org"))]);
    assert!(matches!(ask.answer(&packet), Some(Answer::Elsewhere(_) | Answer::Nothing)));
    let chain: Vec<_> = (0..40).map(|number| labels(&format!("n{number}.example"))).collect();
    let mut records = vec![(SAME, CNAME, chain[0].clone())];
    records.extend((0..39).map(|at| (&chain[at][..], CNAME, chain[at + 1].clone())));
    records.push((&chain[39], A, octets(1)));
    let Some(Answer::Elsewhere(end)) = ask.answer(&answer(&ask, GOOD, &records)) else { panic!() };
    assert_eq!(end, name("n8.example"));
}

#[test]
fn what_is_said_of_other_names_is_not_believed() {
    let ask = question(Family::V4);
    let bank = labels("bank.example");
    let packet = answer(&ask, GOOD, &[(&bank, A, octets(66)), (SAME, A, octets(1))]);
    assert_eq!(ask.answer(&packet), Some(Answer::Addresses(vec![v4(1)])));
    let packet = answer(&ask, GOOD, &[(&bank, A, octets(66))]);
    assert_eq!(ask.answer(&packet), Some(Answer::Nothing));
    // Nor is an address of the other kind, or one of the wrong length.
    let packet = answer(&ask, GOOD, &[(SAME, AAAA, vec![1; 16])]);
    assert_eq!(ask.answer(&packet), Some(Answer::Nothing));
    let packet = answer(&ask, GOOD, &[(SAME, A, vec![1; 5])]);
    assert_eq!(ask.answer(&packet), Some(Answer::Failed(None)));
}

#[test]
fn answers_to_other_questions_are_none() {
    let ask = question(Family::V4);
    let good = answer(&ask, GOOD, &[(SAME, A, octets(1))]);
    // The number, a question in place of an answer, another operation, two questions, the name, the kind, the class.
    let changes = [(0, 0), (2, 0x01), (2, 0x89), (5, 2), (13, b'x'), (34, 28), (36, 3)];
    for (at, value) in changes {
        let mut bad = good.clone();
        assert_ne!(bad[at], value, "{at}");
        bad[at] = value;
        assert_eq!(ask.answer(&bad), None, "{at}");
    }
    // Letters may come back in another size.
    let mut shouted = good.clone();
    shouted[13..20].make_ascii_uppercase();
    assert_eq!(ask.answer(&shouted), ask.answer(&good));
}

#[test]
fn a_server_says_why_there_is_no_answer() {
    let ask = question(Family::V4);
    for (flags, expected) in [
        (0x8183, Answer::NoSuchName),
        (0x8182, Answer::Failed(Some(2))),
        (0x8185, Answer::Failed(Some(5))),
        (0x8380, Answer::CutShort),
        (0x8180, Answer::Nothing),
    ] {
        assert_eq!(ask.answer(&answer(&ask, flags, &[])), Some(expected));
    }
}

#[test]
fn names_that_point_at_themselves_come_to_an_end() {
    let ask = question(Family::V4);
    let mut packet = answer(&ask, GOOD, &[(SAME, CNAME, vec![0xc0, 0x33])]);
    // The alias's data begins at byte 12 + 21 + 4 + 2 + 10.
    assert_eq!(packet.len(), 51);
    packet[49..51].copy_from_slice(&[0xc0, 49]);
    assert_eq!(ask.answer(&packet), Some(Answer::Nothing));
    let end = packet.len();
    packet[end - 2..].copy_from_slice(&[0xff, 0xff]);
    assert_eq!(ask.answer(&packet), Some(Answer::Nothing));
}

#[test]
fn the_addresses_that_are_kept_are_bounded() {
    let ask = question(Family::V4);
    let records: Vec<_> = (0..200).map(|last| (SAME, A, octets(last))).collect();
    let Some(Answer::Addresses(kept)) = ask.answer(&answer(&ask, GOOD, &records)) else { panic!() };
    assert_eq!(kept.len(), 16);
}

proptest! {
    #[test]
    fn any_bytes_after_the_question_are_survived(more in prop::collection::vec(any::<u8>(), 0..300), count: u16) {
        let ask = question(Family::V4);
        let mut packet = answer(&ask, GOOD, &[]);
        packet[6..8].copy_from_slice(&count.to_be_bytes());
        packet.extend(more);
        if let Some(Answer::Addresses(found)) = ask.answer(&packet) {
            prop_assert!((1..=16).contains(&found.len()));
        }
    }

    #[test]
    fn a_name_survives_its_way_over_the_wire(labels in prop::collection::vec("[a-z0-9_-]{1,20}", 1..8)) {
        let text = labels.join(".");
        prop_assert_eq!(name(&text).to_string(), text.clone());
        let ask = Question { id: 1, name: name(&text), family: Family::V4 };
        let packet = answer(&ask, GOOD, &[(SAME, A, octets(1))]);
        prop_assert_eq!(ask.answer(&packet), Some(Answer::Addresses(vec![v4(1)])));
    }
}
