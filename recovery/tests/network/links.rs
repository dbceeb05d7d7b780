//! Links that fail while the real `drydock` fetches from the real nginx over them: it ends well, or with a reason and what
//! came kept.

use crate::certificates::{Authority, Certified, EC};
use crate::device::{Device, HOST, impatient};
use crate::lab::Lab;
use crate::line::Line;
use crate::middle::{Fate, Middle};
use crate::nginx::{Line as Logged, Nginx};
use crate::setup::{WORKSHOP, bundle};
use drydock_config::{Network, Seconds};
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};

/// A pace at which all of the bundle takes eight seconds.
const SLOW: &str = "limit_rate 40k;";
/// So many bytes on the wire, and some of the contents have come, and some have not.
const MIDDLE: u64 = 120_000;
/// What comes again whenever a fetch begins anew: the front, and the manifest with what was read ahead of it.
const AGAIN: u64 = 40_000;

/// Who certifies the server, and this device.
struct Trust {
    authority: Authority,
    server: Certified,
    own: Certified,
}

impl Trust {
    fn new() -> Self {
        let authority = Authority::new();
        let (server, own) = (authority.certify(HOST, EC), authority.certify("device-7", EC));
        Self { authority, server, own }
    }

    fn nginx(&self, lab: &Lab, more: &str) -> Nginx {
        let server = Nginx::in_lab(lab, &self.authority, &self.server, more);
        server.put("3.drydock", bundle());
        server
    }

    fn device<'l>(&self, lab: &'l Lab, network: Network) -> Device<'l> {
        let network = Network { ca: vec![self.authority.pem()], ..network };
        Device::new(lab, network, &self.own)
    }
}

fn sent(log: &[Logged]) -> u64 {
    log.iter().map(|line| line.bytes).sum()
}

#[test]
fn a_link_that_is_lost_in_the_middle_and_comes_back_is_gone_on_over() {
    let (lab, trust) = (Lab::connected(), Trust::new());
    let server = trust.nginx(&lab, SLOW);
    let device = trust.device(&lab, impatient());
    let mut drydock = device.stage("3.drydock");
    lab.await_received("e0", MIDDLE);
    lab.on_server("link set s0 down");
    drydock.expect("nothing came from updates.example for 2 s; trying again");
    lab.on_server("link set s0 up");
    let (ok, said) = drydock.wait();
    assert!(ok && said.contains("version 3 is staged as intent 2"), "{said}");
    let (there, sent) = (device.there().bytes(), sent(&server.log()));
    // What was under way when the link went is sent again: what nginx had in its socket.
    assert!(sent < there * 3 / 2, "{sent} for {there}");
    println!("{sent} bytes were sent for {there}");
}

#[test]
fn a_link_that_is_lost_for_good_ends_it_with_a_reason_and_the_next_try_goes_on_where_it_was() {
    let (lab, trust) = (Lab::connected(), Trust::new());
    let server = trust.nginx(&lab, SLOW);
    let device = trust.device(&lab, Network { tries: 3, ..impatient() });
    let before = device.untouched();
    let drydock = device.stage("3.drydock");
    lab.await_received("e0", MIDDLE);
    lab.on_server("link set s0 down");
    let (ok, said) = drydock.wait();
    assert!(!ok && said.contains("fetching https://updates.example/3.drydock: "), "{said}");
    assert!(
        said.contains("could not be connected to within 3 s") || said.contains("No route to host"),
        "{said}"
    );
    assert!(said.contains("it can be tried again, and goes on where it was"), "{said}");
    assert_eq!(device.untouched(), before);
    let kept = device.there().bytes();
    assert!(kept > 50_000, "{kept}");
    drop(server);

    lab.on_server("link set s0 up");
    let server = trust.nginx(&lab, "");
    let (ok, said) = device.stage("3.drydock").wait();
    assert!(ok && said.contains("version 3 is staged as intent 2"), "{said}");
    let (there, sent) = (device.there().bytes(), sent(&server.log()));
    assert!(sent < there - kept + AGAIN, "{sent} for {there}, of which {kept} were there");
    println!("{kept} bytes of {there} were there, and {sent} came");
}

#[test]
fn a_server_that_closes_or_stalls_after_each_few_bytes_brings_all_of_it_in_the_end() {
    for (fate, what) in [
        (Fate::Closes(40_000), "updates.example closed the connection in the middle; trying again"),
        (Fate::Stalls(90_000), "nothing came from updates.example for 2 s; trying again"),
    ] {
        let (lab, trust) = (Lab::connected(), Trust::new());
        let server = trust.nginx(&lab, "");
        let device = trust.device(&lab, impatient());
        let middle = Middle::stand(&lab, move |_| fate);
        let (ok, said) = device.drydock(&["stage", &format!("https://{HOST}:8443/3.drydock")]).wait();
        assert!(ok && said.contains("is staged as intent 2") && said.contains(what), "{said}");
        let log = server.log();
        println!("{fate:?}: {} connections, {} requests", middle.connections(), log.len());
        assert!(middle.connections() > 3, "{said}");
        // Whoever goes on asks for what is missing, and never for more than before.
        let mut asked: Vec<_> = log.iter().map(|line| asked_for(&line.range)).collect();
        let all = asked.iter().copied().max().unwrap();
        asked.drain(..asked.iter().position(|bytes| *bytes == all).unwrap());
        assert!(asked.is_sorted_by(|before, then| before >= then) && asked.len() > 3, "{asked:?}");
    }
}

/// The bytes in the ranges of a request.
fn asked_for(ranges: &str) -> u64 {
    let ranges = ranges.trim_start_matches("bytes=").split(',');
    let ends = ranges.map(|range| range.trim().split_once('-').unwrap());
    ends.map(|(first, last)| last.parse::<u64>().unwrap() + 1 - first.parse::<u64>().unwrap()).sum()
}

#[test]
fn another_file_that_takes_the_place_of_the_one_that_is_being_fetched_ends_it_with_a_reason() {
    let (lab, trust) = (Lab::connected(), Trust::new());
    let server = trust.nginx(&lab, SLOW);
    let device = trust.device(&lab, impatient());
    let before = device.untouched();
    let middle = Middle::stand(&lab, |number| if number < 3 { Fate::Closes(60_000) } else { Fate::Lasts });
    let drydock = device.drydock(&["stage", &format!("https://{HOST}:8443/3.drydock")]);
    lab.await_received("e0", MIDDLE / 2);
    server.put("3.drydock", &WORKSHOP.version("4").bundle);
    let (ok, said) = drydock.wait();
    assert!(!ok && said.contains("the file on the server is another one than before"), "{said}");
    assert!(said.contains("stage it again") && middle.connections() > 1, "{said}");
    assert_eq!(device.untouched(), before);
    // Which is what helps.
    let (ok, said) = device.drydock(&["stage", &format!("https://{HOST}:8443/3.drydock")]).wait();
    assert!(ok && said.contains("version 4 is staged"), "{said}");
}

/// Fetches version 3 over such a line, of which the device lacks some 280 KB.
fn over_a_line_that_loses(lost: usize) {
    let (lab, trust) = (Lab::new(), Trust::new());
    let _line = Line::lay(&lab, Duration::from_millis(600), lost);
    let server = trust.nginx(&lab, "");
    let patience = Network {
        connect_seconds: Seconds(20),
        answer_seconds: Seconds(20),
        stall_seconds: Seconds(10),
        ..Network::default()
    };
    let device = trust.device(&lab, patience);
    let begun = Instant::now();
    let (ok, said) = device.stage("3.drydock").wait();
    let took = begun.elapsed().as_secs_f64();
    assert!(ok && said.contains("version 3 is staged as intent 2"), "{said}");
    let (log, tries) = (server.log(), said.matches("trying again").count());
    println!("{lost} % lost: {took:.1} s, {} bytes, {} requests, {tries} tries again", sent(&log), log.len());
}

#[test]
fn a_line_of_600_ms_that_loses_one_packet_of_a_hundred_brings_it() {
    over_a_line_that_loses(1);
}

#[test]
fn a_line_of_600_ms_that_loses_one_packet_of_five_brings_it() {
    over_a_line_that_loses(20);
}

#[test]
fn an_address_that_changes_in_the_middle_is_gone_on_with() {
    let (lab, trust) = (Lab::wired(), Trust::new());
    let hosts = lab.file("lends", "");
    let from = format!("--dhcp-hostsfile={}", hosts.display());
    let range = "--dhcp-range=10.99.0.50,10.99.0.70,255.255.255.0,2m";
    let mut lends = lab.dnsmasq(&[range, "--dhcp-sequential-ip", "--dhcp-option=58,3", &from]);
    let server = trust.nginx(&lab, SLOW);
    let device = trust.device(&lab, impatient());
    let mut network = lab.drydock(crate::addresses::DHCP, &["--watch", "600"]);
    network.expect("e0: 10.99.0.50/24");
    let drydock = device.stage("3.drydock");
    lab.await_received("e0", MIDDLE / 2);
    // From the next renewal on it has another address for this device, and refuses the old one.
    lab.file("lends", &format!("{},10.99.0.70\n", lab.hardware_address("e0")));
    lends.signal(Signal::SIGHUP);
    lends.expect("DHCPNAK(s0) 10.99.0.50");
    network.expect("e0: 10.99.0.70/24");
    let (ok, said) = drydock.wait();
    assert!(
        ok && said.contains("version 3 is staged as intent 2") && said.contains("trying again"),
        "{said}"
    );
    let (there, sent) = (device.there().bytes(), sent(&server.log()));
    assert!(sent < there * 3 / 2, "{sent} for {there}");
    println!("{sent} bytes were sent for {there}");
}
