//! The examples in `hooks/`, run as they are.

use super::room::{Outcome, Room, bare, run};
use drydock_engine::machine::Ended;
use std::fs;
use std::path::{Path, PathBuf};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../hooks/examples").join(name)
}

fn script(name: &str, facts: &str) -> Outcome {
    let room = Room::new();
    let mut order = room.order(&fs::read_to_string(example(name)).unwrap());
    order.facts = format!("{facts}\n");
    run(&order)
}

#[test]
fn a_version_that_is_installed_already_is_refused() {
    let facts = |new: &str| {
        format!(
            "{{\"drydock\":\"hook/1\",\"hook\":\"same-version\",\"version\":\"{new}\",\"set\":\"b\",\"good_version\":\"1.0.0\"}}"
        )
    };
    let Outcome { ended, said } = script("same-version.sh", &facts("1.0.0"));
    assert_eq!((ended, &said[..]), (Ended::Exit(1), &["version 1.0.0 is installed already".to_owned()][..]));
    let Outcome { ended, said } = script("same-version.sh", &facts("2.0.0"));
    assert_eq!(
        (ended, &said[..]),
        (Ended::Exit(0), &["version 2.0.0 takes the place of 1.0.0".to_owned()][..])
    );
    assert_eq!(script("same-version.sh", "{}").ended, Ended::Exit(1));
}

#[test]
fn a_release_is_well_when_its_application_says_so() {
    let room = Room::new();
    let ready = room.path().join("ready");
    let text = fs::read_to_string(example("well.sh")).unwrap();
    let order = room.order(&text.replace("/run/application/ready", ready.to_str().unwrap()));
    assert_eq!(run(&order).ended, Ended::Exit(75));
    fs::write(&ready, "well\n").unwrap();
    assert_eq!(run(&order).ended, Ended::Exit(0));
    fs::write(&ready, "no sensor answers\n").unwrap();
    let Outcome { ended, said } = run(&order);
    assert_eq!(
        (ended, &said[..]),
        (Ended::Exit(1), &["the application says: no sensor answers".to_owned()][..])
    );
}

#[test]
fn a_static_program_tells_what_it_was_told() {
    let room = Room::new();
    let mut order = bare(&room.compile(&example("tell.c")), &[]);
    order.facts = "{\"drydock\":\"hook/1\",\"hook\":\"tell\"}\n".into();
    let Outcome { ended, said } = run(&order);
    assert_eq!(
        (ended, &said[..]),
        (Ended::Exit(0), &["{\"drydock\":\"hook/1\",\"hook\":\"tell\"}".to_owned()][..])
    );
    order.facts = "{\"drydock\":\"hook/2\"}\n".into();
    assert_eq!(run(&order).ended, Ended::Exit(1));
}
