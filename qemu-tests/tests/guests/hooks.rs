//! Hooks and gates on a whole device: a gate that refuses first, then an update with hooks of every kind.

use crate::device::{Device, LIMIT, config, runs, status};
use drydock_qemu_tests::{Exit, Extra, Script, SmallSystem, repository, run};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the release's own hook is in its root.
const WELL: &str = "usr/lib/drydock/well.sh";

/// In the root: what is to be so of the room that a hook runs in, and what is written there if it is.
const LOOK: &str = "#!/bin/busybox sh
read -r facts
echo \"in the root of version $(/bin/busybox cat /etc/version), as process $$\"
echo x > /etc/version && exit 1
/bin/busybox ls /dev | /bin/busybox grep -q vd && exit 2
/bin/busybox wget -T 2 -O /dev/null http://10.0.2.2/ 2>/dev/null && exit 3
echo \"$facts\" | /bin/busybox grep -q '\"set\":\"b\",\"good_version\":\"1.0.0\"' || exit 4
/bin/busybox grep -qE 'CapEff:.*[1-9a-f]' /proc/self/status && exit 5
exit 0
";

/// What the release itself finds of the live system.
const IS_WELL: &str = "#!/bin/busybox sh
[ -e /run/drydock/boot.json ] || exit 1
[ -e /var/lib/drydock/well ] || { echo nobody has said that all is well; exit 75; }
echo all is well
";

const MORE: &str = "
[[hook]]
name = \"by-config\"
at = \"before-write\"
builtin = \"tell\"

[[hook]]
name = \"look\"
at = \"after-write\"
file = \"/usr/lib/drydock/look.sh\"

[[gate]]
name = \"clock\"
require = { clock = { not_before = \"2020-01-01\" } }

[[gate]]
name = \"room\"
require = { free-space = { at_least_mib = 1 } }

[layout]
";

const HOOKS: &str = "
[[hook]]
name = \"by-release\"
at = \"after-write\"
program = \"tell\"

[[hook]]
name = \"well\"
at = \"first-good\"
file = \"/usr/lib/drydock/well.sh\"
";

fn system(folder: &Path) -> SmallSystem {
    let path = |name: &str| folder.join(name);
    let tell = repository().join("hooks/examples/tell.c");
    run(Command::new("cc").args(["-static", "-Os", "-s", "-o"]).args([&path("tell"), &tell])).unwrap();
    for (name, text) in [("look.sh", LOOK), ("well.sh", IS_WELL), ("hooks.toml", HOOKS)] {
        fs::write(path(name), text).unwrap();
    }
    run(Command::new("chmod").arg("755").args([path("look.sh"), path("well.sh")])).unwrap();
    let file = |file: PathBuf, to: &str| (file, to.to_owned());
    let files = vec![
        file("/bin/busybox".into(), "bin/busybox"),
        file(path("look.sh"), "usr/lib/drydock/look.sh"),
        file(path("well.sh"), WELL),
    ];
    let builtin = format!("builtin = \"{}\"", path("tell").display());
    let more = MORE.replace("builtin = \"tell\"", &builtin);
    let extra = Extra { files, hooks: Some(path("hooks.toml")) };
    SmallSystem::with_hooks("hooks", &config(&[("\n[layout]\n", &more)]), extra).unwrap()
}

#[test]
fn a_gate_refuses_an_update_and_then_hooks_of_every_kind_take_part_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let system = system(folder.path());
    let v2 = system.release("2.0.0", 2).unwrap();
    let device = Device::flashed("hooks", system);
    // The first release brings the same hook, and is good from its making on.
    device.run(Some(&Script::stage(&v2.bundle).unwrap()), Exit::Reset);

    // The battery of its clock is empty.
    let mut guest = device.machine(None).arg("-rtc").arg("base=2001-01-01").start().unwrap();
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);
    let said = guest.said();
    assert!(said.contains("the gate clock says no: the clock is before 2020-01-01"), "{said}");
    assert!(
        said.contains("by-config: {\"drydock\":\"hook/1\",\"hook\":\"by-config\",\"place\":\"before-write\""),
        "{said}"
    );
    assert!(!said.contains("taking the old trailers away"), "{said}");

    let again = Script::default().then("drydock stage /var/lib/drydock/update.drydock").then("reboot");
    let said = device.run(Some(&again), Exit::Reset);
    assert!(said.contains("DRYDOCK-TEST-UP set=a version=1.0.0"), "{said}");

    let said = device.run(None, Exit::Reset);
    for text in [
        "gate clock: done",
        "gate room: done",
        "hook by-config: done",
        "look: in the root of version 2.0.0, as process 1",
        "hook look: done",
        "by-release: {\"drydock\":\"hook/1\",\"hook\":\"by-release\",\"place\":\"after-write\"",
        "hook by-release: done",
        "the bootloader starts set b next",
    ] {
        assert!(said.contains(text), "{text}: {said}");
    }

    // Whether the new set is good is for its own hook to say.
    let well = Script::default()
        .then("drydock mark-good")
        .then("write /var/lib/drydock/well yes")
        .then("drydock mark-good")
        .then("drydock status --json")
        .then("poweroff");
    let mut guest = device.start(Some(&well));
    guest.expect("nobody has said that all is well", LIMIT).unwrap();
    guest.expect("the hook well says no: it is too early; try again later", LIMIT).unwrap();
    guest.expect("well: all is well", LIMIT).unwrap();
    let status = status(&mut guest);
    assert_eq!(runs(&status), ("b", "2.0.0"));
    assert_eq!(status["sets"]["b"]["status"], "good");
    let failed = status["history"].as_array().unwrap().iter().find(|entry| entry["outcome"] == "failed");
    assert!(failed.unwrap()["reason"].as_str().unwrap().contains("the gate clock says no"));
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::PowerOff);
}
