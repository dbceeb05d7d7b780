//! Factory resets of the small system: from GRUB's menu, from the live system, with the power failing in between.

use crate::device::{Device, LIMIT, Partition, config, decrypted, object};
use drydock_qemu_tests::{Exit, Guest, Script, SmallSystem, run};
use std::path::{Path, PathBuf};
use std::process::Command;

const ID: &str = "/var/lib/identity/id";
const SECRET: &str = "/var/secret";

/// A device that can be reset.
struct Resettable(Device);

impl Resettable {
    fn new(name: &'static str, layout: &str) -> Self {
        let reset = "[factory_reset]\nkeep = [\"lib/identity\"]\nkeep_limit_kib = 512\nconfirm_seconds = 15";
        let config =
            config(&[("[layout]\n", &format!("{reset}\n\n[layout]\n")), ("menu_seconds = 0", layout)]);
        Self(Device::flashed(name, SmallSystem::with_config(name, &config).unwrap()))
    }

    /// Starts the set that is next, lets it do something, and gives what it said.
    fn live(&self, script: Script, end: Exit) -> String {
        let mut guest = self.0.start(Some(&script));
        guest.expect("DRYDOCK-TEST-UP", LIMIT).unwrap();
        assert_eq!(guest.wait_exit(LIMIT).unwrap(), end);
        guest.said()
    }

    /// Chooses the factory reset from GRUB's menu, up to the question.
    fn ask_for_reset(&self) -> Guest {
        let mut guest = self.0.start(None);
        guest.choose("Factory reset").unwrap();
        guest.expect("ALL DATA ON THIS DEVICE WILL BE LOST", LIMIT).unwrap();
        guest
    }

    /// The filesystem in `data`, decrypted into a file.
    fn data(&self) -> PathBuf {
        let path = self.0.path("data.ext4");
        std::fs::write(&path, decrypted(&self.0.disk(), "data")).unwrap();
        path
    }

    /// The volume in `data`, for `cryptsetup`.
    fn header(&self) -> PathBuf {
        let path = self.0.path("header.img");
        std::fs::write(&path, Partition::find(&self.0.disk(), "data").read()).unwrap();
        path
    }

    fn uuid(&self) -> String {
        run(Command::new("/sbin/cryptsetup").arg("luksUUID").arg(self.header())).unwrap()
    }
}

/// Leaves something to keep and something to lose.
fn fill() -> Script {
    let written =
        Script::default().then(&format!("write {ID} pump-0815")).then(&format!("write {SECRET} hush"));
    written.then("drydock mark-good")
}

fn show() -> Script {
    let shown = Script::default().then("drydock mark-good").then(&format!("show {ID}"));
    shown.then(&format!("show {SECRET}")).then("drydock status --json")
}

fn check_is_new(said: &str) {
    assert!(said.contains(&format!("DRYDOCK-TEST-FILE {ID} pump-0815")), "{said}");
    assert!(said.contains(&format!("DRYDOCK-TEST-DONE {SECRET}: No such file")), "{said}");
}

/// The outcomes in the history.
fn outcomes(said: &str) -> Vec<String> {
    let said = said.split("DRYDOCK-TEST-RUN drydock status --json").nth(1).unwrap();
    let status = object(said);
    let entries = status["history"].as_array().unwrap();
    entries.iter().map(|entry| entry["outcome"].as_str().unwrap().to_owned()).collect()
}

fn check_filesystem(filesystem: &Path) {
    run(Command::new("/sbin/e2fsck").arg("-fn").arg(filesystem)).unwrap();
}

#[test]
fn a_reset_from_the_menu_happens_after_a_yes_survives_a_power_cut_and_keeps_what_is_listed() {
    let device = Resettable::new("reset-menu", "menu_seconds = 60");
    device.live(fill(), Exit::PowerOff);
    let old = device.uuid();

    // Nobody answers: that means no.
    let mut guest = device.ask_for_reset();
    guest.expect("no factory reset", LIMIT).unwrap();
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);
    let said = device.live(show(), Exit::PowerOff);
    assert!(said.contains(&format!("DRYDOCK-TEST-FILE {SECRET} hush")), "{said}");
    assert_eq!(device.uuid(), old);

    // Somebody says yes, and then the power fails.
    let mut guest = device.ask_for_reset();
    guest.send("y\n").unwrap();
    guest.expect("making a new volume", LIMIT).unwrap();
    drop(guest);
    let mut guest = device.0.start(None);
    guest.expect("what is kept lies in the stash already", LIMIT).unwrap();
    guest.expect("files and folders were kept", LIMIT).unwrap();
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);
    check_is_new(&device.live(show(), Exit::PowerOff));
    assert_ne!(device.uuid(), old);
    // Both headers are whole, and nothing else of a LUKS volume is left.
    run(Command::new("/sbin/cryptsetup").arg("luksDump").arg(device.header())).unwrap();
    check_filesystem(&device.data());
}

#[test]
fn a_reset_from_the_live_system_goes_back_to_the_factorys_bundle() {
    let device = Resettable::new("reset-live", "menu_seconds = 0\nfactory_mib = 40");
    let v2 = device.0.system.release("2.0.0", 1).unwrap();
    device.live(Script::stage(&v2.bundle).unwrap(), Exit::Reset);
    device.0.run(None, Exit::Reset);
    let said = device.live(fill().then("drydock factory-reset").then("reboot"), Exit::Reset);
    assert!(said.contains("set=b version=2.0.0"), "{said}");

    let mut guest = device.0.start(None);
    guest.expect("set a is back to version 1.0.0", LIMIT).unwrap();
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);
    let said = device.live(show(), Exit::PowerOff);
    assert!(said.contains("DRYDOCK-TEST-UP set=a version=1.0.0"), "{said}");
    check_is_new(&said);
    let wanted = ["installed", "reset", "marked-good", "staged"].map(str::to_owned);
    assert!(outcomes(&said).ends_with(&wanted), "{said}");

    // Now that set a is good, set b follows.
    device.0.run(None, Exit::Reset);
    let said = device.live(show(), Exit::PowerOff);
    assert!(said.contains("DRYDOCK-TEST-UP set=b version=1.0.0"), "{said}");
    check_is_new(&said);
    check_filesystem(&device.data());
}
