//! What no install can be faster than, each part by itself: unpacking and hashing, writing, and reading back.

use super::machine::{NativeMachine, Zeros};
use super::{BUNDLE, machine};
use drydock_block::{AlignedBuffer, BlockDevice, Flush};
use drydock_config::SlotClass;
use drydock_engine::Error;
use drydock_engine::machine::{Disk, Setting};
use drydock_engine::release::trusted_release;
use drydock_engine::update::{self, Look};
use drydock_fixtures::Random;
use drydock_format::slot;
use drydock_state::{Record, SetName, SlotName, Source};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes in one write.
const WRITE: usize = 4 << 20;
const SLOT: SlotName = SlotName::Set(SetName::B);

fn class(machine: &NativeMachine) -> Result<SlotClass, Error> {
    let class = machine.config().slots.first().cloned();
    class.ok_or_else(|| Error::Refused("a device of files has one class of slots".into()))
}

/// Unpacks the bundle in the folder and proves every group of it. Writes nothing.
pub fn unpack(folder: &Path, threads: usize) -> Result<(), Error> {
    let machine = machine(folder, threads, Zeros::Written)?;
    let source = Source::Data { path: BUNDLE.into() };
    update::prepare(&machine, &Record::default(), &source, None, Look::Whole).map(drop)
}

/// Reads back what is installed in the folder's slot, and proves it.
pub fn read_back(folder: &Path, threads: usize) -> Result<(), Error> {
    let machine = machine(folder, threads, Zeros::Written)?;
    let class = class(&machine)?;
    let image = trusted_release(&machine, &class, SLOT)?.image;
    machine.read_back(&class, SLOT, &image)
}

/// Writes noise over all that an image and its tree take of the folder's slot, past the page cache and with so many writers at
/// once, and flushes it.
pub fn write(folder: &Path, threads: usize) -> Result<(), Error> {
    let machine = machine(folder, threads, Zeros::Written)?;
    let class = class(&machine)?;
    let release = trusted_release(&machine, &class, SLOT)?;
    let device = machine.slot(&class, SLOT)?;
    let size = slot::min_size(&release.image, 0).min(device.size());
    let failed = |error| Error::system("writing", "the slot", "see that the folder is on a disk")(error);
    let next = AtomicU64::new(0);
    let writer = || -> Result<(), Error> {
        let mut piece = AlignedBuffer::new(WRITE);
        Random::new(1).fill(&mut piece);
        loop {
            let start = next.fetch_add(WRITE as u64, Ordering::Relaxed);
            let Some(rest) = size.checked_sub(start).filter(|&rest| rest > 0) else { return Ok(()) };
            device.write_at(start, &piece[..rest.min(WRITE as u64) as usize]).map_err(failed)?;
        }
    };
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..threads).map(|_| scope.spawn(writer)).collect();
        writers.into_iter().try_for_each(|writer| writer.join().expect("a writer does not panic"))
    })?;
    device.flush(Flush::ImageWritten).map_err(failed)
}

/// Returns the middle one of what was measured, or the mean of the two in the middle; 0 of none.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        len if len % 2 == 1 => values[middle],
        _ => (values[middle - 1] + values[middle]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_in_the_middle_whatever_the_order() {
        assert_eq!(median([9.0, 1.0, 2.0].into_iter()), 2.0);
        assert_eq!(median([4.0, 1.0, 3.0, 2.0].into_iter()), 2.5);
        assert_eq!((median([7.0].into_iter()), median([].into_iter())), (7.0, 0.0));
    }
}
