//! A cut at any moment of a write.

use crate::device::{A, B, Device, Op};
use drydock_block::BlockDevice;
use drydock_state::efi_boot_guard::{Image, order};
use drydock_state::{Bootloader, CopyName, Generation, Mode, Starts, Wanted};
use proptest::prelude::*;

fn any_wanted(generation: u32) -> impl Strategy<Value = Wanted> {
    any::<[bool; 5]>().prop_map(move |[first_b, job, a, b, copy_b]| Wanted {
        generation: Generation(generation),
        first: if first_b { B } else { A },
        mode: if job { Mode::Recovery } else { Mode::Normal },
        attempts: Starts { a: a.into(), b: b.into(), recovery: 1 },
        copy: if copy_b { CopyName::B } else { CopyName::A },
    })
}

/// The partitions after each cut: what was flushed is there, and any part of what was not.
fn cuts(before: &[Vec<u8>; 2], log: &[Op]) -> Vec<[Vec<u8>; 2]> {
    let (mut durable, mut pending, mut all) = (before.clone(), Vec::new(), Vec::new());
    for op in log {
        match op {
            Op::Write(index, at, bytes) => pending.push((*index, *at as usize, bytes)),
            Op::Flush => {
                for some in 0u32..1 << pending.len() {
                    let mut disk = durable.clone();
                    let taken = pending.iter().enumerate().filter(|(n, _)| some >> n & 1 == 1);
                    taken.for_each(|(_, (index, at, bytes))| {
                        disk[*index][*at..at + bytes.len()].copy_from_slice(bytes);
                    });
                    all.push(disk);
                }
                for (index, at, bytes) in pending.drain(..) {
                    durable[index][at..at + bytes.len()].copy_from_slice(bytes);
                }
            }
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is started then, and after further resets, is what was wanted before or is wanted now; what is seen is the
    /// old state, the new one, or nothing; and the next write mends it.
    #[test]
    fn after_a_cut_only_what_was_or_is_wanted_is_started(
        old in any_wanted(7), new in any_wanted(8), resets in 0usize..4,
    ) {
        let device = Device::new();
        device.loader().want(&old).unwrap();
        for _ in 0..resets {
            device.start();
        }
        let seen = device.loader().observe().unwrap();
        let before = device.contents();
        device.log.lock().unwrap().clear();
        device.loader().want(&new).unwrap();
        let log = device.log.lock().unwrap().clone();
        let allowed: Vec<Image> = order(&old).into_iter().chain(order(&new)).collect();
        for disk in cuts(&before, &log) {
            let cut = Device::of(disk);
            if let Ok(now) = cut.loader().observe() {
                prop_assert!(now == seen || now == new.fresh(), "{:?}", now);
            }
            for _ in 0..4 {
                let started = cut.start();
                prop_assert!(allowed.contains(&started), "{:?} was started", started);
            }
            cut.loader().want(&new).unwrap();
            prop_assert_eq!(cut.loader().observe().unwrap(), new.fresh());
        }
    }

    #[test]
    fn only_sectors_of_the_files_are_written_and_as_few_as_can_be(old in any_wanted(7), new in any_wanted(8)) {
        let device = Device::new();
        device.loader().want(&old).unwrap();
        device.log.lock().unwrap().clear();
        device.loader().want(&new).unwrap();
        let log = device.log.lock().unwrap().clone();
        let written: Vec<_> = log.iter().filter_map(|op| match op {
            Op::Write(index, at, bytes) => Some((*index, *at, bytes.len())),
            Op::Flush => None,
        }).collect();
        prop_assert!(written.len() <= 8, "{:?}", written);
        prop_assert!(written.iter().all(|(_, _, len)| *len == 512));
        device.log.lock().unwrap().clear();
        device.loader().want(&new).unwrap();
        prop_assert!(device.log.lock().unwrap().is_empty(), "nothing changes, and nothing is written");
        prop_assert!(device.partitions.iter().all(|partition| partition.size() == 512 << 10));
    }
}

/// A set that is known to be good is started in the end, even where a cut and a new release that hangs come together.
#[test]
fn a_cut_and_a_release_that_hangs_together_still_end_in_the_good_set() {
    let job = Wanted {
        generation: Generation(7),
        first: A,
        mode: Mode::Recovery,
        attempts: Starts { a: 1, b: 0, recovery: 1 },
        copy: CopyName::A,
    };
    let trial = Wanted {
        generation: Generation(8),
        first: B,
        mode: Mode::Normal,
        attempts: Starts { a: 1, b: 1, recovery: 1 },
        ..job
    };
    let device = Device::new();
    device.loader().want(&job).unwrap();
    assert_eq!(device.start(), Image::Recovery(CopyName::A));
    let before = device.contents();
    device.log.lock().unwrap().clear();
    device.loader().want(&trial).unwrap();
    let log = device.log.lock().unwrap().clone();
    let cuts = cuts(&before, &log);
    assert!(cuts.len() > 4);
    for disk in cuts {
        let cut = Device::of(disk);
        let started: Vec<_> = (0..4).map(|_| cut.start()).collect();
        assert_eq!(started.last(), Some(&Image::Set(A)), "{started:?}");
    }
}
