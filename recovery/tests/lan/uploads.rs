//! Bundles that are sent.

use crate::bench::{LIMIT, Site, WORKSHOP, site};
use crate::visitor::{Got, Visitor, admitted, ask, request, wish};
use drydock_fixtures::{Parts, key};
use drydock_recovery::lan::Limits;
use drydock_simulator::device::End;
use drydock_state::SetName;
use std::sync::atomic::Ordering;
use std::time::Duration;

fn bundle() -> &'static [u8] {
    &WORKSHOP.version("3").bundle
}

/// Sends bytes for a release that somebody was let in for.
fn send(site: &Site, token: &str, bytes: &[u8]) -> Got {
    let mut visitor = Visitor::enter(site).unwrap();
    visitor.say(request(site, "PUT /bundle", Some(token), bytes.len()).as_bytes()).unwrap();
    // Where it is refused on the way not all of it is taken.
    let _ = visitor.say(bytes);
    visitor.hear().expect("an answer")
}

fn nothing_was_written(site: &Site) {
    assert_eq!(site.bench.written.load(Ordering::Relaxed), 0);
    assert!(site.bench.done.lock().unwrap().is_empty());
}

#[test]
fn a_bundle_that_is_sent_is_staged_and_installed() {
    let site = site(Limits::default());
    let token = admitted(&site, &wish(bundle()));
    let got = send(&site, &token, bundle());
    assert_eq!((got.status, got.body.as_str()), (200, "version 3 is staged, asked for by kim"));
    assert_eq!(send(&site, &token, bundle()).status, 401, "an answer is for one bundle");
    let device = site.bench.device.lock().unwrap();
    assert_eq!(device.run(), End::Up(SetName::A));
    assert_eq!(device.record().unwrap().sets.a.version, "3");
}

#[test]
fn what_is_not_signed_or_for_another_device_is_refused_before_a_byte_of_it_is_written() {
    let site = site(Limits::default());
    let genuine = Parts::of(bundle());
    let forged = genuine.clone().edit("\"version\":\"3\"", "\"version\":\"9\"").bytes();
    let unsigned = {
        let mut parts = genuine.clone();
        parts.get(drydock_format::SIGNATURES).fill(0);
        parts.bytes()
    };
    let signers = [key(1), key(2)];
    let signers: Vec<_> = signers.iter().collect();
    let foreign = genuine.clone().edit("simulated-pump", "simulated-fan").signed(&signers).bytes();
    let strangers = [key(8), key(9)];
    let strange = genuine.signed(&strangers.iter().collect::<Vec<_>>()).bytes();
    for (bytes, why) in [
        (&forged, "sign"),
        (&unsigned, "sign"),
        (&strange, "sign"),
        (&foreign, "simulated-fan"),
        (&vec![0; 100_000], "manifest"),
        (&b"PK\x03\x04 no bundle".to_vec(), ""),
    ] {
        // All that follows the front is never sent: the answer does not wait for it.
        let claimed = bytes.len() + 40_000_000;
        let wanted = if why.is_empty() || why == "manifest" { wish(bundle()) } else { wish(bytes) };
        let token = admitted(&site, &wanted);
        let mut visitor = Visitor::enter(&site).unwrap();
        visitor.say(request(&site, "PUT /bundle", Some(&token), claimed).as_bytes()).unwrap();
        visitor.say(bytes).unwrap();
        if bytes.len() < 512 {
            visitor.say(&[b'x'; 4096]).unwrap();
        }
        let got = visitor.hear().expect("an answer");
        assert!(got.status == 409 && got.body.contains(why), "{why}: {got:?}");
        let seen = ask(&site, "GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").body;
        assert!(seen.contains("\"good\":false") && seen.contains("\"outcome\":\""), "{seen}");
    }
    nothing_was_written(&site);
}

#[test]
fn another_release_than_the_one_that_was_asked_for_is_refused() {
    let site = site(Limits::default());
    let token = admitted(&site, &wish(&WORKSHOP.version("4").bundle));
    let got = send(&site, &token, bundle());
    assert!(got.status == 409 && got.body.contains("not the release that was asked for"), "{got:?}");
    nothing_was_written(&site);
    // What was asked for may still come.
    assert_eq!(send(&site, &token, &WORKSHOP.version("4").bundle).status, 200);
}

#[test]
fn what_is_damaged_behind_its_front_or_cut_short_is_not_staged() {
    let site = site(Limits::default());
    let token = admitted(&site, &wish(bundle()));
    let mut damaged = bundle().to_vec();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    assert_eq!(send(&site, &token, &damaged).status, 409);
    assert_eq!(send(&site, &token, &bundle()[..bundle().len() - 20_000]).status, 409);
    assert_eq!(send(&site, &token, &bundle()[..700]).status, 409);
    assert!(site.bench.done.lock().unwrap().is_empty());
    assert_eq!(send(&site, &token, bundle()).status, 200, "the same answer is good for another try");
}

#[test]
fn whoever_was_not_let_in_or_sends_too_much_sends_nothing() {
    let site = site(Limits::default());
    let token = admitted(&site, &wish(bundle()));
    let too_much = |length: usize, token: Option<&str>| {
        let mut visitor = Visitor::enter(&site).unwrap();
        visitor.ask(&request(&site, "PUT /bundle", token, length))
    };
    assert_eq!(too_much(1000, None).status, 401);
    assert_eq!(too_much(1000, Some(&admitted(&site, "roll-back"))).status, 401);
    let refused = too_much(LIMIT as usize + 1, Some(&token));
    assert!(refused.status == 409 && refused.body.contains("at most"), "{refused:?}");
    let chunked = request(&site, "PUT /bundle", Some(&token), 1)
        .replace("Content-Length: 1", "Transfer-Encoding: chunked");
    assert_eq!(ask(&site, &chunked).status, 411);
    nothing_was_written(&site);
}

#[test]
fn an_upload_that_stands_still_is_ended_and_another_one_is_taken() {
    let limits = Limits { slice_time: Duration::from_millis(400), ..Limits::default() };
    let site = site(limits);
    let token = admitted(&site, &wish(bundle()));
    let mut slow = Visitor::enter(&site).unwrap();
    slow.say(request(&site, "PUT /bundle", Some(&token), bundle().len()).as_bytes()).unwrap();
    slow.say(&bundle()[..1000]).unwrap();
    assert_eq!(slow.hear().map(|got| got.status), Some(408));
    // And one that breaks.
    let mut broken = Visitor::enter(&site).unwrap();
    broken.say(request(&site, "PUT /bundle", Some(&token), bundle().len()).as_bytes()).unwrap();
    broken.say(&bundle()[..1000]).unwrap();
    drop(broken);
    let taken = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        let got = send(&site, &token, bundle());
        assert!([200, 401, 503].contains(&got.status), "{got:?}");
        got.status == 200
    });
    assert!(taken);
}
