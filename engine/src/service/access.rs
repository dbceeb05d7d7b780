//! Technicians are let in by key: between the door and the state record.
//!
//! Who has signed a challenge is admitted only once that is on stable storage, with the count of the key's uses: whenever the
//! power is cut, there is a use too many in the record, and never one too few.

use crate::error::Error;
use crate::machine::{Machine, Random};
use crate::state::{State, Trust};
use drydock_access::{
    Admitted, Challenge, Door, Facts, NONCE, Place, Request, Rule, Signed, Verb, parse_key_line,
};
use drydock_config::{Access, Config, Service, View};
use drydock_state::{Record, UnixTime, transition};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Returns whether a key is asked for before this is done. Without `[service]` nobody is let in, whatever he has.
pub fn needs_key(config: &Config, verb: Verb) -> bool {
    config.service.as_ref().is_none_or(|service| match (service.access, verb.is_view()) {
        (Access::Open, _) => false,
        (Access::Keys, true) => service.view == View::Keys,
        (Access::Keys, false) => true,
    })
}

/// Returns the door of this device. It is made once for each start of the device; all places share it, behind a lock.
///
/// `device` is the name that its challenges have: see [`device_name`](super::device_name).
pub fn door(machine: &impl Machine, device: String) -> Door {
    let config = machine.config();
    let rules = config.service.as_ref().map_or_else(Vec::new, |service| rules(machine, service));
    Door::new(config.compatible.clone(), device, rules)
}

/// The keys of the configuration. The build host has checked them: what can't be read all the same lets nobody in.
fn rules(machine: &impl Machine, service: &Service) -> Vec<Rule> {
    let read = |key: &drydock_config::ServiceKey| -> Result<Rule, String> {
        let verbs = key.verbs.as_ref().map(|verbs| verbs.iter().map(|verb| verb.parse()).collect());
        Ok(Rule {
            name: key.name.clone(),
            key: parse_key_line(&key.key).map_err(|why| why.to_string())?,
            verbs: verbs.transpose()?,
            until: key.until.as_ref().map(|until| until.parse()).transpose()?,
            uses: key.uses,
        })
    };
    let mut rules = Vec::new();
    for key in &service.keys {
        match read(key) {
            Ok(rule) => rules.push(rule),
            Err(why) => {
                machine.events().warning(format_args!("the key `{}` lets nobody in: {why}", key.name));
            }
        }
    }
    rules
}

/// Returns the challenge to show for a request. What was asked at this place before is void.
///
/// `now` is the time since the machine was started, or since any other moment: it never goes back.
///
/// # Errors
/// The kernel has no random bytes yet, or too many are being asked.
pub fn ask(
    machine: &impl Machine,
    door: &Mutex<Door>,
    place: Place,
    request: Request,
    now: Duration,
) -> Result<Challenge, Error> {
    let mut random = [0; NONCE];
    machine.random(Random::Keys, &mut random).map_err(Error::system(
        "making",
        "a challenge",
        "try again in a minute",
    ))?;
    Ok(door.lock().unwrap_or_else(PoisonError::into_inner).ask(place, request, random, now)?)
}

/// Looks at an answer to what is asked at this place, which is this request. Whoever is returned may do it, once. On return
/// that is in the history and the use is counted, on stable storage.
///
/// Where the state can't be written at all, a key whose uses are not counted is taken all the same, and a warning says so in
/// place of the history: somebody has to be able to look after such a device, and nothing that changes a set is done on it.
///
/// # Errors
/// [`Error::Access`]: the answer is not right, can't be read, is not looked at now, or its key may not be used. Else: the
/// state can't be read or written. Whatever it is, nobody is admitted.
pub fn admit(
    machine: &impl Machine,
    door: &Mutex<Door>,
    place: Place,
    request: &Request,
    answer: &str,
    now: Duration,
) -> Result<Admitted, Error> {
    let (answered, wrong) = look(door, place, request, answer, now);
    // A flood mostly takes no lock.
    if let (Err(why), None) = (&answered, wrong) {
        return Err(why.clone().into());
    }
    match (State::open(machine), answered) {
        (Ok(mut state), answered) => judge(machine, &mut state, answered, wrong),
        (Err(error), Ok(_)) => Err(error),
        (Err(error), Err(why)) => {
            machine.events().warning(format_args!("wrong answers are not in the history: {error}"));
            Err(why.into())
        }
    }
}

/// As [`admit`], for who has the state already.
pub fn admit_into(
    machine: &impl Machine,
    state: &mut State<'_>,
    door: &Mutex<Door>,
    place: Place,
    request: &Request,
    answer: &str,
    now: Duration,
) -> Result<Admitted, Error> {
    let (answered, wrong) = look(door, place, request, answer, now);
    judge(machine, state, answered, wrong)
}

/// What the door says of an answer, and how many wrong ones the history is to be told of.
fn look(
    door: &Mutex<Door>,
    place: Place,
    request: &Request,
    answer: &str,
    now: Duration,
) -> (Result<Signed, drydock_access::Error>, Option<u64>) {
    let mut door = door.lock().unwrap_or_else(PoisonError::into_inner);
    (door.answer(place, request, answer, now), door.to_tell())
}

fn judge(
    machine: &impl Machine,
    state: &mut State<'_>,
    answered: Result<Signed, drydock_access::Error>,
    wrong: Option<u64>,
) -> Result<Admitted, Error> {
    if let Some(wrong) = wrong {
        tell_wrong(machine, state, wrong);
    }
    let signed = answered?;
    let key = signed.key().to_string();
    let facts =
        Facts { now: machine.now(), past: past(&state.record), used: state.record.service.used(&key) };
    let is_counted = signed.is_counted();
    let judged = signed.judge(&facts);
    if let (Trust::ReadOnly(why), false) = (state.trust(), is_counted) {
        machine.events().warning(format_args!("this is not in the history, which can't be written: {why}"));
        if let Ok(admitted) = &judged {
            machine.events().note(told(admitted));
        }
        return Ok(judged?);
    }
    match &judged {
        Ok(admitted) => {
            let configured = machine.config().service.as_ref().map_or(&[][..], |service| &service.keys);
            let counted = is_counted.then_some(key.as_str());
            let ids: Vec<_> = configured
                .iter()
                .filter_map(|key| Some(parse_key_line(&key.key).ok()?.id().to_string()))
                .collect();
            transition::admitted(&mut state.record, counted, &ids, &told(admitted), facts.now);
        }
        Err(refusal) => transition::turned_away(&mut state.record, &refusal.to_string(), facts.now),
    }
    state.save_record()?;
    Ok(judged?)
}

/// What the history says of somebody who was let in.
fn told(admitted: &Admitted) -> String {
    let Admitted { key_name, request, counted, .. } = admitted;
    match counted {
        Some((use_, uses)) => format!("{request}, by the key `{key_name}`, use {use_} of {uses}"),
        None => format!("{request}, by the key `{key_name}`"),
    }
}

/// Tells the history of wrong answers, summed up. That it can't be written is no reason to treat an answer otherwise.
fn tell_wrong(machine: &impl Machine, state: &mut State<'_>, wrong: u64) {
    let text = format!("{wrong} wrong answers since the start");
    let before = state.record.clone();
    transition::turned_away(&mut state.record, &text, machine.now());
    if let Err(why) = state.save_record() {
        state.record = before;
        machine.events().warning(format_args!("{text}, which is not in the history: {why}"));
    }
}

/// The latest moment that the record knows to be past.
fn past(record: &Record) -> UnixTime {
    let intent = record.intent.as_ref().map(|intent| intent.time);
    record.history.iter().map(|entry| entry.time).chain(intent).max().unwrap_or_default()
}
