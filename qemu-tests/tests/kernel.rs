//! The small kernel that `make test-kernel` builds from `kernel-config/recovery.config` does all that drydock asks of one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_qemu_tests::{Disk, Exit, Qemu, Script, SmallSystem, Tools, run, small_config, target_dir};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// In MiB: what docs/initramfs.md says that this kernel and this configuration need.
const LEAST_MEMORY: u32 = 72;

const LIMIT: Duration = Duration::from_secs(180);

/// The small system's modules; this kernel has them built in.
const MODULES: &str =
    r#"["virtio_pci", "virtio_blk", "dm-crypt", "xts", "aesni-intel", "dm-verity", "erofs"]"#;

fn kernel(file: &str) -> PathBuf {
    let path = target_dir().join("test-kernel").join(file);
    assert!(path.exists(), "{} is missing: tools/build-kernel.sh makes it", path.display());
    path
}

fn system() -> SmallSystem {
    let config = small_config(&[(MODULES, "[]")]);
    SmallSystem::with_built_in_kernel("built-in", &config, &kernel("vmlinuz")).unwrap()
}

#[test]
fn a_kernel_made_from_the_fragment_passes_the_check() {
    let tools = Tools::build().unwrap();
    let said = run(Command::new(&tools.initramfs).arg("check-kernel").arg(kernel("config"))).unwrap();
    assert_eq!(said, "");
}

/// From a flashed disk to a set that was installed by recovery and is marked good, `data` made on the way.
#[test]
fn a_kernel_made_from_the_fragment_makes_data_and_updates_the_system() {
    let system = system();
    let folder = tempfile::tempdir().unwrap();
    let (disk, script) = (folder.path().join("disk.img"), folder.path().join("script.img"));
    system.flash(&system.release("1.0.0", 1).unwrap(), &disk).unwrap();
    let v2 = system.release("2.0.0", 2).unwrap();
    Script::stage(&v2.bundle).unwrap().write(&script).unwrap();
    let machine = Qemu::new("built-in").memory(LEAST_MEMORY).disk(Disk::file(&disk));

    let mut guest = machine.clone().disk(Disk::file(&script).read_only()).start().unwrap();
    guest.expect("`data` was blank and is new now", LIMIT).unwrap();
    guest.expect("DRYDOCK-TEST-UP set=a version=1.0.0", LIMIT).unwrap();
    guest.expect("is staged as intent 1", LIMIT).unwrap();
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);

    let mut guest = machine.start().unwrap();
    guest.expect("commit  trailers, state and boot environment: done", LIMIT).unwrap();
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);

    let mut guest = machine.start().unwrap();
    guest.expect("DRYDOCK-TEST-UP set=b version=2.0.0", LIMIT).unwrap();
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::PowerOff);
    let said = guest.said();
    let json = &said[said.find("\n{").unwrap()..=said.rfind('}').unwrap()];
    let status: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(status["sets"]["b"]["status"], "good");
}
