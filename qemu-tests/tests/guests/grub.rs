//! The real GRUB, with the script that ships, decides as the model in `drydock_models::grub` says; on disks that
//! `drydock-bundle disk` made, with kernels of 1.5 KiB that print their command line.

use crate::grub_device::{Device, Layout};
use crate::whole_environments::{env, whole_environments};
use drydock_models::grub::decide;
use drydock_models::{Kernel, Reason, Start};
use drydock_qemu_tests::{Disk, Firmware, Qemu, marker_kernel};
use drydock_state::grub::encode_env;
use drydock_state::{CopyName, Generation, Mode, SetName, Wanted};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const A: SetName = SetName::A;
const B: SetName = SetName::B;

struct Row {
    name: String,
    file: Option<Vec<u8>>,
    damaged: Vec<Kernel>,
}

/// Whole environments, and kernels damaged one after the other.
fn whole_rows() -> Vec<Row> {
    let row = |(env, damaged): (Wanted, Vec<Kernel>)| {
        let name = format!("{env:?} with {damaged:?} damaged");
        Row { name, file: Some(encode_env(&env).to_vec()), damaged }
    };
    whole_environments().into_iter().map(row).collect()
}

/// What a cut of power, a bad medium or a stranger makes of an environment.
fn damaged_rows() -> Vec<Row> {
    let good = encode_env(&env(B, Mode::Normal, 2, 3, 4));
    let text = String::from_utf8(good.to_vec()).unwrap();
    let mut rows = Vec::new();
    let mut row = |name: &str, file: Vec<u8>| {
        rows.push(Row { name: name.into(), file: Some(file), damaged: Vec::new() });
    };
    row("empty", Vec::new());
    row("zeros", vec![0; 512]);
    row("erased flash", vec![0xff; 512]);
    row("only the first line", text[..25].into());
    row("only the first line, padded", format!("{:#<512}", &text[..25]).into());
    for (line, _) in text.match_indices('\n').take(9) {
        row(&format!("cut after byte {line}"), good[..line].to_vec());
        row(&format!("cut after byte {}", line + 1), good[..line + 1].to_vec());
        let mut torn = encode_env(&Wanted { generation: Generation(18), ..env(A, Mode::Recovery, 1, 0, 1) });
        torn[line..].copy_from_slice(&good[line..]);
        row(&format!("torn at byte {line}"), torn.to_vec());
    }
    row("cut in the padding", good[..500].to_vec());
    row("1024 bytes, as GRUB's own tool makes it", [&good[..], &[b'#'; 512]].concat());
    row("without room", text.trim_end_matches('#').into());
    row("a tail of zeros", [&good[..400], &[0; 112]].concat());
    for (name, from, to) in [
        ("another first line", "# GRUB", "# BURG"),
        ("another generation at the end", "dd_end=00000017", "dd_end=00000018"),
        ("a short generation, twice", "00000017", "17"),
        ("no generation", "dd_gen=00000017\n", ""),
        ("no generation, twice", "00000017", ""),
        ("unknown order", "dd_order=ba", "dd_order=bb"),
        ("no order", "dd_order=ba\n", ""),
        ("unknown mode", "dd_mode=n", "dd_mode=x"),
        ("a counter that is no digit", "dd_a=2", "dd_a=x"),
        ("a counter with a sign", "dd_b=3", "dd_b=-3"),
        ("a counter with two digits", "dd_b=3", "dd_b=13"),
        ("an empty counter", "dd_b=3", "dd_b="),
        ("no counter for recovery", "dd_r=4\n", ""),
        ("an environment from before dd_copy", "dd_copy=a\n", ""),
        ("an empty copy", "dd_copy=a", "dd_copy="),
        ("an unknown copy", "dd_copy=a", "dd_copy=c"),
        (
            "the other copy, and a generation that does not fit",
            "dd_copy=a\ndd_end=00000017",
            "dd_copy=b\ndd_end=1",
        ),
        ("a variable twice: the later one counts", "dd_b=3\n", "dd_b=3\ndd_b=5\n"),
        ("a variable twice, the first longer", "dd_b=3\n", "dd_b=long\ndd_b=5\n"),
        ("a variable twice, the first empty", "dd_b=3\n", "dd_b=\ndd_b=5\n"),
        ("other variables, GRUB's own among them", "dd_a=2\n", "dd_a=2\nroot=hd9\nprefix=x\ncmdline=x\n"),
        ("an escaped digit", "dd_b=3", "dd_b=\\3"),
        ("a newline within a value", "dd_b=3", "dd_b=\\\n3"),
        ("a NUL within a value", "dd_b=3", "dd_b=3\0zzz"),
        ("a NUL within a name", "dd_b=3", "dd_b\0zzz=3"),
        ("a line without a value before the counter", "dd_b=3", "junk\ndd_b=3"),
        ("a comment before the counter", "dd_b=3", "# a comment\ndd_b=3"),
        ("quotes and dollars", "dd_order=ba", "dd_order=\"$b\"a'"),
        ("carriage returns", "\n", "\r\n"),
    ] {
        assert!(text.contains(from), "{name}");
        let mut file = text.replace(from, to).into_bytes();
        file.resize(512, b'#');
        row(name, file);
    }
    rows.push(Row { name: "missing".into(), file: None, damaged: Vec::new() });
    rows
}

/// Boots once, and says what was started and what the environment is afterwards.
fn boot(device: &Device, row: &Row) -> (Option<Start>, Option<Vec<u8>>) {
    let disk = device.copy();
    disk.put_env(row.file.as_deref());
    row.damaged.iter().for_each(|&kernel| disk.damage(kernel));
    let qemu = Qemu::new("grub").memory(128).cpus(1).debug_exit();
    let mut guest = qemu.disk(Disk::file(disk.path())).start().unwrap();
    let line = guest.expect_line("BOOT_IMAGE=", Duration::from_secs(60)).unwrap();
    drop(guest);
    let has = |word: &str| line.split_whitespace().any(|w| w == word);
    assert!(has("panic=10") && has("systemd.gpt_auto=0") && has("quiet"), "{line}");
    let copy = if has("drydock.copy=b") { CopyName::B } else { CopyName::A };
    let start = match (has("drydock.recovery"), has("drydock.set=a"), has("drydock.set=b")) {
        (false, true, false) => Some(Start::Set(A)),
        (false, false, true) => Some(Start::Set(B)),
        (true, false, false) if has("drydock.reason=intent") => {
            Some(Start::Recovery { copy, reason: Reason::Intent })
        }
        (true, false, false) if has("drydock.reason=fallback") => {
            Some(Start::Recovery { copy, reason: Reason::Fallback })
        }
        _ => panic!("{line}"),
    };
    (start, disk.env())
}

fn compare(rows: Vec<Row>) {
    let device = Device::new(&Layout::default(), &marker_kernel());
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
            let model = decide(row.file.as_deref(), |kernel| !row.damaged.contains(&kernel));
            let real = boot(&device, row);
            if real != (model.start, model.file.clone()) {
                let show =
                    |file: &Option<Vec<u8>>| file.as_ref().map(|f| String::from_utf8_lossy(f).into_owned());
                let message = format!(
                    "{}: GRUB chose {:?} and left {:?}; the model {:?} and {:?}",
                    row.name,
                    real.0,
                    show(&real.1),
                    model.start,
                    show(&model.file)
                );
                wrong.lock().unwrap().push(message);
            }
        }
    };
    std::thread::scope(|scope| (0..2).for_each(|_| drop(scope.spawn(work))));
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn grub_obeys_and_counts_whole_environments_and_passes_over_damaged_kernels() {
    compare(whole_rows());
}

#[test]
fn grub_recognises_damaged_torn_truncated_and_missing_environments() {
    compare(damaged_rows());
}

#[test]
fn grub_resets_the_machine_when_nothing_can_be_started() {
    let device = Device::new(&Layout::default(), &marker_kernel());
    for kernel in
        [Kernel::Set(A), Kernel::Set(B), Kernel::Recovery(CopyName::A), Kernel::Recovery(CopyName::B)]
    {
        device.damage(kernel);
    }
    let mut guest = Qemu::new("nothing").memory(128).disk(Disk::file(device.path())).start().unwrap();
    for partition in [5, 6, 7, 8] {
        guest.expect(&format!("(hd0,gpt{partition}) can't be started"), Duration::from_secs(60)).unwrap();
    }
    guest.expect("nothing can be started", Duration::from_secs(60)).unwrap();
    assert_eq!(guest.wait_exit(Duration::from_secs(30)).unwrap(), drydock_qemu_tests::Exit::Reset);
}

#[test]
fn the_menu_offers_recovery_and_factory_reset_and_the_other_disk_is_left_alone() {
    let device = Device::new(&Layout { menu_seconds: 30, ..Layout::default() }, &marker_kernel());
    device.put_env(Some(&encode_env(&Wanted { copy: CopyName::B, ..env(A, Mode::Normal, 3, 0, 3) })));
    // A clone of the disk comes second: same labels, same GUIDs, and an environment that wants recovery.
    let clone = device.copy();
    clone.put_env(Some(&encode_env(&env(A, Mode::Recovery, 1, 1, 1))));
    let before = std::fs::read(clone.path()).unwrap();
    for (title, reason) in
        [("Start", None), ("Recovery", Some("menu")), ("Factory reset", Some("menu-factory-reset"))]
    {
        let qemu = Qemu::new("menu").memory(128).debug_exit().disk(Disk::file(device.path()).snapshot());
        let mut guest = qemu.disk(Disk::file(clone.path())).start().unwrap();
        guest.choose(title).unwrap();
        let line = guest.expect_line("BOOT_IMAGE=", Duration::from_secs(60)).unwrap();
        match reason {
            None => assert!(line.contains("drydock.set=a"), "{line}"),
            Some(reason) => {
                let reason = format!("drydock.reason={reason}");
                assert!(
                    line.contains("drydock.recovery drydock.copy=b")
                        && line.split(' ').any(|w| w.trim() == reason),
                    "{line}"
                );
            }
        }
    }
    assert!(std::fs::read(clone.path()).unwrap() == before);
}

#[test]
fn grub_for_efi_starts_debians_kernel_from_disks_with_either_sector_size() {
    let kernel = drydock_qemu_tests::DebianKernel::cloud().unwrap();
    let kernel = std::fs::read(kernel.vmlinuz).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let boot = |device: &Device, sector_size, wanted: &str, left_a, left_recovery| {
        let qemu = Qemu::new("efi").firmware(Firmware::Efi(dir.path().join("vars.fd")));
        let mut guest = qemu.disk(Disk::file(device.path()).sector_size(sector_size)).start().unwrap();
        let line = guest.expect_line("Command line: ", Duration::from_secs(120)).unwrap();
        assert!(line.contains(wanted), "{line}");
        drop(guest);
        let after = encode_env(&env(A, Mode::Recovery, left_a, 0, left_recovery));
        assert_eq!(device.env().unwrap(), after);
    };
    for sector_size in [4096, 512] {
        let device =
            Device::new(&Layout { bootloader: "grub-efi", sector_size, ..Layout::default() }, &kernel);
        device.put_env(Some(&encode_env(&env(A, Mode::Recovery, 3, 0, 1))));
        boot(&device, sector_size, "drydock.reason=intent", 3, 0);
        boot(&device, sector_size, "drydock.set=a", 2, 0);
    }
}

#[test]
fn grub_for_bios_starts_debians_kernel() {
    let kernel = drydock_qemu_tests::DebianKernel::cloud().unwrap();
    let device = Device::new(&Layout::default(), &std::fs::read(kernel.vmlinuz).unwrap());
    let mut guest = Qemu::new("bios").disk(Disk::file(device.path())).start().unwrap();
    guest.expect("drydock.set=a", Duration::from_secs(60)).unwrap();
    let line = guest.expect_line("Command line: ", Duration::from_secs(60)).unwrap();
    assert!(line.contains("drydock.set=a"), "{line}");
    guest.expect("Trying to unpack rootfs image as initramfs", Duration::from_secs(60)).unwrap();
    println!("GRUB for BIOS, Debian's kernel unpacks its initramfs after {:?}", guest.elapsed());
}
