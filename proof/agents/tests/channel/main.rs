//! Agents that follow a channel: a signed file on a web server, and a place for reports.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cuts;
mod server;
mod site;

use drydock_channel::Wave;
use drydock_config::{Fleet, Reboot};
use drydock_engine::{fleet, live};
use drydock_state::UnixTime;
use site::{NOW, Site};

#[test]
fn a_device_follows_a_channel_and_tells_what_came_of_it() {
    let site = Site::new();
    let mut life = site.device(Fleet::default(), None);
    site.publish(site.document(1, &["2"]));
    life.settle();
    assert_eq!(site.told(&life), ["1 2 good"]);
    assert_eq!((life.running().version.as_str(), site.faults(&life)), ("2", vec![]));
    site.publish(site.document(2, &["3", "2"]));
    life.settle();
    assert_eq!(site.told(&life), ["1 2 good", "2 3 good"]);
    assert_eq!((life.running().version.as_str(), site.faults(&life)), ("3", vec![]));
}

#[test]
fn an_idle_poll_is_one_request_that_brings_nothing() {
    let site = Site::new();
    let mut life = site.device(Fleet::default(), None);
    site.publish(site.document(1, &["1"]));
    let mut agent = None;
    life.turn(&mut agent);
    let before = site.web.shelf().answers.len();
    life.turn(&mut agent);
    let answers = site.web.shelf().answers[before..].to_vec();
    assert_eq!(answers, [("GET /stable.channel".to_owned(), 304)]);
}

#[test]
fn a_release_that_was_not_well_is_told_and_not_tried_again() {
    let site = Site::new();
    let mut life = site.device(Fleet::default(), None);
    life.device.sick = Some("2".into());
    site.publish(site.document(1, &["2"]));
    life.settle();
    site.publish(site.document(2, &["2"]));
    life.settle();
    assert_eq!(site.told(&life), ["1 2 rolled-back"]);
    assert_eq!((life.running().version.as_str(), site.faults(&life)), ("1", vec![]));
}

#[test]
fn nothing_is_begun_while_a_channel_is_halted_or_over_or_not_signed_or_older_than_before() {
    let site = Site::new();
    let mut life = site.device(Fleet::default(), None);
    let halted = drydock_channel::Document { halt: true, ..site.document(5, &["2"]) };
    let expired = drydock_channel::Document {
        expires: UnixTime(NOW.0 - 1),
        made: UnixTime(NOW.0 - 9),
        ..site.document(6, &["2"])
    };
    for document in [halted, expired] {
        site.publish(document);
        life.settle();
        assert_eq!(life.record().fleet.order, None, "{:?}", life.last);
    }
    let refused = |life: &mut drydock_agents::Life<'_>, words: &str| {
        let (round, restarts) = life.turn(&mut None);
        assert!(
            !restarts && round.trouble.as_ref().is_some_and(|why| why.contains(words)),
            "{words}: {round:?}"
        );
        assert_eq!(life.record().fleet.order, None);
    };
    site.publish(site.document(5, &["2"]));
    refused(&mut life, "5");
    let mut tampered = site.signed(&site.document(7, &["2"]));
    let at = tampered.windows(4).position(|four| four == b"\"2\",").unwrap();
    tampered[at + 1] = b'3';
    site.put(tampered);
    refused(&mut life, "signature");
    let document = site.document(8, &["2"]).to_bytes();
    site.put(document);
    refused(&mut life, "sign");
    site.web.shelf().files.clear();
    refused(&mut life, "404");
    assert_eq!(site.told(&life), Vec::<String>::new());
}

#[test]
fn a_device_waits_for_its_wave() {
    let site = Site::new();
    let mut life = site.device(Fleet::default(), None);
    let waves = |from: u64| {
        let mut document = site.document(from, &["2"]);
        document.releases[0].waves = vec![Wave { share: 10_000, from: UnixTime(NOW.0 + 7200 - from * 3600) }];
        document
    };
    site.publish(waves(1));
    life.settle();
    assert_eq!(life.running().version, "1");
    assert!(life.last.as_ref().unwrap().doing.contains("is meant from"), "{:?}", life.last);
    site.publish(waves(2));
    life.settle();
    assert_eq!(site.told(&life), ["2 2 good"]);
}

#[test]
fn what_the_channel_does_not_mean_any_more_is_given_up_while_it_waits() {
    let site = Site::new();
    let mut life = site.device(Fleet { reboot: Reboot::Ask, ..Fleet::default() }, None);
    site.publish(site.document(1, &["2"]));
    life.settle();
    assert!(life.record().intent.is_some());
    site.publish(drydock_channel::Document { halt: true, ..site.document(2, &["2"]) });
    life.settle();
    assert_eq!((life.record().intent, life.record().fleet.order), (None, None));
    site.publish(site.document(3, &["2"]));
    life.settle();
    life.device.live(|machine| fleet::answer(machine, true)).unwrap();
    life.settle();
    assert_eq!(site.told(&life), ["3 2 good"]);
}

#[test]
fn what_a_person_takes_back_is_not_staged_again() {
    let site = Site::new();
    let mut life = site.device(Fleet { reboot: Reboot::Ask, ..Fleet::default() }, None);
    site.publish(site.document(1, &["2"]));
    life.settle();
    life.device.live(live::cancel).unwrap();
    life.settle();
    assert_eq!(life.record().intent, None);
    assert_eq!(site.told(&life), ["1 2 cancelled"]);
}

#[test]
fn reports_are_kept_while_nobody_takes_them() {
    let site = Site::new();
    let mut life = site.device(Fleet::default(), None);
    site.publish(site.document(1, &["2"]));
    site.web.shelf().deaf = true;
    for _ in 0..4 {
        let (_, restarts) = life.turn(&mut None);
        if restarts {
            life.boot();
        }
    }
    assert_eq!(life.running().version, "2");
    assert_eq!(life.record().fleet.unsent.len(), 1);
    assert!(life.last.as_ref().unwrap().trouble.is_some());
    site.web.shelf().deaf = false;
    life.settle();
    assert_eq!(site.told(&life), ["1 2 good"]);
    assert_eq!(site.faults(&life), Vec::<String>::new());
}
