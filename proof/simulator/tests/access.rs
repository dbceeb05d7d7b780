//! Technicians are let in by key: each use is in the record before anything is done, whenever the power is cut, and the
//! history says who it was.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::technicians::{configured, key, public, signed};
use common::{MOMENTS, WORKSHOP};
use drydock_access::{
    Admitted, Answer, Door, Error as Refusal, Hash, Place, Request, SshSignature, Verb, Why,
};
use drydock_config::{Access, Service, ServiceKey, View};
use drydock_engine::Error;
use drydock_engine::machine::Machine;
use drydock_engine::service::access::{admit, ask, door, needs_key};
use drydock_fixtures::Random;
use drydock_simulator::contents::Contents;
use drydock_simulator::cut::{Choice, Replay};
use drydock_simulator::device::SimDevice;
use drydock_simulator::disk::Op;
use drydock_state::{Entry, Outcome};
use ed25519_dalek::Signer;
use std::sync::Mutex;
use std::time::Duration;

const CONSOLE: Place = Place::Console(0);
const NOW: Duration = Duration::from_secs(100);

/// A device with these keys. Its clock, which is of 2023, can't be right.
fn device(contents: &Contents, keys: Vec<ServiceKey>) -> SimDevice<'static> {
    let mut device = SimDevice::new(&WORKSHOP, contents.clone());
    device.config.service = Some(Service { keys, ..Service::default() });
    device
}

fn wipe() -> Request {
    Request::new(Verb::Wipe, "logs").unwrap()
}

/// Asks, signs and answers.
fn try_it(
    machine: &impl Machine,
    door: &Mutex<Door>,
    seed: u8,
    request: &Request,
) -> Result<Admitted, Error> {
    let challenge = ask(machine, door, CONSOLE, request.clone(), NOW)?;
    let signature = signed(seed, &challenge);
    admit(machine, door, CONSOLE, request, &Answer::to_text(&signature).unwrap(), NOW)
}

/// The same, from the start of the device.
fn start_and_try(device: &SimDevice, seed: u8) -> Result<Admitted, Error> {
    let machine = device.machine();
    let door = Mutex::new(door(&machine, "pump-7".into()));
    try_it(&machine, &door, seed, &wipe())
}

fn used(device: &SimDevice) -> u32 {
    device.record().unwrap().service.used(&public(1).id().to_string())
}

fn last(device: &SimDevice) -> Entry {
    device.record().unwrap().history.last().unwrap().clone()
}

fn is_used_up(result: Result<Admitted, Error>) -> bool {
    matches!(result, Err(Error::Access(Refusal::NotAllowed { why: Why::UsedUp(1), .. })))
}

#[test]
fn every_use_is_in_the_history_with_the_keys_name() {
    let device =
        device(&MOMENTS.first, vec![configured(1, None, None, Some(2)), configured(2, None, None, None)]);
    let admitted = start_and_try(&device, 1).unwrap();
    assert_eq!((admitted.key_name.as_str(), admitted.counted), ("key-1", Some((1, 2))));
    let entry = last(&device);
    assert_eq!(
        (entry.outcome, entry.reason.as_str()),
        (Outcome::Admitted, "wipe logs, by the key `key-1`, use 1 of 2")
    );
    assert_eq!(start_and_try(&device, 2).unwrap().counted, None);
    assert_eq!(last(&device).reason, "wipe logs, by the key `key-2`");
    assert_eq!(used(&device), 1);
}

#[test]
fn who_has_signed_and_may_not_is_in_the_history_too() {
    let keys = vec![
        configured(1, None, None, Some(1)),
        configured(2, Some(&["install"]), None, None),
        configured(3, None, Some("2027-06-30"), None),
    ];
    let device = device(&MOMENTS.first, keys);
    start_and_try(&device, 1).unwrap();
    for (seed, why) in [(1, "as often as it may"), (2, "not for that"), (3, "clock can't be right")] {
        let said = start_and_try(&device, seed).unwrap_err().to_string();
        let entry = last(&device);
        assert_eq!((entry.outcome, &entry.reason), (Outcome::TurnedAway, &said));
        assert!(said.contains(&format!("key-{seed}")) && said.contains(why), "{said}");
    }
    assert_eq!(used(&device), 1);
}

#[test]
fn a_cut_of_power_at_any_moment_leaves_no_uncounted_use() {
    let device = device(&MOMENTS.first, vec![configured(1, None, None, Some(1))]);
    start_and_try(&device, 1).unwrap();
    let log = device.disk.log();
    let (mut states, mut counted) = (0, 0);
    let mut random = Random::new(1);
    let mut replay = Replay::new(device.disk.start(), WORKSHOP.setup.sector);
    for cut in 0..=log.len() {
        if cut > 0 {
            replay.play(&log[cut - 1]);
        }
        for choice in Choice::all(replay.flight(), 32, &mut random) {
            states += 1;
            let after = device.again(replay.contents(choice), None);
            // After the last entry of the log it was said that he may.
            let was_admitted = cut == log.len();
            if used(&after) == 0 {
                assert!(!was_admitted, "a use was not counted");
                start_and_try(&after, 1).unwrap();
            } else {
                counted += 1;
            }
            assert_eq!(used(&after), 1, "cut {cut}, {choice}");
            assert!(is_used_up(start_and_try(&after, 1)), "cut {cut}, {choice}");
            assert_eq!(after.record().unwrap().sets, device.record().unwrap().sets);
        }
    }
    assert!(states > 12 && counted > 5 && counted < states, "{counted} of {states}");
}

#[test]
fn the_proof_of_that_fails_where_nothing_is_flushed() {
    let device = device(&MOMENTS.first, vec![configured(1, None, None, Some(1))]);
    start_and_try(&device, 1).unwrap();
    let lost = |plays: fn(&&Op) -> bool| {
        let mut replay = Replay::new(device.disk.start(), WORKSHOP.setup.sector);
        device.disk.log().iter().filter(plays).for_each(|op| replay.play(op));
        let choices = Choice::all(replay.flight(), 32, &mut Random::new(1));
        choices.into_iter().any(|choice| used(&device.again(replay.contents(choice), None)) == 0)
    };
    assert!(!lost(|_| true));
    assert!(lost(|op| !matches!(op, Op::Flush(_))));
}

#[test]
fn nobody_is_admitted_while_the_count_can_not_be_written() {
    let device = device(&MOMENTS.first, vec![configured(1, None, None, Some(1))]);
    device.disk.turn_read_only();
    assert!(start_and_try(&device, 1).is_err());
    assert_eq!(used(&device), 0);
}

#[test]
fn a_key_that_a_new_release_does_not_have_any_more_lets_nobody_in() {
    let mut device =
        device(&MOMENTS.first, vec![configured(1, None, None, None), configured(2, None, None, None)]);
    start_and_try(&device, 1).unwrap();
    device.config.service.as_mut().unwrap().keys.remove(0);
    assert!(matches!(start_and_try(&device, 1), Err(Error::Access(Refusal::UnknownKey))));
    start_and_try(&device, 2).unwrap();
}

#[test]
fn wrong_answers_are_in_the_history_summed_up() {
    let device = device(&MOMENTS.first, vec![configured(1, None, None, None)]);
    let machine = device.machine();
    let door = Mutex::new(door(&machine, "pump-7".into()));
    let mut now = NOW;
    for _ in 0..100 {
        ask(&machine, &door, CONSOLE, wipe(), now).unwrap();
        let other = key(2).sign(b"x").to_bytes();
        let wrong = SshSignature {
            key: *public(1).as_bytes(),
            hash: Hash::Sha512,
            reserved: vec![],
            signature: other,
        };
        let said = admit(&machine, &door, CONSOLE, &wipe(), &wrong.to_armor(), now);
        assert!(matches!(said, Err(Error::Access(Refusal::Wrong { .. }))), "{said:?}");
        now += Duration::from_secs(61);
    }
    let history = device.record().unwrap().history;
    let told: Vec<_> = history.iter().filter(|entry| entry.outcome == Outcome::TurnedAway).collect();
    let reasons: Vec<_> = told.iter().map(|entry| entry.reason.split(' ').next().unwrap()).collect();
    assert_eq!(reasons, ["5", "10", "20", "40", "80"]);
    assert_eq!(told[0].reason, "5 wrong answers since the start");
}

#[test]
fn keys_are_asked_for_as_the_configuration_says_and_without_one_always() {
    let mut device = device(&MOMENTS.first, vec![configured(1, None, None, None)]);
    let mut needs = |access, view| {
        device.config.service.as_mut().unwrap().access = access;
        device.config.service.as_mut().unwrap().view = view;
        [Verb::View, Verb::Logs, Verb::Install, Verb::Power].map(|verb| needs_key(&device.config, verb))
    };
    assert_eq!(needs(Access::Keys, View::Free), [false, false, true, true]);
    assert_eq!(needs(Access::Keys, View::Keys), [true; 4]);
    assert_eq!(needs(Access::Open, View::Free), [false; 4]);
    device.config.service = None;
    assert!(Verb::ALL.iter().all(|verb| needs_key(&device.config, *verb)));
    assert!(matches!(start_and_try(&device, 1), Err(Error::Access(Refusal::UnknownKey))));
}

#[test]
fn whoever_sets_the_network_up_is_asked_for_a_key_and_whoever_looks_at_links_is_not() {
    let device = device(&MOMENTS.first, vec![configured(1, None, None, None)]);
    let seen = device.attend(&["9", "3", "2", "1", "nonsense", "0"]);
    let text = seen.on(0);
    for shown in ["2 eth1", "Network over eth1", "Have this line signed", " network eth1%20dhcp "] {
        assert!(text.contains(shown), "`{shown}` is not in:\n{text}");
    }
    assert!(!text.contains("It works"), "{text}");
}
