//! Power cuts: every prefix of the writes, with the last one torn, must leave a volume that opens.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{COST, LIMITS, random};
use drydock_block::{BlockDevice, Flush, MemoryDevice, SectorSize, is_zero};
use drydock_luks::{FormatOptions, Volume, erase, format};
use std::io;
use std::sync::Mutex;

const SIZE: u64 = 1 << 20;

/// A device that remembers every write and flush.
struct Recorder {
    medium: MemoryDevice,
    log: Mutex<Vec<Event>>,
}

#[derive(Clone)]
enum Event {
    Write(u64, Vec<u8>),
    Flush(Flush),
}

impl BlockDevice for Recorder {
    fn size(&self) -> u64 {
        self.medium.size()
    }
    fn sector_size(&self) -> SectorSize {
        SectorSize::S512
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.medium.read_at(offset, buf)
    }
    fn write_at(&self, offset: u64, buf: &[u8]) -> io::Result<()> {
        self.log.lock().unwrap().push(Event::Write(offset, buf.to_vec()));
        self.medium.write_at(offset, buf)
    }
    fn flush(&self, guard: Flush) -> io::Result<()> {
        self.log.lock().unwrap().push(Event::Flush(guard));
        Ok(())
    }
    fn discard(&self, _: u64, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Runs `operation` on a copy of `before`, then shows `check` what a cut could have left on the medium: between
/// two flushes, a choice of subsets of the sectors in flight. Flushes named in `swallowed` do not take effect. Returns the number of states.
fn cuts(
    before: &[u8],
    swallowed: &[Flush],
    operation: impl Fn(&Recorder),
    mut check: impl FnMut(&MemoryDevice),
) -> usize {
    let recorder = Recorder {
        medium: MemoryDevice::from_bytes(before.to_vec(), SectorSize::S512),
        log: Mutex::new(Vec::new()),
    };
    operation(&recorder);
    let mut stable = before.to_vec();
    let mut flight: Vec<(usize, Vec<u8>)> = Vec::new();
    let mut states = 0;
    let log = recorder.log.into_inner().unwrap();
    for event in log {
        match event {
            Event::Write(offset, bytes) => {
                flight.extend((offset as usize..).step_by(512).zip(bytes.chunks(512).map(<[u8]>::to_vec)));
            }
            Event::Flush(name) if swallowed.contains(&name) => {}
            Event::Flush(_) => {
                // A write of what is there already makes no difference.
                flight.retain(|(at, bytes)| stable[*at..*at + 512] != bytes[..]);
                for chosen in subsets(flight.len()) {
                    let mut medium = stable.clone();
                    for ((at, bytes), _) in flight.iter().zip(chosen).filter(|(_, chosen)| *chosen) {
                        medium[*at..*at + 512].copy_from_slice(bytes);
                    }
                    states += 1;
                    check(&MemoryDevice::from_bytes(medium, SectorSize::S512));
                }
                for (at, bytes) in flight.drain(..) {
                    stable[at..at + 512].copy_from_slice(&bytes);
                }
            }
        }
    }
    assert!(flight.is_empty() || !swallowed.is_empty(), "writes after the last flush");
    check(&MemoryDevice::from_bytes(stable, SectorSize::S512));
    states + 1
}

/// Of `n` sectors in flight: each prefix, each suffix, each alone, each missing (of many, a sample), and random ones.
fn subsets(n: usize) -> Vec<Vec<bool>> {
    let mut all = Vec::new();
    let step = (n / 12).max(1);
    for i in (0..n).step_by(step).chain(n.checked_sub(1)) {
        let rules: [&dyn Fn(usize) -> bool; 4] = [&|k| k < i, &|k| k >= i, &|k| k == i, &|k| k != i];
        all.extend(rules.map(|rule| (0..n).map(rule).collect()));
    }
    let mut fill = random(n as u64 + 77);
    for _ in 0..if n > 1 { 16 } else { 0 } {
        let mut bytes = vec![0; n];
        fill(&mut bytes).unwrap();
        all.push(bytes.iter().map(|byte| byte & 1 == 1).collect());
    }
    all
}

fn options() -> FormatOptions {
    FormatOptions {
        sector_size: SectorSize::S512,
        key_size: 32,
        data_offset: 0x8000 + 4 * 131_072,
        ..FormatOptions::new(COST)
    }
}

fn volume(pass: &[u8]) -> Vec<u8> {
    let device = MemoryDevice::new(SIZE, SectorSize::S512);
    format(&device, pass, &options(), &mut random(1)).unwrap();
    device.snapshot()
}

fn opens(device: &MemoryDevice, pass: &[u8]) -> bool {
    Volume::open(device, &LIMITS).and_then(|volume| volume.unlock(pass)).is_ok()
}

fn change(device: &Recorder) {
    let mut volume = Volume::open(device, &LIMITS).unwrap();
    volume.change_key(b"old", b"new", COST, &mut random(2)).unwrap();
}

#[test]
fn a_change_of_key_leaves_exactly_one_key() {
    let states = cuts(&volume(b"old"), &[], change, |medium| {
        let (old, new) = (opens(medium, b"old"), opens(medium, b"new"));
        assert!(old != new, "old key opens: {old}, new key opens: {new}");
        let mut volume = Volume::open(medium, &LIMITS).unwrap();
        volume.repair().unwrap();
        assert!(!Volume::open(medium, &LIMITS).unwrap().one_header_stale());
        assert!(opens(medium, if new { b"new" } else { b"old" }));
        let area = &medium.snapshot()[0x8000..][..4 * 131_072];
        let used = area.chunks(4096).filter(|chunk| !is_zero(chunk)).count();
        assert!(used <= 32, "{used} blocks of key material for one key slot");
    });
    assert!(states > 100, "{states}");
}

#[test]
fn an_added_key_never_costs_an_old_one() {
    let add = |device: &Recorder| {
        let mut volume = Volume::open(device, &LIMITS).unwrap();
        let unlocked = volume.unlock(b"old").unwrap();
        volume.add_key(&unlocked, b"new", COST, &mut random(2)).unwrap();
    };
    let mut last = false;
    cuts(&volume(b"old"), &[], add, |medium| {
        assert!(opens(medium, b"old"));
        last = opens(medium, b"new");
    });
    assert!(last);
}

/// A cut in the first header, then another change cut in the first header again: without making the headers equal
/// first, the volume would fall back to a state before the one that was seen in between.
#[test]
fn what_was_seen_to_be_true_stays_true() {
    let mut in_between = Vec::new();
    cuts(&volume(b"old"), &[], change, |medium| {
        if opens(medium, b"new") && Volume::open(medium, &LIMITS).unwrap().one_header_stale() {
            in_between.push(medium.snapshot());
        }
    });
    let add = |device: &Recorder| {
        let mut volume = Volume::open(device, &LIMITS).unwrap();
        let unlocked = volume.unlock(b"new").unwrap();
        volume.add_key(&unlocked, b"third", COST, &mut random(3)).unwrap();
    };
    assert!(!in_between.is_empty());
    for before in in_between.iter().step_by(in_between.len().div_ceil(3)) {
        cuts(before, &[], add, |medium| assert!(opens(medium, b"new")));
    }
}

/// Whether the mark of a format that was cut off stands where the second header will lie, and no volume opens.
fn is_unfinished(medium: &MemoryDevice) -> bool {
    let mark = b"drydock: a format of this volume was begun";
    medium.snapshot()[16 << 10..].starts_with(mark) && Volume::open(medium, &LIMITS).is_err()
}

#[test]
fn a_format_is_recognised_as_unfinished_or_it_opens() {
    let make = |device: &Recorder| {
        format(device, b"new", &options(), &mut random(2)).unwrap();
    };
    let blank = vec![0; SIZE as usize];
    let mut unfinished = Vec::new();
    cuts(&blank, &[], make, |medium| {
        let untouched = is_zero(&medium.snapshot());
        assert!(untouched || opens(medium, b"new") || is_unfinished(medium));
        if is_unfinished(medium) {
            unfinished.push(medium.snapshot());
        }
    });
    for before in unfinished.iter().step_by(unfinished.len().div_ceil(3)) {
        cuts(before, &[], make, |medium| assert!(opens(medium, b"new") || is_unfinished(medium)));
    }
    // Over an older volume, the headers never are a mixture.
    cuts(&volume(b"old"), &[], make, |medium| {
        if let Ok(found) = Volume::open(medium, &LIMITS) {
            assert!(!opens(medium, b"old") || !opens(medium, b"new"));
            assert!(found.slots() == [0]);
        }
    });
}

#[test]
fn an_erase_can_be_repeated_after_any_cut() {
    cuts(
        &volume(b"old"),
        &[],
        |device| erase(device).unwrap(),
        |medium| {
            erase(medium).unwrap();
            assert!(!opens(medium, b"old"));
            assert!(is_zero(&medium.snapshot()[0x8000..][..4 * 131_072]));
        },
    );
}

/// The tests above can fail: each flush that is swallowed breaks a promise.
#[test]
fn a_swallowed_flush_breaks_a_promise() {
    let mut broken = 0;
    for flush in [Flush::LuksKeyMaterial, Flush::LuksFirstHeader] {
        let before = broken;
        cuts(&volume(b"old"), &[flush], change, |medium| {
            broken += usize::from(opens(medium, b"old") == opens(medium, b"new"));
        });
        assert!(broken > before, "{flush:?}");
    }
    let make = |device: &Recorder| {
        format(device, b"new", &options(), &mut random(2)).unwrap();
    };
    let mut stuck = false;
    cuts(&vec![0; SIZE as usize], &[Flush::LuksOldHeaderWiped], make, |medium| {
        stuck |= !is_zero(&medium.snapshot()) && !opens(medium, b"new") && !is_unfinished(medium);
    });
    assert!(stuck);
    // The last flush before the return: what it guards is not on the medium afterwards.
    let mut wiped = true;
    cuts(&volume(b"old"), &[Flush::LuksKeySlotWiped], change, |medium| {
        wiped = is_zero(&medium.snapshot()[0x8000..][..131_072]);
    });
    assert!(!wiped);
    let mut stale = false;
    cuts(&vec![0; SIZE as usize], &[Flush::LuksSecondHeader], make, |medium| {
        stale = Volume::open(medium, &LIMITS).is_ok_and(|volume| volume.one_header_stale());
    });
    assert!(stale);
}

#[test]
fn headers_are_made_equal_before_a_slot_goes() {
    let device = MemoryDevice::new(SIZE, SectorSize::S512);
    let unlocked = format(&device, b"old", &options(), &mut random(1)).unwrap();
    let second = device.snapshot()[0x4000..0x8000].to_vec();
    Volume::open(&device, &LIMITS).unwrap().add_key(&unlocked, b"new", COST, &mut random(2)).unwrap();
    device.write_at(0x4000, &second).unwrap();
    let destroy = |device: &Recorder| Volume::open(device, &LIMITS).unwrap().destroy_slot(0).unwrap();
    cuts(&device.snapshot(), &[], destroy, |medium| assert!(opens(medium, b"new")));
    let mut lost = false;
    cuts(&device.snapshot(), &[Flush::LuksHeadersEqual], destroy, |medium| lost |= !opens(medium, b"new"));
    assert!(lost);
}
