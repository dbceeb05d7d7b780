//! The small system's images, and a whole update of it.

use drydock_qemu::{Disk, Exit, Guest, Qemu, Script, SmallSystem};
use std::path::Path;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(120);

fn start(disk: &Path, script: Option<&Path>) -> Guest {
    let qemu = Qemu::new("small").memory(256).disk(Disk::file(disk));
    script.into_iter().fold(qemu, |qemu, script| qemu.disk(Disk::file(script).read_only())).start().unwrap()
}

#[test]
fn a_flashed_system_updates_itself_to_the_other_set() {
    let system = SmallSystem::standard().unwrap();
    let (v1, v2) = (system.release("1.0.0", 1).unwrap(), system.release("2.0.0", 2).unwrap());
    assert_ne!(v1.root_hash, v2.root_hash);
    let dir = tempfile::tempdir().unwrap();
    let (disk, script) = (dir.path().join("disk.img"), dir.path().join("script.img"));
    system.flash(&v1, &disk).unwrap();
    Script::stage(&v2.bundle).unwrap().write(&script).unwrap();

    let mut guest = start(&disk, Some(&script));
    guest.expect("DRYDOCK-TEST-UP set=a version=1.0.0", LIMIT).unwrap();
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);

    assert_eq!(start(&disk, None).wait_exit(LIMIT).unwrap(), Exit::Reset, "the recovery restarts");

    let mut guest = start(&disk, None);
    guest.expect("DRYDOCK-TEST-UP set=b version=2.0.0", LIMIT).unwrap();
    guest.expect("DRYDOCK-TEST-RUN drydock status --json", LIMIT).unwrap();
    let status = guest.expect("DRYDOCK-TEST-DONE", LIMIT).unwrap();
    let json = &status[status.find('{').unwrap()..=status.rfind('}').unwrap()];
    let status: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(status["running"]["root_hash"], v2.root_hash);
    assert_eq!(status["sets"]["b"]["status"], "good");
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::PowerOff);
}
