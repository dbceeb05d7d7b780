//! What somebody tries who may not.

use crate::common::{CONSOLE, answer, at, door, request, rule, sign, sign_with};
use drydock_access::{Answer, Challenge, Door, Error, Hash, LIFE, Place, Request, SshSignature, Verb, WRONG};
use ed25519_dalek::Signer;

fn wipe() -> Request {
    request(Verb::Wipe, "logs")
}

/// The device asks for the wipe of `logs`.
fn asked(door: &mut Door, nonce: u8, seconds: u64) -> Challenge {
    door.ask(CONSOLE, wipe(), [nonce; 5], at(seconds)).unwrap()
}

/// What is said of an answer that was made for another challenge.
fn said_of(other: &Challenge) -> Error {
    let mut door = door(vec![rule(1)]);
    let challenge = asked(&mut door, 1, 0);
    let said = door.answer(CONSOLE, &wipe(), &answer(1, other), at(1)).unwrap_err();
    // The right one is taken all the same.
    let _ = door.answer(CONSOLE, &wipe(), &answer(1, &challenge), at(2)).unwrap();
    said
}

#[test]
fn a_replayed_answer_is_refused_now_and_after_any_other_question() {
    let mut door = door(vec![rule(1)]);
    let old = answer(1, &asked(&mut door, 1, 0));
    let _ = door.answer(CONSOLE, &wipe(), &old, at(1)).unwrap();
    assert_eq!(door.answer(CONSOLE, &wipe(), &old, at(2)), Err(Error::NothingAsked));
    asked(&mut door, 2, 3);
    assert_eq!(door.answer(CONSOLE, &wipe(), &old, at(4)), Err(Error::Wrong { left: WRONG - 1 }));
}

#[test]
fn an_answer_for_another_device_or_kind_of_device_is_refused() {
    for (compatible, device) in [("acme-pump", "pump-8"), ("acme-fan", "pump-7"), ("acme", "pump pump-7")] {
        let other = Challenge::new(compatible, device, &wipe(), [1; 5]);
        assert_eq!(said_of(&other), Error::Wrong { left: WRONG - 1 }, "{device}");
    }
}

#[test]
fn an_answer_for_another_verb_is_refused() {
    let other = Challenge::new("acme-pump", "pump-7", &request(Verb::Logs, "logs"), [1; 5]);
    assert_eq!(said_of(&other), Error::Wrong { left: WRONG - 1 });
    // Nor does the right answer admit to something else than what was asked for.
    let mut door = door(vec![rule(1)]);
    let challenge = asked(&mut door, 1, 0);
    let reset = request(Verb::FactoryReset, "");
    let said = door.answer(CONSOLE, &reset, &answer(1, &challenge), at(1));
    assert_eq!(said, Err(Error::NothingAsked));
}

#[test]
fn an_answer_about_something_else_is_refused() {
    for what in ["log", "logs ", "data", ""] {
        let other = Challenge::new("acme-pump", "pump-7", &request(Verb::Wipe, what), [1; 5]);
        assert_eq!(said_of(&other), Error::Wrong { left: WRONG - 1 }, "{what}");
    }
    let mut door = door(vec![rule(1)]);
    let challenge = asked(&mut door, 1, 0);
    let said = door.answer(CONSOLE, &request(Verb::Wipe, "data"), &answer(1, &challenge), at(1));
    assert_eq!(said, Err(Error::NothingAsked));
}

#[test]
fn an_answer_of_another_namespace_is_refused_however_it_is_dressed() {
    let mut door = door(vec![rule(1)]);
    let challenge = asked(&mut door, 1, 0);
    let mut bytes = Hash::Sha512.signed_bytes(b"", challenge.line().as_bytes());
    let at_name = bytes.windows(15).position(|part| part == b"drydock-service").unwrap();
    bytes.splice(at_name - 4..at_name + 15, *b"\0\0\0\x04file");
    let signature = crate::common::key(1).sign(&bytes).to_bytes();
    // It says that it is of our namespace, and was made for another one.
    let dressed = SshSignature { signature, ..sign(1, &challenge) };
    let said = door.answer(CONSOLE, &wipe(), &dressed.to_armor(), at(1));
    assert_eq!(said, Err(Error::Wrong { left: WRONG - 1 }));
    let said = door.answer(CONSOLE, &wipe(), &Answer::to_text(&dressed).unwrap(), at(1));
    assert_eq!(said, Err(Error::Wrong { left: WRONG - 2 }));
    // A signature of just the line, without all that, is none either.
    let signature = crate::common::key(1).sign(challenge.line().as_bytes()).to_bytes();
    let bare = SshSignature { signature, ..sign(1, &challenge) };
    assert!(door.answer(CONSOLE, &wipe(), &bare.to_armor(), at(60)).is_err());
}

#[test]
fn an_answer_of_a_key_that_is_not_configured_any_more_is_refused() {
    let mut door = door(vec![rule(2)]);
    for form in [
        |seed, challenge: &_| answer(seed, challenge),
        |seed, challenge: &_| sign(seed, challenge).to_armor(),
    ] {
        let challenge = asked(&mut door, 1, 0);
        assert_eq!(door.answer(CONSOLE, &wipe(), &form(1, &challenge), at(1)), Err(Error::UnknownKey));
        let _ = door.answer(CONSOLE, &wipe(), &form(2, &challenge), at(2)).unwrap();
    }
    // Nor does a known key's name help over a signature of another one.
    let challenge = asked(&mut door, 1, 3);
    let forged = SshSignature { key: sign(2, &challenge).key, ..sign(1, &challenge) };
    assert_eq!(
        door.answer(CONSOLE, &wipe(), &forged.to_armor(), at(4)),
        Err(Error::Wrong { left: WRONG - 1 })
    );
}

#[test]
fn a_challenge_is_void_after_some_wrong_answers_after_a_time_and_when_another_one_is_asked() {
    let mut door = door(vec![rule(1)]);
    let challenge = asked(&mut door, 1, 0);
    let wrong = Answer::to_text(&sign_with(1, Hash::Sha512, b"x")).unwrap();
    let mut now = 0;
    for left in (0..WRONG).rev() {
        now += 100;
        assert_eq!(door.answer(CONSOLE, &wipe(), &wrong, at(now)), Err(Error::Wrong { left }));
    }
    let right = answer(1, &challenge);
    assert_eq!(door.answer(CONSOLE, &wipe(), &right, at(now + 100)), Err(Error::NothingAsked));

    let challenge = asked(&mut door, 2, now);
    let right = answer(1, &challenge);
    let late = at(now + 1) + LIFE;
    assert_eq!(door.answer(CONSOLE, &wipe(), &right, late), Err(Error::Late));
    assert_eq!(door.answer(CONSOLE, &wipe(), &right, late), Err(Error::NothingAsked));

    let old = answer(1, &asked(&mut door, 3, 5000));
    let new = answer(1, &asked(&mut door, 4, 5000));
    assert!(door.answer(CONSOLE, &wipe(), &old, at(5001)).is_err());
    let _ = door.answer(CONSOLE, &wipe(), &new, at(5002)).unwrap();
    asked(&mut door, 5, 6000);
    door.withdraw(CONSOLE);
    assert_eq!(door.answer(CONSOLE, &wipe(), &new, at(6001)), Err(Error::NothingAsked));
}

#[test]
fn a_slip_of_the_hand_costs_no_try_and_no_pause() {
    let mut door = door(vec![rule(1)]);
    let challenge = asked(&mut door, 1, 0);
    let right = answer(1, &challenge);
    for _ in 0..1000 {
        let slip = door.answer(CONSOLE, &wipe(), &right[1..], at(1)).unwrap_err();
        assert!(slip.is_slip(), "{slip}");
    }
    assert_eq!(door.wrong(), 0);
    let _ = door.answer(CONSOLE, &wipe(), &right, at(1)).unwrap();
}

#[test]
fn a_flood_of_wrong_answers_costs_little_and_keeps_nobody_out_for_longer_than_a_minute() {
    let mut door = door(vec![rule(1)]);
    let wrong = Answer::to_text(&sign_with(1, Hash::Sha512, b"x")).unwrap();
    // An hour of ten answers in each second, with a new question whenever one is void.
    let mut tenths = 0..36_000u64;
    let moment = |tenths: u64| std::time::Duration::from_millis(tenths * 100);
    door.ask(CONSOLE, wipe(), [0; 5], moment(0)).unwrap();
    let mut told = 0;
    for now in &mut tenths {
        match door.answer(CONSOLE, &wipe(), &wrong, moment(now)) {
            Err(Error::NothingAsked | Error::Late) => {
                door.ask(CONSOLE, wipe(), [now as u8; 5], moment(now)).unwrap();
            }
            Err(Error::Wrong { .. }) => told += u32::from(door.to_tell().is_some()),
            Err(Error::Wait { seconds }) => assert!((1..=60).contains(&seconds)),
            other => panic!("{other:?}"),
        }
    }
    assert!(door.wrong() < 80, "{} answers were looked at", door.wrong());
    assert!(told < 6, "the history was told {told} times");
    // The flood ends. Whoever is right waits for a minute at most.
    let challenge = door.ask(CONSOLE, wipe(), [1; 5], moment(36_000)).unwrap();
    let right = answer(1, &challenge);
    let _ = door.answer(CONSOLE, &wipe(), &right, moment(36_600)).unwrap();
}

#[test]
fn a_flood_at_one_place_keeps_nobody_at_another_one_waiting() {
    let mut door = door(vec![rule(1)]);
    let wrong = Answer::to_text(&sign_with(1, Hash::Sha512, b"x")).unwrap();
    let console = asked(&mut door, 1, 0);
    let peer = door.ask(Place::Peer(77), wipe(), [2; 5], at(0)).unwrap();
    let mut busy = 0;
    for number in 0..100_000u64 {
        // As many addresses as one likes, and another console.
        for place in [Place::Peer(1000 + number), Place::Console(9)] {
            let now = at(number / 1000);
            busy += u64::from(door.ask(place, wipe(), [3; 5], now).is_err());
            let _ = door.answer(place, &wipe(), &wrong, now).unwrap_err();
        }
    }
    assert!(busy > 90_000, "{busy}");
    assert!(door.wrong() < 200, "{} answers were looked at", door.wrong());
    let _ = door.answer(Place::Peer(77), &wipe(), &answer(1, &peer), at(100)).unwrap();
    let _ = door.answer(CONSOLE, &wipe(), &answer(1, &console), at(100)).unwrap();
    // And the places are free again after a while.
    door.ask(Place::Peer(78), wipe(), [4; 5], at(230)).unwrap();
}

#[test]
fn an_answer_to_what_another_place_is_asked_is_refused() {
    let mut door = door(vec![rule(1)]);
    let console = asked(&mut door, 1, 0);
    door.ask(Place::Peer(1), wipe(), [2; 5], at(0)).unwrap();
    assert!(door.answer(Place::Peer(1), &wipe(), &answer(1, &console), at(1)).is_err());
    assert_eq!(door.answer(Place::Peer(2), &wipe(), &answer(1, &console), at(1)), Err(Error::NothingAsked));
}
