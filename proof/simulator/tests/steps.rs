//! Jobs as lists of steps: what each says of itself, what is told while it runs, and how an end is recorded.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{MOMENTS, WORKSHOP};
use drydock_engine::context::{BootContext, Purpose};
use drydock_engine::event::Event;
use drydock_engine::recover::Reason;
use drydock_engine::story;
use drydock_simulator::contents::Contents;
use drydock_simulator::device::SimDevice;
use drydock_simulator::machine::SimMachine;
use drydock_state::log;
use serde_json::Value;

const RECOVERY: BootContext = BootContext { purpose: Purpose::Recovery(Reason::Asked), copy: None };

fn recovered(contents: &Contents) -> SimMachine<'static> {
    let machine = SimDevice::new(&WORKSHOP, contents.clone()).machine();
    story::boot(&machine, RECOVERY).unwrap();
    machine
}

/// The numbers of the steps of each job, as they were told.
fn numbers(events: &[Event]) -> Vec<(usize, usize)> {
    let step = |event: &Event| match event {
        Event::Step { number, of, .. } => Some((*number, *of)),
        _ => None,
    };
    events.iter().filter_map(step).collect()
}

#[test]
fn every_step_says_what_it_is_for_and_what_is_durable_after_it() {
    for contents in [&MOMENTS.staged, &MOMENTS.staged_again, &MOMENTS.reset, &MOMENTS.wipe] {
        let events = recovered(contents).events();
        let steps: Vec<_> = events.iter().filter(|event| matches!(event, Event::Step { .. })).collect();
        assert!(!steps.is_empty());
        for step in steps {
            let Event::Step { what, why, durable, .. } = step else { unreachable!() };
            assert!(!what.is_empty() && why.len() > 10 && durable.len() > 5, "{step:?}");
        }
    }
}

#[test]
fn an_update_is_a_list_of_steps_that_are_all_told_in_their_order() {
    let events = recovered(&MOMENTS.staged).events();
    let told = numbers(&events);
    // Give up, take trailers away, write and read back two slots, write trailers.
    assert_eq!(told, (1..=7).map(|number| (number, 7)).collect::<Vec<_>>());
    // A set that is good is given up only for a bundle that is proven first.
    let told = numbers(&recovered(&MOMENTS.staged_again).events());
    assert_eq!(told.first(), Some(&(1, 8)));
}

#[test]
fn what_is_in_place_already_is_skipped_and_said_to_be() {
    // The update ran to its end once, and its record was lost on the way: it is begun anew.
    let device = SimDevice::new(&WORKSHOP, MOMENTS.staged.clone());
    let record = device.record().unwrap();
    story::boot(&device.machine(), RECOVERY).unwrap();
    device.change(|now| *now = record);
    let machine = device.machine();
    story::boot(&machine, RECOVERY).unwrap();
    let skipped =
        |event: &Event| matches!(event, Event::Skipped { why, .. } if why.contains("in place already"));
    assert_eq!(machine.events().iter().filter(|event| skipped(event)).count(), 2, "{:?}", machine.told());
}

#[test]
fn the_log_of_a_recovery_outlives_it_and_names_intent_and_attempt() {
    let machine = recovered(&MOMENTS.staged);
    let state = WORKSHOP.partition(&machine.disk, "state").unwrap();
    let text = String::from_utf8(log::read(&state).unwrap().expect("a log was kept")).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let steps: Vec<&Value> = lines.iter().filter(|line| line["event"] == "step").collect();
    assert_eq!(steps.len(), 7);
    assert!(steps.iter().all(|step| step["intent"] == 1 && step["attempt"] == 1), "{text}");
    // How it ended belongs to the intent, and the hand-over to none.
    let ended = lines.iter().find(|line| line["event"] == "finished" && line["step"] == "commit").unwrap();
    assert_eq!(ended["intent"], 1);
    assert!(lines.iter().any(|line| line["event"] == "note" && line["intent"].is_null()));
}
