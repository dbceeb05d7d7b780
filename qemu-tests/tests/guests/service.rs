//! A technician at the serial console: the menu, a stick with several bundles, one of them installed by choice.

use crate::device::{Device, LIMIT, config};
use drydock_qemu_tests::{Disk, Exit, Guest, Script, SmallSystem, run};
use std::fs;
use std::process::Command;
use std::time::Duration;

/// So long a screen may take to come on a busy host.
const SCREEN: Duration = Duration::from_secs(60);

/// Types an entry, and returns the screen that follows, up to its prompt.
fn enter(guest: &mut Guest, entry: &str, shown: &str) -> String {
    guest.send(&format!("{entry}\r")).unwrap();
    let before = guest.expect(shown, SCREEN).unwrap();
    before + &guest.expect("> ", SCREEN).unwrap()
}

#[test]
fn a_technician_installs_one_of_three_bundles_on_a_stick_by_the_menu() {
    let menu = "[service]\naccess = \"open\"\nidle_seconds = 600\n\n[layout]\n";
    let config = config(&[
        ("[layout]\n", menu),
        ("menu_seconds = 0", "menu_seconds = 60"),
        ("\"erofs\"]", "\"erofs\", \"vfat\", \"nls_cp437\", \"nls_ascii\"]"),
    ]);
    let system = SmallSystem::with_smaller_root("service", &config).unwrap();
    let device = Device::flashed("service", system);
    let (v2, v3) = (device.system.release("2.0.0", 2).unwrap(), device.system.release("3.0.0", 3).unwrap());

    // FAT without a partition table, and without a label.
    let stick = device.stick();
    fs::File::create(&stick).unwrap().set_len(128 << 20).unwrap();
    run(Command::new("mkfs.vfat").args(["-F", "32"]).arg(&stick)).unwrap();
    let noise = device.path("noise");
    fs::write(&noise, "this is no bundle").unwrap();
    for (file, name) in [(&v2.bundle, "b2.drydock"), (&v3.bundle, "c3.drydock"), (&noise, "a1.drydock")] {
        run(Command::new("mcopy").arg("-i").args([&stick, file]).arg(format!("::{name}"))).unwrap();
    }

    let mut guest = device.machine(None).disk(Disk::file(&stick)).start().unwrap();
    guest.choose("Recovery").unwrap();
    let main = guest.expect("Goes on by itself in 600 s.", LIMIT).unwrap();
    assert!(main.contains("set a: 1.0.0 good, first"), "{main}");
    // Noise on the line, and a line of it.
    guest.send("\x00\u{7f}5x\u{1b}[A7\r").unwrap();
    guest.expect("drydock-test, in recovery", SCREEN).unwrap();
    guest.expect("> ", SCREEN).unwrap();
    let status = enter(&mut guest, "1", "last good a");
    assert!(status.contains("nothing waits for recovery"), "{status}");
    enter(&mut guest, "0", "13 restart");
    enter(&mut guest, "10", "what the disk says");
    enter(&mut guest, "3", "nothing to show");
    enter(&mut guest, "0", "13 restart");
    enter(&mut guest, "11", "sent over this line");
    enter(&mut guest, "1", ".tar on /dev/vdb");
    enter(&mut guest, "0", "13 restart");
    enter(&mut guest, "4", "from a stick");
    let offers = enter(&mut guest, "1", "Bundles;");
    let offers = offers.replace('\r', "");
    for line in ["\n 1 - a1.drydock on /dev/vdb: ", "\n 2 2.0.0, newer (", "\n 3 3.0.0, newer ("] {
        assert!(offers.contains(line), "{line:?} is not in {offers}");
    }
    guest.send("2\r").unwrap();
    guest.expect("Install version 2.0.0?", SCREEN).unwrap();
    guest.expect("install? ", SCREEN).unwrap();
    guest.send("install\r").unwrap();
    guest.expect("trailers, state and boot environment: done", LIMIT).unwrap();
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);

    // The live system leaves the same on the stick, by a command.
    let script = Script::default().then("drydock service bundle-logs");
    let mut guest = device.machine(Some(&script)).disk(Disk::file(&stick)).start().unwrap();
    guest.expect("DRYDOCK-TEST-UP set=b", LIMIT).unwrap();
    guest.expect(" KiB are in drydock-drydock-test-", LIMIT).unwrap();
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::PowerOff);
    // What was taken away are tars that others read, with all that support asks for.
    let folder = device.path("support");
    fs::create_dir(&folder).unwrap();
    let files = "::drydock-drydock-test-*.tar";
    run(Command::new("mcopy").args(["-n", "-i"]).arg(&stick).arg(files).arg(&folder)).unwrap();
    let mut tars: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    tars.sort();
    assert_eq!(tars.len(), 2, "{tars:?}");
    for (tar, outcome) in tars.iter().zip(["\"version\": \"1.0.0\"", "\"outcome\": \"installed\""]) {
        for (name, held) in [
            ("status.json", outcome),
            ("status.json", "\"history\""),
            ("config.json", "\"compatible\": \"drydock-test\""),
            ("kernel.log", "Linux version 6."),
            ("cmdline.txt", "console=ttyS0"),
            ("memory.txt", "MemTotal:"),
            ("partitions.txt", " root-a start "),
            ("health.txt", "have nothing to show"),
            ("pstore.missing", "nothing is kept there"),
        ] {
            let text = run(Command::new("tar").arg("-xOf").arg(tar).arg(name)).unwrap();
            assert!(text.contains(held), "{held:?} is not in {name} of {}: {text}", tar.display());
        }
    }
}
