//! The real EFI Boot Guard, under real firmware, decides as the model in `drydock_models::efi_boot_guard` says; on disks with
//! a partition for each image, which says what it is and ends.

use drydock_models::efi_boot_guard::decide;
use drydock_qemu_tests::{ARCHITECTURE, Disk, Exit, Firmware, Qemu, marker_efi, run};
use drydock_state::efi_boot_guard::{ENV_SIZE, EfiBootGuard, Environment, Image, Names, Ustate};
use drydock_state::{Bootloader, CopyName, Generation, Mode, SetName, Starts, Wanted};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(120);
/// Partitions: label, type, size in MiB. The first one begins after 1 MiB.
const PARTITIONS: [(&str, &str, u64); 7] = [
    ("esp", "ef00", 4),
    ("bootenv", "8300", 1),
    ("bootenv-2", "8300", 1),
    ("boot-a", "8300", 1),
    ("boot-b", "8300", 1),
    ("recovery-a", "8300", 1),
    ("recovery-b", "8300", 1),
];

fn sh(device: &Device, script: &str) -> String {
    run(Command::new("sh").args(["-ec", script]).current_dir(device.dir.path())).unwrap()
}

fn names() -> Names {
    Names { boot: "boot".into(), recovery: "recovery".into() }
}

/// A disk, and the firmware's variables.
struct Device {
    dir: TempDir,
}

impl Device {
    fn new() -> Self {
        let device = Self { dir: tempfile::tempdir().unwrap() };
        let file = |name: &str| device.dir.path().join(name);
        let mut start = 1;
        let mut table = "truncate -s 12M disk; sgdisk -a 2048".to_owned();
        let mut fill = String::new();
        for (n, (label, kind, size)) in PARTITIONS.into_iter().enumerate() {
            let n = n + 1;
            table += &format!(" -n {n}:0:+{size}M -c {n}:{label} -t {n}:{kind}");
            fill += &format!("mkfs.fat -C fs {} >&2; ", size * 1024);
            fill += &match label {
                "esp" => {
                    let (from, to) = (ARCHITECTURE.efi_boot_guard(), ARCHITECTURE.efi_loader());
                    format!("mmd -i fs ::EFI ::EFI/BOOT; mcopy -i fs {from} ::{to}; ")
                }
                "bootenv" | "bootenv-2" => String::new(),
                _ => {
                    fs::write(file(label), marker_efi(&format!("started {label}.\n"))).unwrap();
                    let utf16: Vec<u8> = label.encode_utf16().flat_map(u16::to_le_bytes).collect();
                    fs::write(file(&format!("{label}.label")), utf16).unwrap();
                    format!("mcopy -i fs {label} ::{}; mcopy -i fs {label}.label ::EFILABEL; ", Names::FILE)
                }
            };
            fill += &format!("dd if=fs of=disk bs=1M seek={start} conv=notrunc status=none; rm fs; ");
            start += size;
        }
        sh(&device, &format!("{table} disk >&2; {fill}"));
        device
    }

    fn copy(&self) -> Self {
        let copy = Self { dir: tempfile::tempdir().unwrap() };
        run(Command::new("cp").arg("--sparse=always").args([self.disk(), copy.disk()])).unwrap();
        copy
    }

    fn disk(&self) -> PathBuf {
        self.dir.path().join("disk")
    }

    /// mtools' name for a partition.
    fn mtools(label: &str) -> String {
        let before = PARTITIONS.iter().take_while(|(other, ..)| *other != label);
        format!("disk@@{}M", 1 + before.map(|(.., size)| size).sum::<u64>())
    }

    fn put(&self, files: &[Option<Vec<u8>>; 2]) {
        for (n, contents) in files.iter().enumerate() {
            let fs = Self::mtools(PARTITIONS[n + 1].0);
            sh(self, &format!("mdel -i {fs} ::BGENV.DAT 2>/dev/null || true"));
            if let Some(contents) = contents {
                fs::write(self.dir.path().join("BGENV.DAT"), contents).unwrap();
                sh(self, &format!("mcopy -i {fs} BGENV.DAT ::"));
            }
        }
    }

    fn files(&self) -> [Option<Vec<u8>>; 2] {
        [1, 2].map(|n| {
            let fs = Self::mtools(PARTITIONS[n].0);
            let read = format!("rm -f found; mcopy -n -i {fs} ::BGENV.DAT found 2>/dev/null || true");
            sh(self, &read);
            fs::read(self.dir.path().join("found")).ok()
        })
    }

    fn qemu(&self) -> Qemu {
        let variables = self.dir.path().join("vars.fd");
        Qemu::new("ebg").memory(256).cpus(1).firmware(Firmware::Efi(variables)).disk(Disk::file(self.disk()))
    }

    /// Boots once, and says which partition's image was started, if one was.
    fn boot(&self) -> Option<String> {
        let mut guest = self.qemu().debug_exit().start().unwrap();
        let said = ["started ", "Cannot load specified kernel image"];
        let (found, _) = guest.expect_any(&said, LIMIT).unwrap();
        let started = (found == 0).then(|| guest.expect(".", LIMIT).unwrap());
        started.map(|text| text.trim_end_matches('.').to_owned())
    }

    /// Tells the loader something, as drydock does.
    fn tell(&self, wanted: &Wanted, watchdog: u16) {
        let partition = |n: usize| {
            let before = PARTITIONS.iter().take(n).map(|(.., size)| size).sum::<u64>();
            let file =
                drydock_files::FileDevice::open(&self.disk(), drydock_block::SectorSize::S512).unwrap();
            Ok(drydock_block::Section::new(file, (1 + before) << 20, 1 << 20).unwrap())
        };
        let loader = EfiBootGuard::open([partition(1), partition(2)], names(), watchdog).unwrap();
        loader.want(wanted).unwrap();
        assert_eq!(loader.observe().unwrap(), wanted.fresh());
    }
}

struct Row {
    name: String,
    files: [Option<Vec<u8>>; 2],
}

/// An environment for this partition.
fn env(label: &str, ustate: Ustate, revision: u32) -> Environment {
    let kernel = format!("C:{label}:{}", Names::FILE);
    Environment { kernel, in_progress: false, ustate, watchdog: 0, revision, variables: Vec::new() }
}

fn whole_rows() -> Vec<Row> {
    use Ustate::{Failed, Installed, Ok, Testing};
    let busy = |label, revision| Environment { in_progress: true, ..env(label, Installed, revision) };
    let mut unknown = env("boot-b", Installed, 2).encode();
    unknown[1021] = 4;
    seal(&mut unknown);
    let all = [
        [env("boot-a", Installed, 1), env("boot-b", Installed, 2)],
        [env("boot-a", Installed, 1), env("boot-b", Testing, 2)],
        [env("boot-a", Installed, 1), env("boot-b", Failed, 0)],
        [env("boot-a", Testing, 1), env("boot-b", Failed, 0)],
        [env("boot-a", Failed, 0), env("boot-b", Failed, 0)],
        [env("boot-a", Testing, 1), env("boot-b", Testing, 2)],
        [env("recovery-a", Installed, 2), env("recovery-b", Installed, 1)],
        [env("recovery-a", Testing, 2), env("recovery-b", Installed, 1)],
        [env("recovery-a", Failed, 0), env("recovery-b", Testing, 1)],
        [env("boot-a", Ok, 5), env("boot-b", Ok, 4)],
        [env("boot-a", Installed, 3), env("boot-b", Installed, 3)],
        [env("boot-a", Installed, 0), env("boot-b", Installed, 0)],
        [env("boot-a", Installed, 1), env("boot-b", Installed, u32::MAX)],
        [env("boot-a", Installed, 1), busy("boot-b", 2)],
        [busy("boot-a", 1), env("boot-b", Testing, 2)],
        [env("nowhere", Installed, 1), env("boot-b", Installed, 2)],
        [env("boot-a", Installed, 1), env("nowhere", Installed, 2)],
    ];
    let mut rows: Vec<Row> = all
        .into_iter()
        .map(|files| Row { name: format!("{files:.80?}"), files: files.map(|file| Some(file.encode())) })
        .collect();
    let good = Some(env("boot-a", Installed, 1).encode());
    rows.push(Row { name: "an ustate that there is not".into(), files: [good, Some(unknown)] });
    rows
}

/// Makes the checksum fit.
fn seal(file: &mut [u8]) {
    let sum = drydock_block::crc32(&file[..ENV_SIZE - 4]).to_le_bytes();
    file[ENV_SIZE - 4..].copy_from_slice(&sum);
}

fn damaged_rows() -> Vec<Row> {
    use Ustate::{Failed, Installed, Testing};
    let good = env("boot-a", Installed, 1).encode();
    let first = env("boot-b", Installed, 2).encode();
    let failed = env("boot-b", Failed, 0).encode();
    let mut flipped = first.clone();
    flipped[5000] ^= 1;
    let mut no_sum = good.clone();
    no_sum[ENV_SIZE - 1] ^= 1;
    let torn = [&first[..1024], &failed[1024..]].concat();
    let short = first[..70_000].to_vec();
    let long = [&first[..], &[7; 600]].concat();
    let zeros = vec![0; ENV_SIZE];
    let mut testing = env("boot-a", Testing, 1).encode();
    testing[9000] = 1;
    let some = |file: &Vec<u8>| Some(file.clone());
    let rows = [
        ("the first choice's checksum is wrong", [some(&good), some(&flipped)]),
        ("the second choice's checksum is wrong", [some(&no_sum), some(&first)]),
        ("both checksums are wrong: the first partition counts", [some(&no_sum), some(&flipped)]),
        ("both checksums are wrong, and that is being tried", [some(&testing), some(&flipped)]),
        ("the second choice's is wrong, and the first one has failed", [some(&no_sum), some(&failed)]),
        ("torn after a sector", [some(&good), some(&torn)]),
        ("truncated", [some(&good), some(&short)]),
        ("truncated, and the first partition's", [some(&short), some(&good)]),
        ("empty", [some(&good), Some(Vec::new())]),
        ("longer than it should be", [some(&good), some(&long)]),
        ("zeroed", [some(&good), some(&zeros)]),
        ("both zeroed", [some(&zeros), some(&zeros)]),
        ("missing", [some(&good), None]),
        ("the other one missing", [None, some(&first)]),
        ("one missing, and what is left has failed", [None, some(&failed)]),
        ("both missing", [None, None]),
        ("noise", [some(&good), Some((0..ENV_SIZE).map(|n| (n * 7 % 251) as u8).collect())]),
    ];
    rows.map(|(name, files)| Row { name: name.into(), files }).into()
}

fn compare(rows: &[Row]) {
    let device = Device::new();
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
            let model = decide([row.files[0].as_deref(), row.files[1].as_deref()]);
            let images = [
                Image::Set(SetName::A),
                Image::Set(SetName::B),
                Image::Recovery(CopyName::A),
                Image::Recovery(CopyName::B),
            ];
            let found = images.into_iter().find(|image| names().of(*image) == model.kernel);
            let device = device.copy();
            device.put(&row.files);
            let (started, files) = (device.boot(), device.files());
            let as_modelled = started == found.map(|image| names().label(image));
            for (n, same) in [files[0] == model.files[0], files[1] == model.files[1]].into_iter().enumerate()
            {
                if !same || !as_modelled {
                    let message = format!(
                        "{}: it started {started:?}, the model {:?}; file {n} is as the model has it: {same}",
                        row.name, model.kernel
                    );
                    wrong.lock().unwrap().push(message);
                }
            }
        }
    };
    std::thread::scope(|scope| (0..2).for_each(|_| drop(scope.spawn(work))));
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "of {} rows:\n{}", rows.len(), wrong.join("\n"));
}

#[test]
fn efi_boot_guard_starts_the_higher_revision_once_and_then_the_other_one() {
    compare(&whole_rows());
}

#[test]
fn efi_boot_guard_passes_over_damaged_torn_truncated_and_missing_environments() {
    compare(&damaged_rows());
}

/// What drydock tells it, through an image that hangs and one that is gone: its watchdog leaves both.
#[test]
fn efi_boot_guards_watchdog_leaves_an_image_that_hangs_or_is_damaged() {
    let wanted = Wanted {
        generation: Generation(3),
        first: SetName::B,
        mode: Mode::Normal,
        attempts: Starts { a: 1, b: 1, recovery: 1 },
        copy: CopyName::A,
    };
    let device = Device::new();
    device.put(&[Some(vec![0; ENV_SIZE]), Some(vec![0; ENV_SIZE])]);
    device.tell(&wanted, 6);
    // Without the port that ends QEMU the image halts.
    let mut guest = device.qemu().watchdog().start().unwrap();
    guest.expect("started boot-b.", LIMIT).unwrap();
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Watchdog);
    let mut guest = device.qemu().watchdog().debug_exit().start().unwrap();
    guest.expect("started boot-a.", LIMIT).unwrap();
    drop(guest);

    device.tell(&wanted, 6);
    sh(&device, &format!("dd if=/dev/zero of=disk bs=1k seek={} count=1 conv=notrunc status=none", 8 << 10));
    let mut guest = device.qemu().watchdog().start().unwrap();
    guest.expect("Cannot load specified kernel image", LIMIT).unwrap();
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Watchdog);
    let mut guest = device.qemu().watchdog().debug_exit().start().unwrap();
    guest.expect("started boot-a.", LIMIT).unwrap();
}
