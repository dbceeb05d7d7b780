//! Hooks that do what they should not.

use super::room::{DRYDOCK, Outcome, Room, run, running};
use drydock_engine::machine::Ended;
use std::fs;
use std::process::Command;

/// A number that is nobody else's, to know processes by.
fn mark(number: u32) -> String {
    format!("{}.{number:05}", 7_000_000 + std::process::id())
}

#[test]
fn a_hook_that_never_ends_is_ended() {
    let room = Room::new();
    let mark = mark(1);
    let mut order = room.order(&format!("trap '' TERM INT HUP; echo here; while :; do sleep {mark}; done"));
    order.seconds = 1;
    let Outcome { ended, said } = run(&order);
    assert_eq!((ended, said), (Ended::Late, vec!["here".to_owned()]));
    assert_eq!(running(&mark), 0);
}

#[test]
fn what_a_hook_has_forked_and_hidden_ends_with_it() {
    let room = Room::new();
    let mark = mark(2);
    // Twice a fork, a session and a group of its own, no standard stream, no parent.
    let hide = format!(
        "setsid sh -c '(setsid sleep {mark} </dev/null >/dev/null 2>&1 &) ' & wait; echo gone; exit 0"
    );
    let Outcome { ended, said } = room.run(&hide);
    assert_eq!((ended, said), (Ended::Exit(0), vec!["gone".to_owned()]));
    assert_eq!(running(&mark), 0);
    let mut order = room.order(&format!("setsid sh -c 'setsid sleep {mark} & sleep {mark}' & sleep {mark}"));
    order.seconds = 1;
    assert_eq!(run(&order).ended, Ended::Late);
    assert_eq!(running(&mark), 0);
}

#[test]
fn a_hidden_child_that_keeps_the_output_open_holds_nothing_up() {
    let room = Room::new();
    let mark = mark(3);
    let mut order = room.order(&format!("setsid sleep {mark} & echo started; exit 3"));
    order.seconds = 25;
    let Outcome { ended, said } = run(&order);
    assert_eq!((ended, said), (Ended::Exit(3), vec!["started".to_owned()]));
    assert_eq!(running(&mark), 0);
}

#[test]
fn a_hook_ends_when_nobody_waits_for_it_any_more() {
    let room = Room::new();
    let mark = mark(4);
    let order = room.order(&format!("sleep {mark}"));
    let order = order.to_bytes();
    // A caller that gives the order and then dies.
    let mut bytes = u32::try_from(order.len()).unwrap().to_le_bytes().to_vec();
    bytes.extend(order);
    let caller = "import os, socket, sys, time\na, b = socket.socketpair()\nif os.fork() == 0:\n    a.close()\n    os.dup2(b.fileno(), 0)\n    os.execv(sys.argv[1], ['drydock-hook'])\nb.close()\na.sendall(open(sys.argv[2], 'rb').read())\nfor _ in range(600):\n    time.sleep(0.05)\n    found = [p for p in os.listdir('/proc') if p.isdigit() and sys.argv[3].encode() in open(f'/proc/{p}/cmdline', 'rb').read().split(b'\\0')[1:2]]\n    if found: break\nprint(len(found))\n";
    let (script, file) = (room.path().join("caller.py"), room.path().join("order"));
    fs::write(&script, caller).unwrap();
    fs::write(&file, bytes).unwrap();
    let said = Command::new("python3").arg(&script).arg(DRYDOCK).arg(&file).arg(&mark).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&said.stdout).trim(), "1", "{said:?}");
    for _ in 0..600 {
        if running(&mark) == 0 {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(running(&mark), 0);
}

#[test]
fn a_hook_that_fills_memory_fails_alone() {
    let room = Room::new();
    let source = room.path().join("fill.c");
    fs::write(
        &source,
        "#include <stdlib.h>\n#include <string.h>\nint main(void) { for (int n = 0; n < 512; n++) { char *p = malloc(1 << 20); if (!p) return 9; memset(p, 1, 1 << 20); } return 0; }\n",
    )
    .unwrap();
    let program = room.compile(&source);
    let mut order = super::room::bare(&program, &[]);
    order.memory_mib = 32;
    let ended = run(&order).ended;
    // A control group ends it; a limit of its own lets it notice.
    assert!(matches!(ended, Ended::Signal(9) | Ended::Exit(9)), "{ended:?}");
    order.memory_mib = 1024;
    assert_eq!(run(&order).ended, Ended::Exit(0));
}

#[test]
fn a_hook_that_fills_its_scratch_space_finds_an_end_of_it() {
    let room = Room::new();
    let mut order = room.order("dd if=/dev/zero of=/tmp/a bs=1M count=100 2>/dev/null; stat -c %s /tmp/a");
    order.memory_mib = 64;
    let Outcome { said, .. } = run(&order);
    let size: u64 = said.last().unwrap().parse().unwrap();
    assert!(size <= 32 << 20, "{size}");
}

#[test]
fn a_flood_of_words_is_cut_and_does_no_harm() {
    let room = Room::new();
    let Outcome { ended, said } =
        room.run("yes \"$(printf '\\033]0;title\\007\\033[2J\\302\\233')\" | head -c 20000000; exit 4");
    assert_eq!(ended, Ended::Exit(4));
    assert!(said.len() <= 101 && said.last().unwrap().contains("more lines are left out"), "{}", said.len());
    assert!(said.iter().all(|line| line.bytes().all(|byte| (b' '..=b'~').contains(&byte))));
}

#[test]
fn a_hook_without_the_network_reaches_nobody() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let room = Room::new();
    let connect = format!(
        "python3 -c \"import socket; socket.create_connection(('127.0.0.1', {port}), 5)\" 2>&1 | tail -1"
    );
    let Outcome { said, .. } = room.run(&connect);
    assert!(said[0].contains("unreachable"), "{said:?}");
    let mut order = room.order(&connect);
    order.network = true;
    assert_eq!(run(&order).said, [""; 0]);
}

#[test]
fn a_hook_can_write_neither_to_its_root_nor_to_disks_nor_to_the_kernel() {
    let room = Room::new();
    let victim = room.path().join("victim");
    fs::write(&victim, "whole").unwrap();
    let victim = victim.to_str().unwrap();
    for attempt in [
        &format!("echo x > {victim}"),
        &format!("rm -f {victim}"),
        &format!("mount -o remount,rw / && echo x > {victim}"),
        &format!("mount -o remount,bind,rw {} && echo x > {victim}", room.path().display()),
        "echo x > /etc/drydock-was-here",
        "mknod /tmp/disk b 8 0",
        "mknod /tmp/memory c 1 1",
        "mount -t tmpfs none /tmp",
        "chroot / true",
        "unshare -m true",
        "echo 1 > /proc/sys/kernel/printk",
        "echo h > /proc/sysrq-trigger",
        "ls /dev/sd* /dev/vd* /dev/dm-* /dev/loop* /dev/mem /dev/kmsg",
        "hostname drydock",
        "date -s 2001-01-01",
        "nice -n -5 true",
    ] {
        // Some tools go on without what they asked for, and say so.
        let Outcome { ended, said } =
            room.run(&format!("( {attempt} ) 2>/tmp/said || exit 1; test ! -s /tmp/said"));
        assert!(matches!(ended, Ended::Exit(1..)), "{attempt}: {ended:?} {said:?}");
    }
    assert_eq!(fs::read_to_string(victim).unwrap(), "whole");
    let capabilities = room
        .run("grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs' /proc/self/status | tr -d '\\t '")
        .said
        .join(" ");
    let none = "0000000000000000";
    let all = format!("CapInh:{none} CapPrm:{none} CapEff:{none} CapBnd:{none} CapAmb:{none} NoNewPrivs:1");
    assert_eq!(capabilities, all);
}
