//! Disks at the moments between operations.

use crate::contents::Contents;
use crate::device::{Boot, End, SimDevice};
use crate::workshop::{LIKE_THE_FIRST, Workshop};
use drydock_block::BlockDevice;
use drydock_engine::live;
use drydock_engine::machine::open_bootloader;
use drydock_engine::recover::Next;
use drydock_format::tree::BLOCK;
use drydock_state::{SetName, Wanted};
use std::ops::Range;

/// The partition that a bundle is written to.
pub(super) const FACTORY: &str = "factory";
/// So much of a bundle, in bytes, is in flight when it is staged.
const END: usize = 2 * BLOCK;

/// Disks at the moments between operations.
pub struct Moments {
    /// Version 1 runs, and nothing else was ever there.
    pub first: Contents,
    /// The same, and the partition `factory` has all but the end of version 2's bundle.
    pub unwritten: Contents,
    /// Version 2 is staged.
    pub staged: Contents,
    /// Version 5 is staged.
    pub staged_like: Contents,
    /// Version 2 is installed and has not run yet.
    pub installed: Contents,
    /// Version 2 runs, version 1 is the second choice.
    pub second: Contents,
    /// The same, and version 3 is staged.
    pub staged_again: Contents,
    /// Versions 2 and 1 have used up their attempts.
    pub starved: Contents,
    /// Version 1 is first, which is older than what the device boots; version 2 is the second choice.
    pub below: Contents,
    /// Version 1 runs, and both replicas of the record are gone.
    pub lost: Contents,
    /// Version 4 is installed and has not run yet; it brings a recovery.
    pub brought: Contents,
    /// The same, it is good, and its recovery is in copy b, which has not run yet.
    pub written: Contents,
    /// Version 1 runs, and a factory reset is staged.
    pub reset: Contents,
    /// Version 1 runs, and a wipe of `logs` is staged.
    pub wipe: Contents,
}

impl Moments {
    /// What is fetched by whom: a full bundle, and one with deltas.
    pub fn fetches(&self) -> [(&'static str, &Contents); 2] {
        [("3", &self.second), (LIKE_THE_FIRST, &self.first)]
    }

    /// Lets a device live through all of them, with its power on.
    pub fn new(workshop: &Workshop) -> Self {
        let device = SimDevice::new(workshop, workshop.flashed());
        assert_eq!(device.run(), End::Up(SetName::A));
        let first = device.disk.view();
        let fresh = SimDevice::new(workshop, first.clone());
        write_bundle(&fresh, |end| 0..end);
        let unwritten = fresh.disk.view();
        let like = SimDevice::new(workshop, first.clone());
        like.stage(LIKE_THE_FIRST);
        let staged_like = like.disk.view();
        device.stage("2");
        let staged = device.disk.view();
        device.boot();
        let installed = device.disk.view();
        assert_eq!(device.run(), End::Up(SetName::B));
        let second = device.disk.view();
        device.stage("3");
        let staged_again = device.disk.view();

        let device = SimDevice::new(workshop, second.clone());
        let env = open_bootloader(&device.machine()).unwrap();
        let mut told: Wanted = env.observe().expect("the environment is whole").into();
        (told.attempts.a, told.attempts.b) = (0, 0);
        env.want(&told).expect("the disk is sound");
        let starved = device.disk.view();

        let device = SimDevice::new(workshop, second.clone());
        device.roll_back(SetName::B);
        device.change(|record| record.floors.boot = 2);
        let below = device.disk.view();

        let mut lost = first.clone();
        let state = workshop.range("state");
        lost.write(state.start, &vec![0; (state.end - state.start) as usize]);
        let device = SimDevice::new(workshop, first.clone());
        device.stage("4");
        device.boot();
        let brought = device.disk.view();
        loop {
            match device.boot() {
                Boot::Up(set) => assert!(device.is_well(set)),
                Boot::Recovered(Next::TryCopy(_)) => break,
                other => panic!("{other:?}"),
            }
        }
        let written = device.disk.view();

        let device = SimDevice::new(workshop, first.clone());
        device.live(live::factory_reset).expect("it is staged");
        let reset = device.disk.view();
        let device = SimDevice::new(workshop, first.clone());
        device.live(|machine| live::wipe(machine, "logs")).expect("it is staged");
        let wipe = device.disk.view();
        Self {
            brought,
            written,
            reset,
            wipe,
            first,
            unwritten,
            staged,
            staged_like,
            installed,
            second,
            staged_again,
            starved,
            below,
            lost,
        }
    }
}

/// A part of version 2's bundle is written to the partition `factory`, and not flushed: the part is before or after
/// where its end begins.
pub(super) fn write_bundle(device: &SimDevice, part: impl Fn(u64) -> Range<u64>) {
    let mut bundle = device.workshop.version("2").bundle.to_vec();
    bundle.resize(bundle.len().next_multiple_of(BLOCK), 0);
    let Range { start, end } = part((bundle.len() - END) as u64);
    let partition = device.workshop.partition(&device.disk, FACTORY).expect("there is one");
    let part = &bundle[start as usize..bundle.len().min(end as usize)];
    partition.write_at(start, part).expect("the disk is sound");
}
