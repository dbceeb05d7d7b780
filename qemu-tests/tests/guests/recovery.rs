//! The recovery's own two copies on the small system: a bundle brings a new one, a boot proves it, a damaged one is
//! passed over.

use crate::device::{Device, LIMIT, Partition, runs, status};
use drydock_qemu_tests::{Exit, Script, SmallSystem};
use serde_json::Value;

/// Boots a set, which marks itself good, and gives its status.
fn well(device: &Device) -> Value {
    let mut guest = device.start(None);
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
    let device = Device::flashed("recovery", system);
    let disk = device.disk();
    let copies = || ["recovery-a", "recovery-b"].map(|label| Partition::find(&disk, label).read());
    let boot = |script: Option<&Script>| device.run(script, Exit::Reset);

    boot(Some(&Script::stage(&v2.bundle).unwrap()));
    boot(None);
    let before = copies();
    let v2 = well(&device);
    assert_eq!(runs(&v2), ("b", "2.0.0"));
    assert_eq!(v2["intent"]["job"]["kind"], "update-recovery", "mark-good takes the new recovery up");
    assert!(copies() == before, "nothing is written in the live system");

    let said = boot(None);
    assert!(said.contains("drydock.copy=a drydock.reason=intent"), "{said}");
    assert!(said.contains("the bootloader starts copy b of the recovery next"), "{said}");
    assert!(copies()[0] == before[0], "the copy in use was written");
    let said = boot(None);
    assert!(said.contains("drydock.copy=b drydock.reason=intent"), "{said}");
    assert!(said.contains("copy b has come up"), "{said}");

    let proven = well(&device);
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
    boot(Some(&Script::stage(&v3.bundle).unwrap()));
    Partition::find(&disk, "recovery-b").write(&vec![0x55; 8 << 20]);
    let said = boot(None);
    assert!(said.contains("gpt6) can't be started"), "{said}");
    assert!(said.contains("drydock.copy=a drydock.reason=intent"), "{said}");
    let v3 = well(&device);
    assert_eq!(runs(&v3), ("a", "3.0.0"));
    assert_eq!(last(&v3)["outcome"], "marked-good");
}
