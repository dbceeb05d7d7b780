//! The recovery's own two copies on the small system: a bundle brings a new one, a boot proves it, a damaged one is
//! passed over.

use crate::device::{LIMIT, Partition, machine, runs, status};
use drydock_qemu::{Disk, Exit, Script, SmallSystem};
use serde_json::Value;
use std::path::Path;

/// Boots once, with a script if there is one, up to a reset. Gives all that was said.
fn boot(disk: &Path, script: Option<&Script>) -> String {
    let path = disk.with_extension("script");
    let qemu = machine("recovery", disk);
    let mut guest = match script {
        Some(script) => {
            script.write(&path).unwrap();
            qemu.disk(Disk::file(&path).read_only()).start().unwrap()
        }
        None => qemu.start().unwrap(),
    };
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);
    guest.said()
}

/// Boots a set, which marks itself good, and gives its status.
fn well(disk: &Path) -> Value {
    let mut guest = machine("recovery", disk).start().unwrap();
    let status = status(&mut guest);
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::PowerOff);
    status
}

fn last(status: &Value) -> &Value {
    status["history"].as_array().unwrap().last().unwrap()
}

#[test]
fn a_new_recovery_proves_itself_by_a_boot_and_a_damaged_one_is_passed_over() {
    let system = SmallSystem::standard().unwrap();
    let v2 = system.release_with_recovery("2.0.0", 2).unwrap();
    let v3 = system.release("3.0.0", 3).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk.img");
    system.flash(&system.release("1.0.0", 1).unwrap(), &disk).unwrap();
    let copies = || ["recovery-a", "recovery-b"].map(|label| Partition::find(&disk, label).read());

    boot(&disk, Some(&Script::stage(&v2.bundle).unwrap()));
    boot(&disk, None);
    let before = copies();
    let v2 = well(&disk);
    assert_eq!(runs(&v2), ("b", "2.0.0"));
    assert_eq!(v2["intent"]["job"]["kind"], "update-recovery", "mark-good takes the new recovery up");
    assert!(copies() == before, "nothing is written in the live system");

    let said = boot(&disk, None);
    assert!(said.contains("drydock.copy=a drydock.reason=intent"), "{said}");
    assert!(said.contains("the bootloader starts copy b of the recovery next"), "{said}");
    assert!(copies()[0] == before[0], "the copy in use was written");
    let said = boot(&disk, None);
    assert!(said.contains("drydock.copy=b drydock.reason=intent"), "{said}");
    assert!(said.contains("copy b has come up"), "{said}");

    let proven = well(&disk);
    assert_eq!(runs(&proven), ("b", "2.0.0"));
    assert_eq!(proven["intent"], Value::Null);
    let recovery = &proven["recovery"];
    assert_eq!((&recovery["first"], &recovery["trial"]), (&Value::from("b"), &Value::Null));
    assert_eq!(
        (&recovery["copies"]["a"][0], &recovery["copies"]["b"][0]),
        (&"1.0.0".into(), &"2.0.0".into())
    );
    let outcome = proven["history"].as_array().unwrap().iter().find(|e| e["outcome"] == "recovery-updated");
    assert_eq!(outcome.unwrap()["version"], "2.0.0");

    // The next job finds the kernel of copy b damaged.
    boot(&disk, Some(&Script::stage(&v3.bundle).unwrap()));
    Partition::find(&disk, "recovery-b").write(&vec![0x55; 8 << 20]);
    let said = boot(&disk, None);
    assert!(said.contains("gpt6) can't be started"), "{said}");
    assert!(said.contains("drydock.copy=a drydock.reason=intent"), "{said}");
    let v3 = well(&disk);
    assert_eq!(runs(&v3), ("a", "3.0.0"));
    assert_eq!(last(&v3)["outcome"], "marked-good");
}
