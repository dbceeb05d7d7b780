//! The page of a recovery that has a menu: it acts, for as long as somebody is listened to.

use crate::bench::{MOMENTS, Served, WORKSHOP, serve};
use crate::visitor::{Got, Visitor, admitted, ask, challenge, post, request, wish};
use drydock_config::Seconds;
use drydock_engine::lan::{Mailbox, summary};
use drydock_engine::recover::{Next, Reason};
use drydock_fixtures::Parts;
use drydock_format::ReadAt;
use drydock_recovery::lan::{Board, Heard, Limits};
use drydock_simulator::device::{Boot, End, SimDevice};
use drydock_simulator::kept::SimKept;
use drydock_simulator::machine::Visit;
use drydock_simulator::uploads::Places;
use drydock_simulator::visited::Seen;
use drydock_state::{Outcome, SetName};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A device in recovery, with its page.
struct Recovery {
    served: Served,
    mailbox: Arc<Mailbox>,
    kept: Arc<SimKept>,
    running: JoinHandle<(Seen, SimDevice<'static>)>,
}

/// One that runs version 2 in set b, with version 1 in set a, and waits this long for somebody.
fn recovery(seconds: u32) -> Recovery {
    let mut device = SimDevice::new(&WORKSHOP, MOMENTS.second.clone());
    let kept = SimKept::new(None);
    Places { data: Some(kept.clone()), memory: None }.read_by(&mut device);
    device.config.service.as_mut().unwrap().idle_seconds = Seconds(seconds);
    let mailbox = Arc::new(Mailbox::new(summary(&device.record().unwrap())));
    let board = Board::new(&device.config, Arc::new(Heard::default()), mailbox.clone());
    let served = serve(Arc::new(board), Limits::default());
    let visit = Visit::typing(&[]).with_page(mailbox.clone(), kept.clone());
    let running = thread::spawn(move || (device.visit(visit, Reason::Asked), device));
    while mailbox.shown().1.is_some() {
        thread::sleep(Duration::from_millis(5));
    }
    Recovery { served, mailbox, kept, running }
}

impl Recovery {
    /// Waits until recovery has ended.
    fn end(self) -> (Seen, SimDevice<'static>) {
        self.running.join().unwrap()
    }

    fn act(&self, wish: &str) -> Got {
        let token = admitted(&self.served, wish);
        post(&self.served, "/act", Some(&token), wish)
    }

    fn send(&self, token: &str, bytes: &[u8]) -> Got {
        let mut visitor = Visitor::enter(&self.served).unwrap();
        let head = request(&self.served, "PUT /bundle", Some(token), bytes.len());
        visitor.say(head.as_bytes()).unwrap();
        // Where it is refused on the way not all of it is taken.
        let _ = visitor.say(bytes);
        visitor.hear().expect("an answer")
    }
}

fn bundle() -> &'static [u8] {
    &WORKSHOP.version("3").bundle
}

fn told(seen: &Seen, what: &str) {
    assert!(seen.told.iter().any(|line| line.contains(what)), "`{what}` is not in {:#?}", seen.told);
}

#[test]
fn a_bundle_that_is_sent_is_installed_at_once_and_the_consoles_tell_of_it() {
    let recovery = recovery(600);
    let token = admitted(&recovery.served, &wish(bundle()));
    let got = recovery.send(&token, bundle());
    assert!(got.status == 200 && got.body.contains("It is installed now, as intent"), "{got:?}");
    let (seen, device) = recovery.end();
    assert_eq!(seen.boot, Boot::Recovered(Next::Reboot(SetName::A)));
    told(&seen, "somebody at the page asks for: install 3");
    told(&seen, "admitted by the key kim");
    told(&seen, "at the page, by the key kim: a bundle is sent");
    told(&seen, "signed and for this device, from the page");
    assert_eq!(device.run(), End::Up(SetName::A));
    let record = device.record().unwrap();
    assert_eq!(record.sets.a.version, "3");
    let reasons: Vec<_> = record.history.iter().map(|entry| entry.reason.as_str()).collect();
    assert!(reasons.iter().any(|why| why.contains("install 3") && why.contains("`kim`")), "{reasons:?}");
    assert_eq!(device.violations(), Vec::<String>::new());
}

#[test]
fn what_is_not_signed_or_not_what_was_asked_for_is_never_written_and_another_try_is() {
    let recovery = recovery(600);
    let token = admitted(&recovery.served, &wish(bundle()));
    let forged = Parts::of(bundle()).edit("\"version\":\"3\"", "\"version\":\"9\"").bytes();
    for (bytes, why) in [
        (&forged[..], "sign"),
        (&WORKSHOP.version("4").bundle[..], "not the release that was asked for"),
        (&WORKSHOP.version("1").bundle, "security version"),
        (&bundle()[..900], "truncated"),
        (b"PK no bundle at all", ""),
    ] {
        let got = recovery.send(&token, bytes);
        assert!(
            got.status == 409 && got.body.contains(why) || got.body.contains("not whole"),
            "{why}: {got:?}"
        );
        assert!(recovery.kept.len().is_err(), "nothing of it is there");
        let seen = ask(&recovery.served, "GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").body;
        assert!(seen.contains("\"good\":false"), "{seen}");
    }
    let mut damaged = bundle().to_vec();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    assert_eq!(recovery.send(&token, &damaged).status, 409);
    // One that breaks off.
    let mut broken = Visitor::enter(&recovery.served).unwrap();
    let head = request(&recovery.served, "PUT /bundle", Some(&token), bundle().len());
    broken.say(head.as_bytes()).unwrap();
    broken.say(&bundle()[..bundle().len() / 2]).unwrap();
    drop(broken);
    let got = std::iter::repeat_with(|| {
        thread::sleep(Duration::from_millis(20));
        let token = admitted(&recovery.served, &wish(bundle()));
        recovery.send(&token, bundle())
    });
    let got = got.take(50).find(|got| got.status == 200);
    assert!(got.is_some_and(|got| got.body.contains("installed now")));
    let (_, device) = recovery.end();
    assert_eq!(device.run(), End::Up(SetName::A));
}

#[test]
fn what_is_done_for_a_word_is_what_the_menu_does() {
    let recovery = recovery(8);
    let before = admitted(&recovery.served, "factory-reset");
    let got = recovery.act("roll-back");
    assert_eq!((got.status, got.body.as_str()), (200, "Set a is first now."));
    let shown = ask(&recovery.served, "GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").body;
    assert!(shown.contains("rolled-back") && shown.contains("\"busy\":null"), "{shown}");
    // What was asked for when the device was another one is not done.
    let got = post(&recovery.served, "/act", Some(&before), "factory-reset");
    assert!(got.status == 409 && got.body.contains("changed meanwhile"), "{got:?}");
    let mailbox = recovery.mailbox.clone();
    let (seen, device) = recovery.end();
    assert_eq!(seen.boot, Boot::Recovered(Next::Reboot(SetName::A)));
    told(&seen, "at the page, by the key kim: Roll back");
    assert!(seen.on(1).matches("in recovery").count() >= 2, "it shows on a console that nobody is at");
    assert!(mailbox.shown().1.is_some_and(|why| why.contains("goes on")));
    assert_eq!(device.record().unwrap().history.last().unwrap().outcome, Outcome::RolledBack);
}

#[test]
fn a_factory_reset_and_a_restart_are_begun_and_said_to_be() {
    let recovery = recovery(600);
    let got = recovery.act("factory-reset");
    assert!(got.status == 200 && got.body.contains("It is done now"), "{got:?}");
    let (_, device) = recovery.end();
    let history = device.record().unwrap().history;
    assert!(history.iter().any(|entry| entry.outcome == Outcome::Reset), "{history:?}");

    let again = self::recovery(600);
    assert_eq!(again.act("restart").body, "The device restarts.");
    let (seen, _) = again.end();
    assert_eq!(seen.boot, Boot::Recovered(Next::Reboot(SetName::B)));
}

#[test]
fn whoever_only_asks_keeps_no_device_in_its_menu() {
    let recovery = recovery(3);
    let mut asked = 0;
    while recovery.mailbox.shown().1.is_none() {
        challenge_if_it_listens(&recovery);
        asked += 1;
        assert!(asked < 10_000, "it never goes on");
    }
    let (seen, _) = recovery.end();
    assert_eq!(seen.boot, Boot::Recovered(Next::Reboot(SetName::B)));
    let noted = seen.told.iter().filter(|line| line.contains("somebody at the page asks for")).count();
    assert!((1..=10).contains(&noted), "{noted}: a flood fills no console");
}

fn challenge_if_it_listens(recovery: &Recovery) {
    let got = post(&recovery.served, "/ask", None, "restart");
    assert!([200, 409].contains(&got.status), "{got:?}");
    thread::sleep(Duration::from_millis(30));
}

#[test]
fn a_right_answer_counts_as_use_and_a_wrong_one_does_not() {
    let recovery = recovery(600);
    let line = challenge(&recovery.served, "restart");
    assert!(line.contains(" power restart "), "{line}");
    assert_eq!(post(&recovery.served, "/answer", None, "restart\nnonsense").status, 409);
    let got = recovery.act("power-off");
    assert_eq!(got.body, "The device is switched off.");
    let (seen, _) = recovery.end();
    assert_eq!(seen.boot, Boot::Recovered(Next::Stay("somebody has asked for it".into())));
}
