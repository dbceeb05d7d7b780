//! Hooks and gates on a simulated device: what they are told, what their answers lead to, and what the history says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{MOMENTS, WORKSHOP, told};
use drydock_config::{Gate, HookPlace};
use drydock_engine::event::Event;
use drydock_engine::live;
use drydock_engine::machine::Ended;
use drydock_engine::recover::{self, Reason};
use drydock_engine::state::State;
use drydock_simulator::device::{Boot, End, SimDevice};
use drydock_simulator::disk::{At, Mark, Op};
use drydock_simulator::operations;
use drydock_simulator::proof::{Depth, Findings, Proof};
use drydock_simulator::script::file_at;
use drydock_state::{Outcome, SetName};
use serde_json::json;

/// A device on which version 2 is staged, with a gate.
fn gated(gate: serde_json::Value) -> SimDevice<'static> {
    let mut device = SimDevice::new(&WORKSHOP, MOMENTS.staged.clone());
    device.config.gates = vec![serde_json::from_value::<Gate>(gate).unwrap()];
    device
}

fn battery() -> serde_json::Value {
    json!({"name": "battery", "require": {"battery": {"at_least_percent": 30}}})
}

fn charge(device: &mut SimDevice<'_>, percent: &str) {
    let folder = "/sys/class/power_supply/BAT0";
    for (file, text) in [("type", "Battery"), ("capacity", percent)] {
        device.script.files.insert(format!("{folder}/{file}"), text.into());
    }
}

/// Runs the device to its end; the update must have failed with this reason, and nothing was written to the slots.
fn refuses(device: &SimDevice<'_>, reason: &str) {
    assert_eq!(device.run(), End::Up(SetName::A));
    let (outcome, said) = told(device);
    assert_eq!(outcome, Outcome::Failed, "{said}");
    assert!(said.contains(reason), "{said}");
    let view = device.disk.view();
    for (class, set, range) in WORKSHOP.slots() {
        assert!(view.shares(&MOMENTS.staged, &range), "{} was written", set.label(&class.class));
    }
    assert_eq!(device.violations(), Vec::<String>::new());
}

fn installs(device: &SimDevice<'_>) {
    assert_eq!(device.run(), End::Up(SetName::B));
    assert_eq!(told(device).0, Outcome::Installed);
}

#[test]
fn a_gate_says_no_with_what_it_read_before_anything_is_written() {
    let mut device = gated(battery());
    charge(&mut device, "29");
    refuses(&device, "the gate battery says no: the battery has 29 %, 30 % are needed");
    let mut device = gated(battery());
    charge(&mut device, "30");
    installs(&device);
}

#[test]
fn a_gate_that_can_not_find_out_says_no_unless_the_configuration_lets_it_pass() {
    refuses(&gated(battery()), "that can't be found out");
    let mut gate = battery();
    gate["unreadable"] = "pass".into();
    installs(&gated(gate));
}

#[test]
fn a_gate_stands_only_before_the_jobs_that_it_names() {
    let mut gate = battery();
    gate["before"] = json!(["reset", "wipe"]);
    installs(&gated(gate.clone()));
    let mut device = SimDevice::new(&WORKSHOP, MOMENTS.wipe.clone());
    device.config.gates = vec![serde_json::from_value(gate).unwrap()];
    assert_eq!(device.run(), End::Up(SetName::A));
    assert_eq!(told(&device).0, Outcome::Failed);
}

#[test]
fn every_kind_of_gate_reads_what_it_is_about() {
    for (require, path, good, bad) in [
        (json!({"supply": {}}), "/sys/class/power_supply/AC/online", "1", "0"),
        (json!({"supply": {"name": "AC"}}), "/sys/class/power_supply/AC/online", "1", "0"),
        (
            json!({"temperature": {"chip": "cpu", "at_most_celsius": 70}}),
            "/sys/class/hwmon/hwmon1/temp1_input",
            "70000",
            "70001",
        ),
        (json!({"file": {"path": "/sys/machine/state", "is": "idle"}}), "/sys/machine/state", "idle", "busy"),
        (
            json!({"boot-reason": {"not": ["watchdog"]}}),
            "/sys/class/watchdog/watchdog0/bootstatus",
            "0",
            "32",
        ),
        (
            json!({"boot-reason": {"not": ["panic"]}}),
            "/sys/fs/pstore/dmesg-ramoops-0",
            "Oops#1 Part1",
            "Panic#1 Part1",
        ),
    ] {
        for (text, is_good) in [(good, true), (bad, false)] {
            let mut device = gated(json!({"name": "it", "require": require}));
            for (file, text) in [
                ("power_supply/AC/type", "Mains"),
                ("hwmon/hwmon0/name", "disk"),
                ("hwmon/hwmon1/name", "cpu"),
            ] {
                device.script.files.insert(format!("/sys/class/{file}"), text.into());
            }
            device.script.files.insert(path.into(), text.into());
            match is_good {
                true => installs(&device),
                false => refuses(&device, "the gate it says no"),
            }
        }
    }
    let mut device =
        gated(json!({"name": "door", "require": {"gpio": {"chip": "gpiochip0", "line": 4, "high": true}}}));
    device.script.lines.insert(("gpiochip0".into(), 4), false);
    refuses(&device, "line 4 of gpiochip0 is low, it must be high");
    let mut device = gated(json!({"name": "room", "require": {"free-space": {"at_least_mib": 8}}}));
    device.script.free = 8 << 20;
    installs(&device);
    device = gated(json!({"name": "room", "require": {"free-space": {"at_least_mib": 8}}}));
    refuses(&device, "data has 0 MiB left");
    // It is 2023-11-14 22:13 there.
    installs(&gated(json!({"name": "clock", "require": {"clock": {"not_before": "2023-11-14"}}})));
    refuses(&gated(json!({"name": "clock", "require": {"clock": {"not_before": "2023-11-15"}}})), "set it");
    installs(&gated(json!({"name": "night", "require": {"window": {"utc": "22:00-04:30"}}})));
    refuses(&gated(json!({"name": "day", "require": {"window": {"utc": "08:00-16:00"}}})), "it is 22:13 UTC");
}

#[test]
fn a_gate_is_waited_for_as_long_as_it_says_and_tells_so_once() {
    let mut gate = battery();
    gate["wait_seconds"] = 60.into();
    let mut device = gated(gate);
    charge(&mut device, "1");
    let machine = device.machine();
    let mut state = State::open(&machine).unwrap();
    recover::recover(&machine, &mut state, Reason::Asked, None).unwrap();
    let waits = machine.told().iter().filter(|line| line.contains("waiting for up to 60 s")).count();
    assert_eq!(waits, 1, "{:?}", machine.told());
    drop(state);
    refuses(&device, "the battery has 1 %");
}

#[test]
fn what_a_hook_answers_decides_and_its_words_are_events() {
    for (ended, reason) in [
        (Ended::Exit(1), "the hook before-write says no: it ended with 1"),
        (Ended::Exit(75), "it is too early"),
        (Ended::Exit(127), "could not be started"),
        (Ended::Signal(9), "signal 9 ended it"),
        (Ended::Late, "it took longer than 60 s"),
        (Ended::NotRun("no namespace".into()), "it was not run: no namespace"),
    ] {
        let mut device = SimDevice::new(&WORKSHOP, MOMENTS.staged.clone());
        device.config.hooks = vec![file_at(HookPlace::BeforeWrite)];
        device.script.ends.insert("before-write".into(), ended);
        refuses(&device, reason);
    }
    let mut device = SimDevice::new(&WORKSHOP, MOMENTS.staged.clone());
    device.config.hooks = vec![file_at(HookPlace::AfterWrite)];
    device.script.says.insert("after-write".into(), b"all is \x1b[2Jwell\n".to_vec());
    let machine = device.machine();
    let mut state = State::open(&machine).unwrap();
    recover::recover(&machine, &mut state, Reason::Asked, None).unwrap();
    let said = |text: &str| {
        machine.events().iter().any(|event| matches!(event, Event::Said { hook, text: said } if hook == "after-write" && said == text))
    };
    assert!(said("all is ?[2Jwell"), "{:?}", machine.told());
}

#[test]
fn a_hook_that_finds_it_too_early_is_called_again_while_it_may_wait() {
    let mut device = SimDevice::new(&WORKSHOP, MOMENTS.staged.clone());
    device.config.hooks = vec![file_at(HookPlace::BeforeWrite)];
    device.config.hooks[0].wait_seconds = drydock_config::Seconds(30);
    device.script.ends.insert("before-write".into(), Ended::Exit(75));
    refuses(&device, "it is too early");
    let calls =
        device.disk.log().iter().filter(|op| matches!(op, Op::Mark(Mark::HookRan(At::BeforeWrite)))).count();
    assert_eq!(calls, 4);
}

#[test]
fn a_set_that_its_hook_does_not_find_well_is_not_marked_good_and_falls_back() {
    let mut device = SimDevice::new(&WORKSHOP, MOMENTS.installed.clone());
    device.config.hooks = vec![file_at(HookPlace::FirstGood)];
    device.script.ends.insert("first-good".into(), Ended::Exit(1));
    assert_eq!(device.boot(), Boot::Up(SetName::B));
    let running = drydock_engine::context::RunningSet {
        set: SetName::B,
        root_hash: drydock_state::MaybeDigest::None,
        version: "2".into(),
        degraded: false,
    };
    let refused = device.live(|machine| live::mark_good(machine, &running)).unwrap_err().to_string();
    assert!(refused.contains("the hook first-good says no"), "{refused}");
    assert_eq!(device.record().unwrap().last_good, Some(SetName::A));
    device.script.ends.clear();
    assert!(device.live(|machine| live::mark_good(machine, &running)).unwrap().news);
    // From now on nobody is asked.
    device.script.ends.insert("first-good".into(), Ended::Exit(1));
    assert!(!device.live(|machine| live::mark_good(machine, &running)).unwrap().news);
}

#[test]
fn what_goes_wrong_after_a_reset_is_told_and_changes_nothing() {
    let mut device = SimDevice::new(&WORKSHOP, MOMENTS.reset.clone());
    device.config.hooks = vec![file_at(HookPlace::AfterReset)];
    device.script.ends.insert("after-reset".into(), Ended::Exit(3));
    device.run();
    let history = device.record().unwrap().history;
    let reset = history.iter().find(|entry| entry.outcome == Outcome::Reset).unwrap();
    assert!(reset.reason.contains("the hook after-reset says no: it ended with 3"), "{}", reset.reason);
}

/// Cuts everywhere, and at every beginning and end of a hook.
#[test]
fn hooks_are_called_again_after_a_cut_until_their_answer_is_on_record() {
    let depth = Depth { thin: 20, samples: 16, second: 1, seldom: 8, threads: 2, swallow: None };
    let mut all = Findings::default();
    for operation in operations::all(&WORKSHOP) {
        if operation.device.config.hooks.is_empty() {
            continue;
        }
        let proof = Proof::new(&operation, depth);
        let marks = proof.log().iter().filter(|op| matches!(op, Op::Mark(Mark::HookRuns(_)))).count();
        assert!(marks > 0, "{}: no hook was called", operation.name);
        let findings = proof.run(1);
        for (case, failure) in &findings.failures {
            println!("{} {case}\n    {failure}", operation.name);
        }
        all.add(findings);
    }
    println!("{} cuts, {} states, {} devices", all.cuts, all.states.len(), all.runs);
    assert!(all.failures.is_empty());
    assert!(all.states.len() > 100);
}

/// The proof can fail: a device that forgets a hook, or that it was asked, is found out.
#[test]
fn a_hook_that_is_not_called_is_noticed() {
    let depth = Depth { thin: 100, samples: 2, second: 0, seldom: 8, threads: 2, swallow: None };
    for (name, forgotten, noticed) in [
        ("update-with-hooks", HookPlace::BeforeWrite, "BeforeWrite was not called again"),
        ("update-with-hooks", HookPlace::AfterWrite, "AfterWrite was not called"),
        ("mark-good-with-hooks", HookPlace::FirstGood, "nobody was asked"),
        ("wipe-with-hooks", HookPlace::BeforeReset, "BeforeReset was not called again"),
    ] {
        let mut operation = operations::all(&WORKSHOP).into_iter().find(|own| own.name == name).unwrap();
        operation.device.config.hooks.retain(|hook| hook.at != forgotten);
        let findings = Proof::new(&operation, depth).run(1);
        let said: Vec<String> = findings.failures.iter().map(|(_, failure)| failure.to_string()).collect();
        assert!(said.iter().any(|said| said.contains(noticed)), "{name} without {forgotten}: {said:?}");
    }
}
