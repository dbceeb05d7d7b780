//! The demo: once with a cut of power in the middle of the update, once read from the server by the recovery. And the first half of the
//! fleet's, with the device that gets on with its update.

use drydock_qemu_tests::{repository, target_dir};
use std::process::Command;

/// Runs the demo in a folder of its own, and returns what it said.
fn demo(name: &str, options: &[&str]) -> String {
    run(Command::new(env!("CARGO_BIN_EXE_demo")).args(options), name)
}

fn run(command: &mut Command, name: &str) -> String {
    let dir = target_dir().join(name);
    let output = command.arg(&dir).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    std::fs::remove_dir_all(dir).unwrap();
    said
}

#[test]
fn debian_fetches_its_update_and_gets_it_although_the_power_fails_once() {
    let said = demo("demo-cut", &["--cut"]);
    assert!(said.contains("! power cut"), "{said}");
}

#[test]
fn debians_recovery_reads_the_update_from_the_server_although_the_cable_is_out_for_a_while() {
    let said = demo("demo-stream", &["--stream", "--unplug"]);
    assert!(said.contains("! the network cable is in again"), "{said}");
}

#[test]
fn systemd_runs_the_agent_which_has_a_rollout_installed_and_tells_the_server_that_it_is_good() {
    // It is an example, for which Cargo sets no variable.
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(repository()).args(["run", "--quiet", "--locked", "-p", "drydock-qemu-tests"]);
    let said = run(cargo.args(["--example", "fleet-demo", "--", "--one"]), "fleet-demo-one");
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let shown: Vec<_> = readme.lines().filter(|line| line.starts_with("server | pump-1: ")).collect();
    assert!(shown.iter().any(|line| line.contains("[good] 2.0.0 runs in set b")), "{shown:?}");
    let said = without_numbers(&said);
    for line in shown {
        assert!(
            said.contains(&without_numbers(line)),
            "the README shows {line}, and this is not in:\n{said}"
        );
    }
}

/// Text in which all numbers are alike.
fn without_numbers(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        let c = if c.is_ascii_digit() { '#' } else { c };
        if c != '#' || !out.ends_with('#') {
            out.push(c);
        }
    }
    out
}
