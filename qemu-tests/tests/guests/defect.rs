//! A recovery whose process 1 panics: a set that comes up does its job, and the reason is in the history, out of the memory
//! that outlives a reset (ramoops).

use crate::device::{Device, LIMIT, Partition, config, runs, status};
use drydock_qemu_tests::{DebianKernel, Exit, Guest, SmallSystem, Tools, run};

/// The last 16 of the 256 MiB are left to ramoops.
const RAMOOPS: &str = "mem=240M ramoops.mem_address=0xf000000 ramoops.mem_size=0x40000 ramoops.record_size=0x10000 \
                       ramoops.max_reason=4";

#[test]
fn a_recovery_that_panics_has_its_job_done_by_a_set_and_its_reason_outlives_the_resets() {
    let cmdline = format!("console=ttyS0,115200 quiet {RAMOOPS}");
    let config = config(&[
        ("console=ttyS0,115200 quiet", &cmdline),
        ("[initramfs]\nmodules = [", "[initramfs]\nmodules = [\"ramoops\", "),
    ]);
    let system = SmallSystem::with_config("defect", &config).unwrap();
    let staged = Device::staged("defect", system.clone());

    // Both copies of the recovery have the defect.
    let [initramfs, image] = ["initramfs.cpio.zst", "recovery.squashfs"].map(|name| staged.path(name));
    let sound = Tools::build().unwrap();
    let tools = Tools { drydock: sound.defective.clone(), ..sound.clone() };
    let kernel = DebianKernel::cloud().unwrap();
    run(&mut tools.build_initramfs(&system.config(), kernel.root(), &initramfs)).unwrap();
    run(&mut tools.boot_image(&kernel.vmlinuz, &initramfs, &image)).unwrap();
    for label in ["recovery-a", "recovery-b"] {
        Partition::find(&staged.disk(), label).write(&std::fs::read(&image).unwrap());
    }

    // The machine's memory is a file, so that it outlives QEMU, which ends at a reset.
    let ram = staged.path("ram");
    let backend = format!("memory-backend-file,id=ram,size=256M,share=on,mem-path={}", ram.display());
    let start = || -> Guest {
        let qemu = staged.machine(None).arg("-object").arg(&backend);
        qemu.arg("-machine").arg("memory-backend=ram").start().unwrap()
    };
    let (mut panics, mut done) = (0, 0);
    let status = loop {
        let mut guest = start();
        let ends = ["drydock has a defect and restarts", "resetting the machine", "DRYDOCK-TEST-UP"];
        match guest.expect_any(&ends, LIMIT).unwrap().0 {
            0 => panics += 1,
            1 => {
                assert!(guest.said().contains("an earlier boot ended in a defect"), "{}", guest.said());
                done += 1;
            }
            _ => break status(&mut guest),
        }
        assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);
        assert!(panics < 20, "the recovery is started again and again");
    };
    assert_eq!((panics, done), (3, 1));
    assert_eq!(runs(&status), ("b", "2.0.0"));
    let entries = status["history"].as_array().unwrap();
    let crashed = entries.iter().find(|entry| entry["outcome"] == "crashed");
    let reason = crashed.unwrap_or_else(|| panic!("{entries:?}"))["reason"].as_str().unwrap();
    assert!(reason.contains("an index is out of bounds"), "{reason}");
}
