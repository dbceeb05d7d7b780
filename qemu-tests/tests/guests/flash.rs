//! A disk that is flashed by a map of its blocks, as bmaptool does, onto what was there before.

use crate::device::{LIMIT, boot};
use drydock_qemu_tests::{Exit, SmallSystem, Tools, run};
use std::fs::File;
use std::io::Read;
use std::process::Command;

/// bmap-tools, which Debian's Python has, with a target that keeps what it has as a block device does.
const COPY: &str = "import sys; from bmaptools.BmapCopy import BmapCopy; image, target = sys.argv[1:]; \
    BmapCopy(open(image, 'rb'), open(target, 'rb+'), open(image + '.bmap', 'rb')).copy()";

#[test]
fn a_disk_flashed_by_its_map_onto_noise_or_an_erased_emmc_starts() {
    let system = SmallSystem::standard().unwrap();
    let v1 = system.release("1.0.0", 1).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let image = dir.path().join("disk.img");
    run(Tools::build().unwrap().disk(&system.config(), &v1.bundle, &image).arg("--bmap")).unwrap();
    let size = image.metadata().unwrap().len();

    let one = |name: &str, before: &mut dyn Read| {
        let disk = dir.path().join(name);
        std::io::copy(&mut before.take(size), &mut File::create(&disk).unwrap()).unwrap();
        run(Command::new("/usr/bin/python3").args(["-c", COPY]).args([&image, &disk])).unwrap();
        let mut guest = boot(name, &disk);
        let said = guest.expect("DRYDOCK-TEST-UP set=a version=1.0.0", LIMIT).unwrap();
        assert!(said.contains("`data` was blank and is new now"), "{name}: {said}");
        assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::PowerOff, "{name}");
    };
    std::thread::scope(|scope| {
        scope.spawn(|| one("noise", &mut File::open("/dev/urandom").unwrap()));
        scope.spawn(|| one("erased", &mut std::io::repeat(0xff)));
    });
}
