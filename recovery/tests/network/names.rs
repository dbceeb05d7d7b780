//! DNS servers: a real one, and some that fail or lie.

use crate::addresses::{DHCP, RANGE};
use crate::lab::Lab;
use std::net::UdpSocket;
use std::time::Duration;

/// The configuration with the client's address, so that nothing but names has to be found.
const STATIC: &str = r#"{"dns":["10.99.0.1"],"interface":[{"name":"e0","ipv4":"static","ipv6":"off",
    "addresses":["10.99.0.7/24"],"gateways":["10.99.0.1"]}]}"#;
const HOST: &str = "up.example";
const RIGHT: [u8; 4] = [10, 99, 0, 9];
const WRONG: [u8; 4] = [6, 6, 6, 6];

/// An answer with this address.
fn answer(question: &[u8], address: [u8; 4]) -> Vec<u8> {
    let mut packet = question.to_vec();
    packet[2..8].copy_from_slice(&[0x81, 0x80, 0, 1, 0, 1]);
    packet.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
    packet.extend(address);
    packet
}

/// A DNS server of the test's own. It does `work` for each question: its number, the question, and where to answer.
fn server(lab: &Lab, work: impl Fn(usize, &[u8], &dyn Fn(&[u8])) + Send + 'static) {
    lab.inside(move || {
        let socket = UdpSocket::bind("10.99.0.1:53").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut buffer = [0; 512];
        for number in 0.. {
            let Ok((length, from)) = socket.recv_from(&mut buffer) else { return };
            work(number, &buffer[..length], &|packet| {
                socket.send_to(packet, from).unwrap();
            });
        }
    });
}

#[test]
fn a_server_that_fails_at_first_is_asked_again() {
    let lab = Lab::wired();
    server(&lab, |number, question, reply| match number {
        // Nothing, an error of the server's, and then the answer.
        0 => {}
        1 => {
            let mut failure = answer(question, WRONG);
            failure[3] = 0x82;
            reply(&failure);
        }
        _ => reply(&answer(question, RIGHT)),
    });
    let (ok, said) = lab.try_drydock(STATIC, &[HOST]);
    assert!(ok && said.contains("up.example: 10.99.0.9\n"), "{said}");
}

#[test]
fn answers_to_other_questions_are_not_believed() {
    let lab = Lab::wired();
    server(&lab, |_, question, reply| {
        // Another number, another name, no answer at all, rubbish; and in the end the right one.
        for (at, flip) in [(0, 0xff), (13, 0x01), (2, 0x80)] {
            let mut lie = answer(question, WRONG);
            lie[at] ^= flip;
            reply(&lie);
        }
        for length in [0, 1, 11, 12, 13] {
            reply(&answer(question, WRONG)[..length]);
        }
        // An address for somebody else's name beside the right one.
        let mut mixed = question.to_vec();
        mixed[2..8].copy_from_slice(&[0x81, 0x80, 0, 1, 0, 2]);
        mixed.extend([&[4][..], b"bank", &[0, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4], &WRONG].concat());
        mixed.extend([&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4][..], &RIGHT].concat());
        reply(&mixed);
    });
    let (ok, said) = lab.try_drydock(STATIC, &[HOST]);
    assert!(ok && said.contains("up.example: 10.99.0.9\n"), "{said}");
}

#[test]
fn an_answer_from_another_port_than_the_servers_does_not_arrive() {
    let lab = Lab::wired();
    lab.inside(|| {
        let socket = UdpSocket::bind("10.99.0.1:53").unwrap();
        let other = UdpSocket::bind("10.99.0.1:5353").unwrap();
        let mut buffer = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            other.send_to(&answer(&buffer[..length], WRONG), from).unwrap();
            socket.send_to(&answer(&buffer[..length], RIGHT), from).unwrap();
        }
    });
    let (ok, said) = lab.try_drydock(STATIC, &[HOST]);
    assert!(ok && said.contains("up.example: 10.99.0.9\n"), "{said}");
}

#[test]
fn a_silent_server_gives_way_to_the_next_one_and_is_named_if_there_is_none() {
    let lab = Lab::wired();
    let _server = lab.dnsmasq(&["--host-record=up.example,10.99.0.9"]);
    // Nobody has this address.
    let two = STATIC.replace(r#"["10.99.0.1"]"#, r#"["10.99.0.66","10.99.0.1"]"#);
    let (ok, said) = lab.try_drydock(&two, &[HOST]);
    assert!(ok && said.contains("up.example: 10.99.0.9\n"), "{said}");
    let one = STATIC.replace(r#"["10.99.0.1"]"#, r#"["10.99.0.66"]"#);
    let (ok, said) = lab.try_drydock(&one, &[HOST]);
    assert!(!ok && said.contains("an address of up.example is missing; DNS server 10.99.0.66"), "{said}");
}

#[test]
fn a_real_servers_long_answers_aliases_and_refusals_are_understood() {
    let lab = Lab::wired();
    let mut options = vec![RANGE.to_owned(), "--cname=alias.example,up.example".into()];
    options.push("--host-record=up.example,10.99.0.9".into());
    // More than a packet of UDP holds: cut short there, and whole over TCP.
    options.extend((1..=80).map(|last| format!("--host-record=big.example,10.98.0.{last}")));
    // dnsmasq answers a name's other records with nothing.
    options.push("--address=/gone.example/".into());
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let _server = lab.dnsmasq(&options);
    let (ok, said) = lab.try_drydock(DHCP, &["alias.example", "big.example", "UP.example.", "10.1.2.3"]);
    assert!(ok, "{said}");
    for line in ["alias.example: 10.99.0.9\n", "UP.example.: 10.99.0.9\n", "10.1.2.3: 10.1.2.3\n"] {
        assert!(said.contains(line), "{line}{said}");
    }
    let big = said.lines().find(|line| line.starts_with("big.example: ")).unwrap();
    assert_eq!(big.matches("10.98.0.").count(), 16, "{said}");
    let (ok, said) = lab.try_drydock(DHCP, &["gone.example"]);
    assert!(!ok && said.contains("there is no host gone.example"), "{said}");
    let (ok, said) = lab.try_drydock(DHCP, &["not a name"]);
    assert!(!ok && said.contains("`not a name` is no name of a host"), "{said}");
}
