//! The real U-Boot, with the script that ships, decides as the model in `drydock_models::u_boot` says, and saves what that
//! saves; on disks that `drydock-bundle disk` made, with kernels of 1.5 KiB that print their command line.

use crate::grub_device::{Device, Layout};
use crate::whole_environments::{env, whole_environments};
use drydock_block::{BlockDevice, MemoryDevice, SectorSize, crc32};
use drydock_models::u_boot::{Board, Decision, decide};
use drydock_models::{Kernel, Reason, Start};
use drydock_qemu_tests::{Bus, Disk, Exit, Firmware, Guest, Qemu, UBoot, marker_kernel};
use drydock_state::u_boot::{Environment, Place, UBoot as Store};
use drydock_state::{Bootloader, CopyName, Mode, SetName, Wanted};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const A: SetName = SetName::A;
const B: SetName = SetName::B;
const LIMIT: Duration = Duration::from_secs(60);
/// As the configuration has it by default.
const SIZE: usize = 0x4000;
const SECOND: u64 = 0x1_0000;

/// A device with U-Boot, and what is built into that.
struct Built {
    u_boot: UBoot,
    device: Device,
    redundant: bool,
    /// Names and values.
    built_in: Vec<(String, String)>,
}

struct Row {
    name: String,
    /// The copies of the environment; a copy that is missing is as the medium is where nobody wrote.
    copies: Vec<Vec<u8>>,
    damaged: Vec<Kernel>,
}

impl Built {
    fn new(redundant: bool) -> Self {
        let u_boot = UBoot::get(redundant).unwrap();
        let more = format!(
            "disk_mib = 64\nu_boot_environment = \"{}\"\n[u_boot]\nredundant = {redundant}",
            u_boot.environment.display()
        );
        let layout = Layout { bootloader: "u-boot", more, ..Layout::default() };
        let device = Device::new(&layout, &marker_kernel());
        let text = std::fs::read_to_string(&u_boot.environment).unwrap();
        let pair = |line: &str| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self { u_boot, device, redundant, built_in: text.lines().filter_map(pair).collect() }
    }

    fn offsets(&self, device: &Device) -> Vec<u64> {
        let start = device.partition("bootenv").0;
        if self.redundant { vec![start, start + SECOND] } else { vec![start] }
    }

    fn copies(&self, device: &Device) -> Vec<Vec<u8>> {
        let file = File::open(device.path()).unwrap();
        let read = |offset| {
            let mut copy = vec![0; SIZE];
            file.read_exact_at(&mut copy, offset).unwrap();
            copy
        };
        self.offsets(device).into_iter().map(read).collect()
    }

    fn put(&self, device: &Device, copies: &[Vec<u8>]) {
        let file = File::options().write(true).open(device.path()).unwrap();
        for (index, offset) in self.offsets(device).into_iter().enumerate() {
            let mut copy = copies.get(index).cloned().unwrap_or_default();
            copy.resize(SIZE, 0);
            file.write_all_at(&copy, offset).unwrap();
        }
    }

    fn start(&self, device: &Device) -> Guest {
        let qemu = Qemu::new("u-boot").memory(256).cpus(1).debug_exit();
        let qemu = qemu.firmware(Firmware::UBoot(self.u_boot.rom.clone()));
        qemu.disk(Disk::file(device.path()).bus(Bus::Mmc)).start().unwrap()
    }

    /// Boots once, and says what was started and what the copies of the environment are afterwards.
    fn boot(&self, row: &Row) -> (Option<Start>, Vec<Vec<u8>>) {
        let disk = self.device.copy();
        self.put(&disk, &row.copies);
        row.damaged.iter().for_each(|&kernel| disk.damage(kernel));
        let mut guest = self.start(&disk);
        guest.expect("Kernel command line:", LIMIT).unwrap();
        guest.expect("Accumulated time:", LIMIT).unwrap();
        let line = guest.expect_line("panic=10", LIMIT).unwrap();
        drop(guest);
        let has = |word: &str| line.split_whitespace().any(|w| w == word);
        assert!(has("systemd.gpt_auto=0") && has("quiet"), "{line}");
        let copy = if has("drydock.copy=b") { CopyName::B } else { CopyName::A };
        let start = match (has("drydock.recovery"), has("drydock.set=a"), has("drydock.set=b")) {
            (false, true, false) => Start::Set(A),
            (false, false, true) => Start::Set(B),
            (true, false, false) if has("drydock.reason=intent") => {
                Start::Recovery { copy, reason: Reason::Intent }
            }
            (true, false, false) if has("drydock.reason=fallback") => {
                Start::Recovery { copy, reason: Reason::Fallback }
            }
            _ => panic!("{line}"),
        };
        (Some(start), self.copies(&disk))
    }

    /// What the model says of a row, with what U-Boot sets at its start, of which only the names are known before.
    fn model(&self, row: &Row, after: &[Vec<u8>]) -> (Option<Start>, Vec<Vec<u8>>) {
        let built_in: Vec<_> = self.built_in.iter().map(|(name, value)| (&**name, &**value)).collect();
        let saved = |copy: &Vec<u8>| Environment::decode(copy, self.redundant).ok();
        // Where its own device tree lies is U-Boot's to know.
        let address =
            after.iter().filter_map(saved).find_map(|env| env.get("fdtcontroladdr").map(str::to_owned));
        let address = address.unwrap_or_default();
        let at_start = [("fdtcontroladdr", address.as_str())];
        let board = Board { built_in: &built_in, at_start: &at_start };
        let mut copies: Vec<Vec<u8>> = row.copies.clone();
        copies.resize(if self.redundant { 2 } else { 1 }, Vec::new());
        copies.iter_mut().for_each(|copy| copy.resize(SIZE, 0));
        let found: Vec<_> = copies.iter().cloned().map(Some).collect();
        let Decision { start, saves } = decide(&found, SIZE, &board, |kernel| !row.damaged.contains(&kernel));
        for (copy, bytes) in saves {
            copies[copy] = bytes;
        }
        (start, copies)
    }

    fn compare(&self, rows: &[Row]) {
        let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let work = || {
            while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                let real = self.boot(row);
                let model = self.model(row, &real.1);
                if real != model {
                    let show = |copies: &[Vec<u8>]| {
                        let text = |copy: &Vec<u8>| {
                            let end = copy.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
                            String::from_utf8_lossy(&copy[..end]).replace('\0', " ")
                        };
                        copies.iter().map(text).collect::<Vec<_>>()
                    };
                    wrong.lock().unwrap().push(format!(
                        "{}: U-Boot chose {:?} and left {:#?}; the model {:?} and {:#?}",
                        row.name,
                        real.0,
                        show(&real.1),
                        model.0,
                        show(&model.1)
                    ));
                }
            }
        };
        std::thread::scope(|scope| (0..2).for_each(|_| drop(scope.spawn(work))));
        let wrong = wrong.into_inner().unwrap();
        assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    }

    /// The board's environment with what is wanted.
    fn told(&self, wanted: &Wanted) -> Environment {
        let lines: Vec<_> = self.built_in.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let own = ["odd=a\\\\b = c", "twice=1", "twice=2"];
        Environment::from_lines(lines.iter().map(String::as_str).chain(own)).unwrap().telling(wanted)
    }

    fn copy(&self, wanted: &Wanted, flag: u8) -> Vec<u8> {
        let mut told = self.told(wanted);
        told.flag = flag;
        told.encode(SIZE, self.redundant).unwrap()
    }
}

/// Whole environments, and kernels damaged one after the other.
fn whole_rows(board: &Built) -> Vec<Row> {
    let row = |(env, damaged): (Wanted, Vec<Kernel>)| {
        let name = format!("{env:?} with {damaged:?} damaged");
        Row { name, copies: vec![board.copy(&env, 3)], damaged }
    };
    whole_environments().into_iter().map(row).collect()
}

/// Two copies: which one counts.
fn rows_of_two(board: &Built) -> Vec<Row> {
    let (first, second) = (env(A, Mode::Normal, 3, 3, 3), env(B, Mode::Recovery, 2, 2, 2));
    let mut rows = Vec::new();
    let mut row = |name: String, copies: Vec<Vec<u8>>| rows.push(Row { name, copies, damaged: vec![] });
    for (one, other) in [(1, 0), (0, 1), (255, 0), (0, 255), (255, 254), (254, 255), (7, 7), (128, 1)] {
        row(format!("flags {one} and {other}"), vec![board.copy(&first, one), board.copy(&second, other)]);
    }
    let good = [board.copy(&first, 4), board.copy(&second, 5)];
    for at in [0, 4, 5, 100, SIZE - 1] {
        for damaged in 0..2 {
            let mut copies = good.to_vec();
            copies[damaged][at] ^= 0x40;
            row(format!("copy {damaged} with another byte {at}"), copies);
        }
    }
    for cut in [512, 4096, SIZE / 2] {
        let torn = [&good[1][..cut], &good[0][cut..]].concat();
        row(format!("the newer copy torn at {cut}"), vec![good[0].clone(), torn.clone()]);
        row(format!("both torn at {cut}"), vec![torn.clone(), torn]);
    }
    row("both erased".into(), vec![vec![0xff; SIZE]; 2]);
    row("both zeroed".into(), vec![vec![0; SIZE]; 2]);
    rows
}

/// What a cut of power, a bad medium or a stranger makes of an environment.
fn damaged_rows(board: &Built) -> Vec<Row> {
    let good = board.copy(&env(B, Mode::Normal, 2, 3, 4), 9);
    let header = if board.redundant { 5 } else { 4 };
    let mut rows = Vec::new();
    let mut row = |name: &str, copy: Vec<u8>| {
        rows.push(Row { name: name.into(), copies: vec![copy], damaged: Vec::new() });
    };
    row("missing", Vec::new());
    row("erased flash", vec![0xff; SIZE]);
    row("truncated", good[..512].to_vec());
    row("another byte", [&good[..200], &[good[200] ^ 1], &good[201..]].concat());
    for (name, from, to) in [
        ("another generation at the end", "dd_end=00000017", "dd_end=00000018"),
        ("no generation", "dd_gen=00000017\0", ""),
        ("no generation, twice", "00000017", ""),
        ("unknown order", "dd_order=ba", "dd_order=bb"),
        ("no order", "dd_order=ba\0", ""),
        ("unknown mode", "dd_mode=n", "dd_mode=x"),
        ("a counter that is no digit", "dd_a=2", "dd_a=x"),
        ("a counter with a sign", "dd_b=3", "dd_b=-3"),
        ("a counter with two digits", "dd_b=3", "dd_b=13"),
        ("an empty counter", "dd_b=3", "dd_b="),
        ("no counter for recovery", "dd_r=4\0", ""),
        ("an environment from before dd_copy", "dd_copy=a\0", ""),
        ("an empty copy", "dd_copy=a", "dd_copy="),
        ("an unknown copy", "dd_copy=a", "dd_copy=c"),
        ("a variable twice: the later one counts", "dd_b=3\0", "dd_b=3\0dd_b=5\0"),
        ("an escaped digit", "dd_b=3", "dd_b=\\3"),
        ("blanks before a name", "dd_b=3", " \tdd_b=3"),
        ("a comment before the counter", "dd_b=3", "# a comment\0dd_b=3"),
        ("a name without a value", "dd_b=3", "odd\0dd_b=3"),
        ("a value with blanks", "dd_order=ba", "dd_order=b a"),
        ("a dollar", "dd_order=ba", "dd_order=$bootcmd"),
    ] {
        let text = String::from_utf8(good[header..].to_vec()).unwrap();
        assert!(text.contains(from), "{name}");
        let mut strings = text.replace(from, to).into_bytes();
        strings.resize(SIZE - header, 0);
        let copy = [&crc32(&strings).to_le_bytes()[..], &good[4..header], &strings].concat();
        row(name, copy);
    }
    rows
}

#[test]
fn u_boot_obeys_and_counts_whole_environments_and_passes_over_damaged_kernels() {
    let board = Built::new(true);
    board.compare(&whole_rows(&board));
}

#[test]
fn u_boot_takes_the_copy_that_drydock_takes_and_recognises_damaged_environments() {
    let board = Built::new(true);
    board.compare(&rows_of_two(&board));
    board.compare(&damaged_rows(&board));
}

#[test]
fn u_boot_with_one_copy_decides_alike() {
    let board = Built::new(false);
    let mut rows = whole_rows(&board);
    rows.truncate(20);
    board.compare(&rows);
    board.compare(&damaged_rows(&board)[..8]);
}

#[test]
fn u_boot_resets_the_machine_when_nothing_can_be_started() {
    let board = Built::new(true);
    let device = board.device.copy();
    for kernel in
        [Kernel::Set(A), Kernel::Set(B), Kernel::Recovery(CopyName::A), Kernel::Recovery(CopyName::B)]
    {
        device.damage(kernel);
    }
    let mut guest = board.start(&device);
    for slot in ["set-a", "recovery-a", "recovery-b", "set-a", "set-b"] {
        guest.expect(&format!("drydock: {slot} cannot be started"), LIMIT).unwrap();
    }
    guest.expect("nothing can be started", LIMIT).unwrap();
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);
}

/// What U-Boot saved where nothing was whole is what drydock adds to, and U-Boot obeys that.
#[test]
fn an_environment_that_is_lost_comes_back_from_u_boots_own_and_drydock_tells_it_again() {
    for redundant in [true, false] {
        let board = Built::new(redundant);
        let row = Row { name: "lost".into(), copies: vec![], damaged: vec![] };
        let (start, saved) = board.boot(&row);
        assert_eq!(start, Some(Start::Recovery { copy: CopyName::A, reason: Reason::Fallback }));
        let memory = MemoryDevice::new(1 << 20, SectorSize::S512);
        for (offset, copy) in [0, SECOND].into_iter().zip(&saved) {
            memory.write_at(offset, copy).unwrap();
        }
        let second = redundant.then_some(SECOND);
        let store = Store::open(&memory, Place { offset: 0, second, size: SIZE as u32 }).unwrap();
        assert!(store.observe().unwrap_err().to_string().contains("dd_gen is missing"));
        store.want(&env(B, Mode::Normal, 3, 3, 3)).unwrap();
        let bytes = memory.snapshot();
        let copies =
            [0, SECOND as usize].into_iter().take(saved.len()).map(|at| bytes[at..at + SIZE].to_vec());
        let (start, _) = board.boot(&Row { name: "told".into(), copies: copies.collect(), damaged: vec![] });
        assert_eq!(start, Some(Start::Set(B)));
    }
}
