//! Two commands at once, in every order of their steps: each comes out as if they had come one after the other.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{MOMENTS, WORKSHOP};
use drydock_engine::context::RunningSet;
use drydock_engine::live;
use drydock_engine::state::{Seen, Trust};
use drydock_engine::update::Look;
use drydock_simulator::contents::Contents;
use drydock_simulator::device::SimDevice;
use drydock_simulator::machine::SimMachine;
use drydock_simulator::schedule::{Order, Process, Reads, Schedule};
use drydock_simulator::truth;
use drydock_state::grub::Grub;
use drydock_state::{Bootloader, MaybeDigest, Observed, Record, Replica, SetName, Source};
use std::collections::BTreeSet;

/// A command of the live system; it tells what it has told the caller.
type Command = fn(&SimMachine<'_>) -> String;

const B: SetName = SetName::B;

fn told<T: std::fmt::Debug>(outcome: Result<T, drydock_engine::Error>) -> String {
    match outcome {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("refused: {error}"),
    }
}

fn stage(machine: &SimMachine<'_>, version: &str) -> String {
    told(live::stage(machine, Source::Data { path: format!("{version}.drydock") }, Look::Quick))
}

fn running() -> RunningSet {
    RunningSet { set: B, root_hash: MaybeDigest::None, version: "2".into(), degraded: false }
}

/// Every command that changes something.
const WRITERS: [(&str, Command); 9] = [
    ("stage 3", |machine| stage(machine, "3")),
    ("stage 4", |machine| stage(machine, "4")),
    ("cancel", |machine| told(live::cancel(machine))),
    ("mark-good", |machine| told(live::mark_good(machine, &running()))),
    ("mark-bad", |machine| told(live::mark_bad(machine, B, B))),
    ("rollback", |machine| told(live::roll_back(machine, B))),
    ("factory-reset", |machine| told(live::factory_reset(machine))),
    ("wipe", |machine| told(live::wipe(machine, "logs"))),
    ("settle", |machine| told(live::settle(machine, B))),
];

/// What two commands told, and what is on the disk after them.
type Outcome = ([String; 2], Record, Observed);

fn left(device: &SimDevice<'_>) -> (Record, Observed) {
    let replicas = truth::replicas(&WORKSHOP, &device.disk);
    let [Replica::Valid { sequence: a, record }, Replica::Valid { sequence: b, record: other }] = replicas
    else {
        panic!("the state is not whole: {replicas:?}")
    };
    assert_eq!((a, &record), (b, &other), "the replicas differ");
    let env = Grub::open(WORKSHOP.partition(&device.disk, "bootenv").unwrap()).unwrap();
    (*record, env.observe().unwrap())
}

/// One after the other: which of the two comes first is given.
fn in_turn(contents: &Contents, commands: [Command; 2], first: usize) -> Outcome {
    let device = SimDevice::new(&WORKSHOP, contents.clone());
    let mut answers = [String::new(), String::new()];
    for index in [first, 1 - first] {
        answers[index] = device.live(|machine| commands[index](machine));
    }
    let (record, env) = left(&device);
    (answers, record, env)
}

/// At once, in this order of their steps. Also says how many steps each has taken.
fn at_once(contents: &Contents, commands: [Command; 2], reads: Reads, order: Order) -> (Outcome, [usize; 2]) {
    let device = SimDevice::new(&WORKSHOP, contents.clone());
    let run = |process: Process, command: Command| {
        let machine = device.machine().seen_by(process.clone(), reads);
        // The other one would wait for ever for one that panics before its end.
        let answer = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| command(&machine)));
        (answer, process.end())
    };
    let [one, other] = Schedule::begin(order);
    let ((a, steps_a), (b, steps_b)) = std::thread::scope(|scope| {
        let one = scope.spawn(|| run(one, commands[0]));
        let other = run(other, commands[1]);
        (one.join().unwrap(), other)
    });
    let (record, env) = left(&device);
    (([a, b].map(|answer| answer.expect("no command panics")), record, env), [steps_a, steps_b])
}

/// Every order with two changes of turn: any number of steps of the one, then any number of the other's. Where one waits
/// for the lock the other goes on, so there are more changes than that.
fn orders(
    contents: &Contents,
    commands: [Command; 2],
    reads: Reads,
    mut each: impl FnMut(Outcome, Order),
) -> usize {
    let mut count = 0;
    for first in 0..2 {
        let mut before = 0;
        loop {
            let (mut turn, mut longest) = (1, [0; 2]);
            loop {
                let order = Order { first, before, turn };
                let (outcome, steps) = at_once(contents, commands, reads, order);
                each(outcome, order);
                count += 1;
                longest = [longest[0].max(steps[0]), longest[1].max(steps[1])];
                turn += 1;
                if turn > longest[1 - first] {
                    break;
                }
            }
            before += 1;
            if before > longest[first] {
                break;
            }
        }
    }
    count
}

#[test]
fn whatever_two_commands_do_at_once_nothing_acknowledged_is_lost_and_nothing_is_told_twice() {
    // Version 2 runs in set b: on trial, or good with an update staged.
    let mut count = 0;
    for (name, contents) in
        [("on trial", &MOMENTS.installed), ("with an update staged", &MOMENTS.staged_again)]
    {
        for (one, first) in WRITERS {
            for (other, second) in WRITERS.into_iter().filter(|(other, _)| *other >= one) {
                let commands = [first, second];
                let serial = [in_turn(contents, commands, 0), in_turn(contents, commands, 1)];
                count += orders(contents, commands, Reads::Free, |outcome, order| {
                    assert!(
                        serial.contains(&outcome),
                        "{name}, {one} and {other}, {order:?}: {outcome:?}\nis neither {serial:?}"
                    );
                });
            }
        }
    }
    assert!(count > 10_000, "only {count} orders were tried");
}

#[test]
fn who_only_looks_sees_the_old_or_the_new_state_and_writes_nothing() {
    let status: Command = |machine| {
        let seen = Seen::look(machine).unwrap();
        assert_eq!(seen.trust, Trust::Whole);
        serde_json::to_string(&seen.record).unwrap()
    };
    for (name, writer) in WRITERS {
        let contents = &MOMENTS.installed;
        let old = in_turn(contents, [status, writer], 0);
        let new = in_turn(contents, [status, writer], 1);
        // `mark-good` and the like write more than once.
        let mut seen = BTreeSet::new();
        orders(contents, [status, writer], Reads::Step, |(answers, record, env), order| {
            assert_eq!(
                (&record, &env),
                (&old.1, &old.2),
                "{name}, {order:?}: the reader has changed something"
            );
            let found: Record = serde_json::from_str(&answers[0]).unwrap();
            assert!(found.history.len() >= serde_json::from_str::<Record>(&old.0[0]).unwrap().history.len());
            seen.insert(answers[0].clone());
        });
        assert!(seen.contains(&old.0[0]) && seen.contains(&new.0[0]), "{name}");
    }
}
