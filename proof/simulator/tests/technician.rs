//! A technician with a key at the menu of a simulated device: what is done for an answer, and what is refused in which words.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::technicians::{challenges, configured, signed};
use common::{MOMENTS, WORKSHOP};
use drydock_access::{Answer, Challenge, Request, Verb};
use drydock_config::{Access, Seconds, Service, ServiceKey};
use drydock_engine::recover::{Next, Reason};
use drydock_simulator::contents::Contents;
use drydock_simulator::device::{Boot, End, SimDevice};
use drydock_simulator::kept::SimKept;
use drydock_simulator::machine::{Said, Visit};
use drydock_simulator::uploads::{Line, Places};
use drydock_simulator::visited::Seen;
use drydock_state::{Entry, Outcome, SetName};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A device whose menu asks for a key; these are the keys.
fn device(contents: &Contents, keys: Vec<ServiceKey>) -> SimDevice<'static> {
    let mut device = SimDevice::new(&WORKSHOP, contents.clone());
    let service = Service { access: Access::Keys, keys, idle_seconds: Seconds(600), ..Service::default() };
    device.config.service = Some(service);
    device
}

/// One that runs version 2 in set b, has version 1 in set a, and knows the first technician.
fn second() -> SimDevice<'static> {
    device(&MOMENTS.second, vec![configured(1, None, None, None)])
}

fn typed(line: &str) -> Said {
    Said::at(0, line)
}

/// The technician's answer to the challenge of this number of all that were shown: -1 is the last one.
fn answer_to(seed: u8, number: isize) -> Said {
    Said::reply(0, move |shown| {
        let asked = challenges(shown);
        let at = if number < 0 { asked.len().checked_add_signed(number).unwrap() } else { number as usize };
        Answer::to_text(&signed(seed, &asked[at])).unwrap()
    })
}

fn answer(seed: u8) -> Said {
    answer_to(seed, -1)
}

fn attend(device: &SimDevice<'_>, said: impl IntoIterator<Item = Said>) -> Seen {
    device.visit(Visit::new(said), Reason::Asked)
}

fn shows(seen: &Seen, words: &[&str]) {
    let text = seen.on(0);
    for word in words {
        assert!(text.contains(word), "`{word}` is not in:\n{text}");
    }
}

fn history(device: &SimDevice<'_>) -> Vec<Entry> {
    device.record().unwrap().history
}

/// What the history says of those who were let in, or were not.
fn told(device: &SimDevice<'_>, outcome: &Outcome) -> Vec<String> {
    history(device).into_iter().filter(|entry| entry.outcome == *outcome).map(|entry| entry.reason).collect()
}

#[test]
fn a_right_answer_has_the_act_done_and_the_keys_name_in_the_history() {
    let armored = Said::reply(0, |shown| signed(1, challenges(shown).last().unwrap()).to_armor());
    for reply in [answer(1), armored] {
        let device = second();
        let seen = attend(&device, [typed("5"), typed("back"), reply, typed("0"), typed("0")]);
        shows(
            &seen,
            &["Roll back to the other set", "Have this line signed", "more> ", "Set a is first now."],
        );
        let done: Vec<_> = history(&device).iter().map(|entry| entry.outcome.clone()).collect();
        assert_eq!(done[done.len() - 2..], [Outcome::Admitted, Outcome::RolledBack]);
        assert_eq!(told(&device, &Outcome::Admitted), ["roll-back, by the key `key-1`"]);
        assert!(seen.told.iter().any(|line| line.contains("admitted by the key key-1")), "{:?}", seen.told);
        assert_eq!(device.run(), End::Up(SetName::A));
    }
}

#[test]
fn what_changes_nothing_asks_for_no_key() {
    let device = second();
    let seen = attend(&device, ["1", "0", "2", "0", "3", "0", "11", "2", "0", "0"].map(typed));
    shows(
        &seen,
        &["last good b", "History, the newest first", "What this recovery has told", "KiB were sent."],
    );
    assert!(challenges(&seen.on(0)).is_empty());
}

#[test]
fn without_an_answer_nothing_is_done() {
    let device = second();
    let acts = [&["5", "back"][..], &["6", "2", "bad"], &["7", "reset"], &["8", "1", "wipe"], &["10", "1"]];
    let lines = acts.iter().flat_map(|act| [*act, &["", "back", "0"]].concat());
    let seen = attend(&device, lines.map(typed).chain([typed("0")]));
    assert_eq!(challenges(&seen.on(0)).len(), acts.len());
    assert_eq!(seen.boot, Boot::Recovered(Next::Reboot(SetName::B)));
    assert_eq!(history(&device).last().unwrap().outcome, Outcome::MarkedGood);
}

#[test]
fn an_answer_is_good_once() {
    let device = device(&MOMENTS.first, vec![configured(1, None, None, None)]);
    let wipe = || ["8", "1", "wipe"].map(typed);
    let seen = attend(
        &device,
        wipe()
            .into_iter()
            .chain([answer(1), typed("0")])
            .chain(wipe())
            // What was heard on the line.
            .chain([answer_to(1, 0), typed("0"), typed("0")]),
    );
    shows(&seen, &["the answer is not one to this challenge; sign it again, 4 tries are left"]);
    assert_eq!(told(&device, &Outcome::Admitted), ["wipe logs, by the key `key-1`"]);
    let wiped = history(&device).iter().filter(|entry| entry.outcome == Outcome::Wiped).count();
    assert_eq!(wiped, 1);
}

#[test]
fn an_answer_for_something_else_or_for_another_device_does_nothing() {
    let device = second();
    let seen =
        attend(&device, [typed("5"), typed("back"), typed("0"), typed("7"), typed("reset"), answer_to(1, 0)]);
    shows(&seen, &["Factory reset", "the answer is not one to this challenge"]);
    // All but the name and the nonce is as it is there.
    let elsewhere = Said::reply(0, |shown| {
        let asked = challenges(shown).pop().unwrap();
        let [compatible, device, ..] = asked.words();
        let request = Request::new(Verb::RollBack, "").unwrap();
        let other = Challenge::new(compatible, &format!("{device}-2"), &request, [0; 5]);
        Answer::to_text(&signed(1, &other)).unwrap()
    });
    let seen = attend(&device, [typed("5"), typed("back"), elsewhere]);
    shows(&seen, &["the answer is not one to this challenge"]);
    assert_eq!(told(&device, &Outcome::Admitted), Vec::<String>::new());
    assert_eq!(history(&device).last().unwrap().outcome, Outcome::MarkedGood);
}

#[test]
fn a_slip_costs_no_try_and_the_same_line_can_be_answered_again() {
    let device = second();
    let mistyped = Said::reply(0, |shown| {
        let text = Answer::to_text(&signed(1, challenges(shown).last().unwrap())).unwrap();
        let other = if &text[8..9] == "7" { "8" } else { "7" };
        format!("{}{other}{}", &text[..8], &text[9..])
    });
    // A line of noise, and what follows it begins anew.
    let half = typed("0123 4567");
    let lines =
        [typed("5"), typed("back"), mistyped, half, typed("\u{1}"), answer(1), typed("0"), typed("0")];
    let seen = attend(&device, lines);
    shows(&seen, &["group 2: a character is wrong, or two are swapped", "Set a is first now."]);
    assert_eq!(challenges(&seen.on(0)).len(), 1);
    assert_eq!(told(&device, &Outcome::TurnedAway), Vec::<String>::new());
}

#[test]
fn a_flood_of_wrong_answers_meets_pauses_that_grow_and_a_technician_waits_a_minute() {
    let device = second();
    let flood = (0..300).map(|_| persistent(Tries::Wrong));
    let late = persistent(Tries::Right).after(Duration::from_secs(61));
    let patient = [late, persistent(Tries::Right), persistent(Tries::Right), persistent(Tries::Right)];
    let seen = attend(&device, flood.chain(patient).chain([typed("0"), typed("0")]));
    let text = seen.on(0);
    let waits =
        text.split("looked at in ").skip(1).map(|rest| rest.split(' ').next().unwrap().parse().unwrap());
    let waits: Vec<u32> = waits.collect();
    // What is left of each pause when somebody first does not keep it, a second after it began; the third and the seventh begin
    // while a void challenge is asked for again.
    let begun = waits.iter().zip([0].iter().chain(&waits)).filter(|(now, before)| now > before);
    let begun: Vec<u32> = begun.map(|(now, _)| *now).collect();
    assert_eq!(begun[..6], [1, 3, 4, 15, 31, 59]);
    assert_eq!(waits.iter().max(), Some(&59));
    shows(&seen, &["4 tries are left", "which is void now; choose again", "Set a is first now."]);
    let reasons = told(&device, &Outcome::TurnedAway);
    assert_eq!(reasons, ["5 wrong answers since the start", "10 wrong answers since the start"]);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tries {
    Right,
    Wrong,
}

/// Somebody who goes on for ever with wrong answers, or right ones: whatever is shown, the next line on the way to rolling back.
fn persistent(tries: Tries) -> Said {
    let other =
        Challenge::new("simulated-pump", "unnamed", &Request::new(Verb::RollBack, "").unwrap(), [9; 5]);
    Said::reply(0, move |shown| match shown {
        _ if shown.ends_with("Answer> ") => {
            let asked = challenges(shown).pop().filter(|_| tries == Tries::Right);
            Answer::to_text(&signed(1, asked.as_ref().unwrap_or(&other))).unwrap().replace('\n', " ")
        }
        _ if shown.ends_with("back? ") => "back".into(),
        _ if shown.ends_with("s.\n> ") => "5".into(),
        _ => "0".into(),
    })
}

#[test]
fn a_key_that_is_not_for_this_is_turned_away() {
    let device = device(&MOMENTS.second, vec![configured(1, Some(&["install"]), None, None)]);
    let seen = attend(&device, [typed("5"), typed("back"), answer(1), typed("0"), typed("0")]);
    let why = "the key `key-1` may not be used for roll-back: it is not for that";
    shows(&seen, &[why]);
    assert_eq!(told(&device, &Outcome::TurnedAway), [why]);
    assert_eq!(device.run(), End::Up(SetName::B));
}

#[test]
fn an_answer_counts_where_it_was_asked_for() {
    let device = second();
    let signature = Arc::new(Mutex::new(String::new()));
    let sign = {
        let signature = Arc::clone(&signature);
        Said::reply(0, move |shown| {
            *signature.lock().unwrap() = signed(1, challenges(shown).last().unwrap()).to_armor();
            "\u{1}".into()
        })
    };
    let paste = |console| {
        let signature = Arc::clone(&signature);
        Said::reply(console, move |_| signature.lock().unwrap().clone())
    };
    let ask = |console| [Said::at(console, "5"), Said::at(console, "back")];
    let said = [ask(0), ask(1)].concat().into_iter().chain([sign, paste(1), paste(0)]);
    let seen = attend(&device, said.chain([typed("0"), typed("0")]));
    assert!(
        seen.on(1).contains("the answer is not one to this challenge") && !seen.on(1).contains("first now")
    );
    shows(&seen, &["Set a is first now."]);
}

#[test]
fn what_is_sent_over_the_line_is_installed_after_an_answer_and_gone_on_with_after_a_break() {
    let device = second();
    let file = WORKSHOP.version("3").bundle.clone();
    let keep = SimKept::new(None);
    let places = Places { data: Some(keep.clone()), memory: None };
    let upload = || [typed("4"), typed("3"), typed("install"), answer(1), typed("0")];
    let visit = Visit::new(upload().into_iter().chain(upload()))
        .sending(&file, Line::Breaks(file.len() / 2), &places)
        .sending(&file, Line::Holds, &places);
    let seen = device.visit(visit, Reason::Asked);
    shows(&seen, &["install upload", "Send the bundle now", "with ZMODEM it goes on from there"]);
    assert_eq!(seen.boot, Boot::Recovered(Next::Reboot(SetName::A)));
    assert_eq!(told(&device, &Outcome::Admitted), ["install upload, by the key `key-1`"; 2]);
    assert_eq!(device.run(), End::Up(SetName::A));
    assert_eq!(device.record().unwrap().sets.a.version, "3");
    assert_eq!(keep.bytes().as_deref(), Some(&file[..]));
}
