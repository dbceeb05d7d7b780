//! The tool as it is called: help, pages, where user and password come from.

use crate::common::Desk;
use std::process::Command;

const COMMANDS: [&str; 9] =
    ["push", "assign", "cancel", "rollout", "rollouts", "start", "pause", "resume", "status"];

#[test]
fn completions_and_man_pages_know_every_command() {
    let desk = Desk::at("http://127.0.0.1:9");
    let script = String::from_utf8(desk.tool(&["completions", "bash"]).stdout).unwrap();
    let page = String::from_utf8(desk.tool(&["man"]).stdout).unwrap();
    assert!(page.contains("Exit codes"));
    desk.tool(&["man", "--dir", "."]);
    for name in COMMANDS {
        assert!(script.contains(&format!("drydock__fleet__subcmd__{name}")), "{name}");
        assert!(page.contains(&format!("drydock\\-fleet\\-{name}(1)")), "{name}");
        assert!(desk.path(&format!("drydock-fleet-{name}.1")).exists(), "{name}");
    }
}

#[test]
fn user_and_password_come_from_a_file_or_the_environment_and_are_never_shown() {
    let run = |set: &[(&str, &str)], words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_drydock-fleet"));
        for name in [
            "DRYDOCK_FLEET_SERVER",
            "DRYDOCK_FLEET_PASSWORD_FILE",
            "DRYDOCK_FLEET_USER",
            "DRYDOCK_FLEET_PASSWORD",
        ] {
            command.env_remove(name);
        }
        let output = command.envs(set.iter().copied()).args(words).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    };
    let server = ("DRYDOCK_FLEET_SERVER", "http://127.0.0.1:9");
    let user = ("DRYDOCK_FLEET_USER", "admin");
    let password = ("DRYDOCK_FLEET_PASSWORD", "hunter2");
    for (set, words, code, text) in [
        (&[][..], &["rollouts"][..], 1, "--server"),
        (&[server], &["rollouts"], 1, "--password-file"),
        (&[server, password], &["rollouts"], 1, "DRYDOCK_FLEET_USER"),
        (&[server, ("DRYDOCK_FLEET_USER", "a:b"), password], &["rollouts"], 1, "no colon"),
        (&[server, user, password], &["rollouts"], 5, "127.0.0.1:9"),
        (&[server, user, password], &["rollouts", "--password-file", "/nowhere"], 1, "/nowhere"),
        (&[server, user, password], &["--help"], 0, "Exit codes"),
        (&[server, user, password], &["rollouts", "--password", "x"], 2, "unexpected argument"),
    ] {
        let (found, said) = run(set, words);
        assert_eq!(found, code, "{words:?}: {said}");
        assert!(said.contains(text) && !said.contains("hunter2"), "{words:?}: {said}");
    }
}
