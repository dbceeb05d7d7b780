//! The files as EFI Boot Guard's own tools have them, and files that are not what they should be.

use crate::device::{A, B, Device, Partition, blank, names};
use drydock_fixtures::sh;
use drydock_state::efi_boot_guard::{ENV_SIZE, EfiBootGuard, Environment, Image, Ustate};
use drydock_state::{Bootloader, CopyName, Generation, Mode, Starts, Wanted};
use std::fs;

const WANTED: Wanted = Wanted {
    generation: Generation(17),
    first: B,
    mode: Mode::Normal,
    attempts: Starts { a: 1, b: 1, recovery: 1 },
    copy: CopyName::B,
};

/// The partition with its file changed by `bg_setenv`.
fn set_by_tool(device: &Device, n: usize, arguments: &str) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("BGENV.DAT"), device.file(n).unwrap()).unwrap();
    sh(dir.path(), &format!("bg_setenv -P -f BGENV.DAT {arguments}"));
    device.put(n, &fs::read(dir.path().join("BGENV.DAT")).unwrap());
}

fn printed(device: &Device, n: usize) -> String {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("BGENV.DAT"), device.file(n).unwrap()).unwrap();
    sh(dir.path(), "bg_printenv -f BGENV.DAT")
}

#[test]
fn efi_boot_guards_own_tools_read_what_was_told() {
    let device = Device::new();
    assert!(device.loader().observe().is_err(), "what is there is no environment");
    device.loader().want(&WANTED).unwrap();
    assert_eq!(device.loader().observe().unwrap(), WANTED.fresh());
    let (second, first) = (printed(&device, 0), printed(&device, 1));
    for line in [
        "C:boot-b:drydock.efi",
        "2",
        "INSTALLED",
        "gen=00000017 order=ba mode=n a=1 b=1 r=1 copy=b pair=00000001",
    ] {
        assert!(first.contains(line), "{line}: {first}");
    }
    assert!(second.contains("C:boot-a:drydock.efi") && !second.contains("gen="), "{second}");
}

#[test]
fn variables_of_others_survive_what_drydock_writes_byte_for_byte_even_in_a_torn_file() {
    let device = Device::new();
    device.loader().want(&WANTED).unwrap();
    set_by_tool(&device, 0, "-x serial=0815");
    set_by_tool(&device, 1, "-x owner=plant-7");
    assert_eq!(device.loader().observe().unwrap(), WANTED.fresh(), "they are none of drydock's business");
    let next = Wanted { generation: Generation(18), mode: Mode::Recovery, ..WANTED };
    device.loader().want(&next).unwrap();
    assert!(printed(&device, 0).contains("0815") && printed(&device, 1).contains("plant-7"));
    let mut torn = device.file(1).unwrap();
    torn[1022] ^= 1;
    device.put(1, &torn);
    device.loader().want(&WANTED).unwrap();
    assert!(printed(&device, 1).contains("plant-7"));
}

#[test]
fn an_environment_that_another_tool_confirmed_proves_nothing_and_is_told_again() {
    for change in ["-s OK", "-r 9", "-i 1", "-k C:boot-a:other.efi"] {
        let device = Device::new();
        device.loader().want(&WANTED).unwrap();
        set_by_tool(&device, 1, change);
        let seen = device.loader().observe();
        assert!(seen.is_err(), "{change}: {seen:?}");
        device.loader().want(&WANTED).unwrap();
        assert_eq!(device.loader().observe().unwrap(), WANTED.fresh());
    }
}

#[test]
fn a_file_in_pieces_is_written_in_all_of_them_and_nowhere_else() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::write(dir.join("small"), vec![b's'; 2048]).unwrap();
    fs::write(dir.join("BGENV.DAT"), vec![0; ENV_SIZE]).unwrap();
    for make in ["-F 12 -s 4 -C fs 512", "-F 16 -s 1 -C fs 8192", "-F 32 -s 1 -C fs 40000"] {
        let pieces = "for n in 1 2 3 4 5 6 7 8; do mcopy -i fs small ::s$n; done; for n in 2 4 6; do mdel -i fs ::s$n; done";
        sh(dir, &format!("rm -f fs; mkfs.fat {make}; {pieces}; mcopy -i fs BGENV.DAT ::"));
        let bytes = fs::read(dir.join("fs")).unwrap();
        let device = Device::of([bytes.clone(), bytes]);
        device.loader().want(&WANTED).unwrap();
        assert_eq!(device.loader().observe().unwrap(), WANTED.fresh());
        fs::write(dir.join("after"), &device.contents()[1]).unwrap();
        let read = sh(
            dir,
            "mcopy -n -o -i after ::BGENV.DAT found; for n in 1 3 5 7 8; do mcopy -n -o -i after ::s$n s$n; cmp s$n small; done; fsck.fat -n after",
        );
        assert_eq!(fs::read(dir.join("found")).unwrap(), device.file(1).unwrap(), "{make}: {read}");
    }
}

#[test]
fn the_environment_of_a_later_efi_boot_guard_is_left_alone() {
    for size in [ENV_SIZE - 4, ENV_SIZE + 64, 100] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("BGENV.DAT"), vec![1; size]).unwrap();
        sh(dir.path(), "mkfs.fat -F 12 -C fs 512; mcopy -i fs BGENV.DAT ::");
        let later = fs::read(dir.path().join("fs")).unwrap();
        for both in [[later.clone(), blank()], [blank(), later.clone()]] {
            let device = Device::of(both.clone());
            let partitions = device.partitions.each_ref().map(Ok);
            let opened = EfiBootGuard::open(partitions, names(), 0);
            let message = opened.unwrap_err().to_string();
            assert!(message.contains(&size.to_string()) && message.contains("132104"), "{message}");
            assert_eq!(device.contents(), both);
        }
    }
}

#[test]
fn where_a_file_is_missing_recovery_is_all_that_is_started_and_nobody_believes_that_it_was_told() {
    for gone in [0, 1] {
        let device = Device::new();
        device.loader().want(&WANTED).unwrap();
        let loader = device.loader_without(gone);
        assert!(loader.observe().is_err());
        let message = loader.want(&WANTED).unwrap_err().to_string();
        assert!(message.contains("BGENV.DAT"), "{message}");
        let left = Environment::decode(&device.file(1 - gone).unwrap()).unwrap();
        assert!(left.kernel.contains("recovery-"), "{}", left.kernel);
        let files = [device.file(0).filter(|_| gone != 0), device.file(1).filter(|_| gone != 1)];
        for _ in 0..3 {
            let decision = drydock_models::efi_boot_guard::decide([files[0].as_deref(), files[1].as_deref()]);
            assert_eq!(decision.kernel, left.kernel);
        }
    }
    let device = Device::new();
    let none = device.partitions.each_ref().map(|_| Err::<&Partition, _>("it is gone".to_owned()));
    assert!(EfiBootGuard::open(none, names(), 0).is_err());
}

#[test]
fn the_watchdogs_time_is_what_was_configured() {
    let device = Device::new();
    let partitions = device.partitions.each_ref().map(Ok);
    let loader = EfiBootGuard::open(partitions, names(), 40).unwrap();
    loader.want(&WANTED).unwrap();
    for n in [0, 1] {
        let file = Environment::decode(&device.file(n).unwrap()).unwrap();
        assert_eq!((file.watchdog, file.ustate), (40, Ustate::Installed));
    }
    assert_eq!(device.start(), Image::Set(B));
    assert_eq!(device.loader().observe().unwrap().left, Starts { a: 1, b: 0, recovery: 1 });
    assert_eq!(device.start(), Image::Set(A));
    assert_eq!(
        device.loader().observe().unwrap().left,
        Starts { a: 1, b: 0, recovery: 1 },
        "it is not counted yet"
    );
    assert_eq!(device.start(), Image::Set(A));
    assert_eq!(device.loader().observe().unwrap().left, Starts { a: 0, b: 0, recovery: 1 });
}
