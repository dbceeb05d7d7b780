//! The menu on the consoles, on simulated devices: all that it can do, two consoles at once, noise, and cuts of power.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{MOMENTS, WORKSHOP, damage};
use drydock_engine::recover::{Next, Reason};
use drydock_simulator::contents::Contents;
use drydock_simulator::device::{Boot, End, SimDevice};
use drydock_simulator::machine::{Said, Visit};
use drydock_simulator::operations::{Operation, op};
use drydock_simulator::proof::{Depth, Proof};
use drydock_simulator::visited::Seen;
use drydock_state::{Outcome, SetName, SetStatus};

/// A device with a menu.
fn device(contents: &Contents) -> SimDevice<'static> {
    SimDevice::new(&WORKSHOP, contents.clone()).with_menu()
}

/// A device that runs version 2 in set b, with version 1 in set a.
fn second() -> SimDevice<'static> {
    device(&MOMENTS.second)
}

fn bundle(version: &str) -> &'static [u8] {
    &WORKSHOP.version(version).bundle
}

fn last(device: &SimDevice) -> Outcome {
    device.record().unwrap().history.last().unwrap().outcome.clone()
}

/// What was typed had these words shown on the first console.
fn shows(seen: &Seen, words: &[&str]) {
    let text = seen.on(0);
    for word in words {
        assert!(text.contains(word), "`{word}` is not in:\n{text}");
    }
}

#[test]
fn without_an_entry_the_device_goes_on_as_it_would_have() {
    let device = second();
    let before = device.disk.view();
    let seen = device.attend(&[]);
    assert_eq!(seen.boot, Boot::Recovered(Next::Reboot(SetName::B)));
    shows(&seen, &["simulated-pump, in recovery", "set b: 2 good, first", "Goes on by itself in 60 s."]);
    assert_eq!(device.record().unwrap().history, device.again(before, None).record().unwrap().history);
    assert_eq!(device.run(), End::Up(SetName::B));
    assert_eq!(device.violations(), Vec::<String>::new());
}

#[test]
fn without_a_menu_in_the_configuration_nobody_is_asked() {
    let device = SimDevice::new(&WORKSHOP, MOMENTS.second.clone());
    let seen = device.attend(&["5", "back"]);
    assert_eq!((seen.boot, seen.shown), (Boot::Recovered(Next::Reboot(SetName::B)), Vec::new()));
    assert_eq!(last(&device), Outcome::MarkedGood);
}

#[test]
fn a_job_is_done_without_a_menu() {
    let device = device(&MOMENTS.staged);
    let seen = device.attend(&["5", "back"]);
    assert_eq!((seen.boot, seen.shown), (Boot::Recovered(Next::Reboot(SetName::B)), Vec::new()));
    assert_eq!(last(&device), Outcome::Installed);
}

#[test]
fn status_history_and_log_are_shown() {
    let device = second();
    let seen = device.attend(&["1", "0", "2", "1", "0", "0", "3", "9", "0", "0"]);
    shows(
        &seen,
        &[
            "last good b",
            "nothing waits",
            "1 2023-",
            "marked-good",
            "What this recovery has told (1 of 1)",
            "set b: 2 (good)",
        ],
    );
    assert_eq!(seen.boot, Boot::Recovered(Next::Reboot(SetName::B)));
}

#[test]
fn a_bundle_from_a_stick_is_installed_by_choice() {
    let device = second();
    let sticks: &[&[(&str, &[u8])]] = &[
        &[("a.drydock", bundle("1")), ("b.drydock", bundle("3"))],
        &[("\u{1b}[2Jevil.drydock", b"no bundle"), ("b.drydock", bundle("4"))],
    ];
    // Version 4 is in a file of the same name on another stick.
    let lines = ["4", "1", "3", "0", "4", "1", "4", "install"];
    let seen = device.visit(Visit::typing(&lines).bringing(sticks), Reason::Asked);
    shows(
        &seen,
        &[
            "1 - a.drydock on stick 0: the bundle's security version 1 is",
            "2 3, newer",
            "3 - ?[2Jevil.drydock",
            "4 4, newer",
            "Install version 4?",
        ],
    );
    assert_eq!(seen.boot, Boot::Recovered(Next::Reboot(SetName::A)));
    assert_eq!(last(&device), Outcome::Installed);
    assert_eq!(device.record().unwrap().sets.a.version, "4");
    assert!(seen.told.iter().any(|line| line.contains("at the console ttyS0: Install version 4")));
    assert_eq!(device.run(), End::Up(SetName::A));
    assert_eq!(device.violations(), Vec::<String>::new());
}

#[test]
fn a_bundle_from_data_is_installed_by_choice() {
    let device = second();
    let seen = device.attend(&["4", "2", "3", "install"]);
    shows(&seen, &["3 3, newer", "Install version 3?", "Into set a; it is newer"]);
    assert_eq!(device.record().unwrap().sets.a.version, "3");
    assert_eq!(device.run(), End::Up(SetName::A));
}

#[test]
fn a_bundle_that_fails_leaves_the_device_in_the_menu() {
    let mut device = second();
    let mut damaged = bundle("3").to_vec();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    device.bundles.insert("3.drydock".into(), std::sync::Arc::new(damaged));
    let seen = device.attend(&["4", "2", "3", "install", "0", "1"]);
    shows(&seen, &["failed", "set b: 2 good, first"]);
    assert_eq!((last(&device), device.run()), (Outcome::Failed, End::Up(SetName::B)));
}

#[test]
fn rolling_back_and_marking_bad_need_their_words() {
    let device = second();
    let seen = device.attend(&["5", "yes", "back", "0", "0"]);
    shows(&seen, &["Then set a: 1 good is first.", "Set a is first now."]);
    assert_eq!((seen.boot, last(&device)), (Boot::Recovered(Next::Reboot(SetName::A)), Outcome::RolledBack));
    assert_eq!(device.run(), End::Up(SetName::A));

    let device = second();
    let seen = device.attend(&["6", "2", "bad", "0", "6", "1", "bad"]);
    shows(&seen, &["Set a is first now.", "set b can't take over: it is marked bad"]);
    assert_eq!((last(&device), device.run()), (Outcome::MarkedBad, End::Up(SetName::A)));
}

#[test]
fn a_factory_reset_and_a_wipe_are_done_at_once() {
    let device = device(&MOMENTS.first);
    let seen = device.attend(&["8", "1", "wipe", "0", "7", "reset"]);
    shows(&seen, &["Wipe the partition logs?", "wiped", "ALL DATA ON THIS DEVICE WILL BE LOST"]);
    let history = device.record().unwrap().history;
    let did = |outcome| history.iter().any(|entry| entry.outcome == outcome);
    assert!(did(Outcome::Wiped) && did(Outcome::Reset), "{history:?}");
    assert!(matches!(device.run(), End::Up(_)));
}

#[test]
fn checks_and_what_is_taken_away_change_nothing() {
    let device = second();
    let before = device.record().unwrap();
    let lines = ["10", "1", "0", "10", "2", "0", "10", "3", "0", "9", "1", "0", "11", "1", "0"]
        .map(|line| Said::at(0, line));
    let visit = Visit::new(lines).bringing(&[&[]]);
    let seen = device.visit(visit, Reason::Asked);
    shows(
        &seen,
        &[
            "MiB were read without an error",
            "MiB of memory hold what they are given",
            "this machine can't ask its disk",
            "without the feature `network`",
            "drydock-simulated-pump-1700000000.tar on stick 0",
        ],
    );
    assert_eq!(device.record().unwrap(), before);
}

#[test]
fn somebody_at_the_same_console_can_stop_a_check_and_nobody_else_can() {
    let device = second();
    let lines =
        [Said::at(0, "10"), Said::at(0, "1"), Said::at(1, "").while_busy(), Said::at(0, "").while_busy()];
    let seen = device.visit(Visit::new(lines), Reason::Asked);
    shows(&seen, &["Stopped. "]);
    assert!(seen.on(1).contains("Somebody else is busy"));
}

#[test]
fn power_is_switched_as_asked() {
    let device = second();
    let seen = device.attend(&["12", "off"]);
    assert_eq!(seen.boot, Boot::Recovered(Next::Stay("somebody has asked for it".into())));
    let seen = device.attend(&["13", "restart", "5", "back"]);
    assert_eq!(seen.boot, Boot::Recovered(Next::Reboot(SetName::B)));
    assert_eq!(device.run(), End::Up(SetName::B));
}

#[test]
fn each_console_has_a_dialogue_of_its_own() {
    let device = second();
    // What the second console confirms was never asked there; its number belongs to its own screen.
    let lines = [Said::at(0, "5"), Said::at(1, "back"), Said::at(1, "1"), Said::at(0, "0"), Said::at(1, "0")];
    let seen = device.visit(Visit::new(lines), Reason::Asked);
    assert!(seen.on(0).contains("Roll back to the other set?") && !seen.on(1).contains("Roll back to"));
    assert!(seen.on(1).contains("last good b") && !seen.on(0).contains("last good b"));
    assert_eq!(last(&device), Outcome::MarkedGood);
}

#[test]
fn what_two_consoles_ask_for_is_done_once() {
    let device = second();
    let lines = [Said::at(0, "5"), Said::at(1, "5"), Said::at(0, "back"), Said::at(1, "back")];
    let seen = device.visit(Visit::new(lines), Reason::Asked);
    assert!(seen.on(0).contains("Set a is first now."));
    assert!(seen.on(1).contains("changed from elsewhere meanwhile"));
    let history = device.record().unwrap().history;
    assert_eq!(history.iter().filter(|entry| entry.outcome == Outcome::RolledBack).count(), 1);
    assert_eq!(device.record().unwrap().first_set(), SetName::A);
}

#[test]
fn noise_does_nothing_and_keeps_no_device_for_ever() {
    let device = second();
    let noise = (0..500).map(|n: u32| Said::at(0, [n as u8, 0xff, b'5', (n * 7) as u8]));
    let seen = device.visit(Visit::new(noise), Reason::Asked);
    assert_eq!(seen.boot, Boot::Recovered(Next::Reboot(SetName::B)));
    assert!(seen.shown.len() < 100, "{}", seen.shown.len());
    assert_eq!(last(&device), Outcome::MarkedGood);
}

#[test]
fn a_device_that_can_start_nothing_has_a_menu_and_looks_for_a_rescue_meanwhile() {
    let contents = {
        let device = SimDevice::new(&WORKSHOP, MOMENTS.first.clone());
        device.change(|record| record.sets.a.status = SetStatus::Bad);
        // Nothing is in the factory's partition either.
        damage(&device.disk.view(), "factory", 0, &[0; 4096])
    };
    let device = device(&contents);
    let seen = device.visit(Visit::typing(&["1"]), Reason::Fallback);
    shows(&seen, &["no set is bootable", "set a: 1 bad"]);
    // The file that is looked for comes on a stick.
    let rescued =
        device.visit(Visit::default().bringing(&[&[("rescue.drydock", bundle("2"))]]), Reason::Fallback);
    assert!(matches!(rescued.boot, Boot::Rescued(_)), "{:?}", rescued.boot);
    assert!(matches!(device.run(), End::Up(_)));

    // Another one is chosen by hand.
    let device = SimDevice::new(&WORKSHOP, contents).with_menu();
    let visit = Visit::typing(&["4", "1", "1", "install"]).bringing(&[&[("other.drydock", bundle("2"))]]);
    let seen = device.visit(visit, Reason::Fallback);
    assert!(matches!(seen.boot, Boot::Recovered(Next::Reboot(_))), "{:?}", seen.boot);
    assert!(matches!(device.run(), End::Up(_)));
}

#[test]
fn a_network_that_is_set_up_by_hand_is_tested_and_kept_until_the_recovery_ends() {
    let device = second();
    let before = device.disk.view();
    // Noise and what no machine can have are asked for again.
    let typed = ["9", "3", "2", "2", "10.1.2.3", "10.1.2.3/16", "10.2.0.1", "10.1.0.1", "10.1.0.53", "0"];
    let seen = device.attend(&[&typed[..], &["9", "1", "0", "9", "4", "0", "9", "1", "0"]].concat());
    shows(
        &seen,
        &[
            "Network, as the configuration says",
            "1 eth0            02:00:00:00:00:01 connected",
            "2 eth1            02:00:00:00:00:02 nothing connected",
            "Network over eth1, until this recovery ends",
            "It works. eth1 10.1.2.3/16 via 10.1.0.1 dns 10.1.0.53",
            "Network by hand: eth1 10.1.2.3/16 via 10.1.0.1 dns 10.1.0.53",
            "The network is as the configuration says again.",
            "without the feature `network`",
        ],
    );
    assert!(seen.told.iter().any(|line| line.contains("set up by hand, until this recovery ends: eth1")));
    // Nothing of it is written: all that is as after a visit of somebody who does nothing.
    let history = device.record().unwrap().history;
    assert_eq!(history, device.again(before, None).record().unwrap().history);
    let seen = device.attend(&["9", "3", "1", "1", "0"]);
    shows(&seen, &["It works. eth0 dhcp"]);
}

/// Installs by the menu, and does what else changes the device by it, with the power cut at every write.
#[test]
fn what_the_menu_starts_survives_every_cut() {
    let install = |device: &SimDevice| {
        device.attend(&["4", "2", "3", "install"]);
        device.run();
    };
    let roll_back = |device: &SimDevice| {
        device.attend(&["5", "back", "0", "0"]);
        device.run();
    };
    let wipe = |device: &SimDevice| {
        device.attend(&["8", "1", "wipe", "0", "0"]);
        device.run();
    };
    let reset = |device: &SimDevice| {
        device.attend(&["7", "reset"]);
        device.run();
    };
    let mut without_slots = device(&MOMENTS.first);
    without_slots.config.factory_reset.restore_slots = false;
    let operations = [
        Operation { expect: |_| &["2", "3"], ..operation("menu-install", second(), install) },
        Operation {
            expect: |_| &["1", "2"],
            story: &[Outcome::RolledBack],
            unless: "2",
            ..operation("menu-roll-back", second(), roll_back)
        },
        Operation {
            story: &[Outcome::Wiped],
            stages: true,
            ..operation("menu-wipe", device(&MOMENTS.first), wipe)
        },
        Operation {
            story: &[Outcome::Reset],
            stages: true,
            thin: 4,
            ..operation("menu-reset", without_slots, reset)
        },
    ];
    for operation in &operations {
        let depth = Depth { thin: 24, samples: 1, second: 0, seldom: 1, threads: 1, swallow: None };
        let findings = Proof::new(operation, depth).run(1);
        assert!(findings.failures.is_empty(), "{}: {:?}", operation.name, findings.failures.first());
        assert!(findings.cuts > 10, "{}: {} cuts", operation.name, findings.cuts);
    }
}

fn operation<'f>(name: &'static str, device: SimDevice<'f>, run: fn(&SimDevice)) -> Operation<'f> {
    op(name, device, run, |_| &["1"])
}
