//! What a hook is promised.

use super::room::{Room, bare, run};
use drydock_engine::machine::Ended;
use drydock_recovery::hook::Root;
use std::fs;

#[test]
fn a_hook_gets_its_facts_and_its_code_and_its_words_come_back() {
    let room = Room::new();
    let outcome = room.run("cat; echo on standard error >&2; echo last; exit 7");
    assert_eq!(outcome.ended, Ended::Exit(7));
    assert_eq!(outcome.said, ["{\"drydock\":\"hook/1\"}", "on standard error", "last"]);
}

#[test]
fn a_hook_finds_a_clean_environment_and_only_its_own_processes() {
    let room = Room::new();
    let outcome =
        room.run("env | sort; ls /dev; echo /proc/[0-9]*; echo $$; ls -l /proc/self/fd | wc -l; pwd; umask");
    let said = outcome.said.join("\n");
    assert_eq!(outcome.ended, Ended::Exit(0), "{said}");
    for line in ["DRYDOCK_HOOK=1", "HOME=/", "LANG=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"] {
        assert!(outcome.said.iter().any(|said| said == line), "{line} in {said}");
    }
    assert!(!said.contains("CARGO"), "{said}");
    assert!(said.contains("null\nurandom\nzero\n/proc/1\n1\n"), "{said}");
    assert!(said.ends_with("/\n0022"), "{said}");
}

#[test]
fn a_static_program_needs_no_root_but_its_own() {
    let room = Room::new();
    let source = room.path().join("list.c");
    fs::write(
        &source,
        "#include <stdio.h>\n#include <dirent.h>\nint main(int c, char **v) { DIR *d = opendir(\"/\"); struct dirent *e; while ((e = readdir(d))) if (e->d_name[0] != '.') printf(\"%s\\n\", e->d_name); printf(\"%s\\n\", v[1]); return c; }\n",
    )
    .unwrap();
    let outcome = run(&bare(&room.compile(&source), &["an argument"]));
    let mut said = outcome.said;
    assert_eq!((outcome.ended, said.pop().unwrap().as_str()), (Ended::Exit(2), "an argument"));
    said.sort();
    assert_eq!(said, ["dev", "hook", "proc", "tmp"]);
}

#[test]
fn a_hook_that_can_not_be_started_says_why_and_is_no_yes() {
    let room = Room::new();
    let mut order = room.order("");
    order.program = "/no/such/program".into();
    let outcome = run(&order);
    assert_eq!(outcome.ended, Ended::Exit(127));
    assert!(outcome.said[0].contains("/no/such/program: No such file"), "{:?}", outcome.said);
    order.root = Root::Device { node: "/dev/null".into(), filesystem: "ext4".into() };
    let outcome = run(&order);
    assert_eq!(outcome.ended, Ended::Exit(127));
    assert!(outcome.said[0].contains("mounting /dev/null"), "{:?}", outcome.said);
}

#[test]
fn a_hook_with_the_network_has_the_interfaces_of_the_device() {
    let room = Room::new();
    let interfaces = "tail -n +3 /proc/net/dev | wc -l";
    let mut order = room.order(interfaces);
    assert_eq!(run(&order).said, ["1"]);
    order.network = true;
    let ours = fs::read_to_string("/proc/net/dev").unwrap().lines().count() - 2;
    assert_eq!(run(&order).said, [ours.to_string()]);
}

#[test]
fn scratch_space_is_there_and_is_gone_afterwards() {
    let room = Room::new();
    let outcome = room.run("test -z \"$(ls /tmp)\" && echo x > /tmp/mine && cat /tmp/mine");
    assert_eq!((outcome.ended, outcome.said), (Ended::Exit(0), vec!["x".to_owned()]));
    assert_eq!(room.run("test -e /tmp/mine").ended, Ended::Exit(1));
}

#[test]
fn nothing_of_a_hooks_room_is_left_on_the_device() {
    let mounts = || fs::read_to_string("/proc/self/mounts").unwrap();
    let room = Room::new();
    let before = mounts();
    assert_eq!(room.run("exit 0").ended, Ended::Exit(0));
    assert_eq!(mounts(), before);
}
