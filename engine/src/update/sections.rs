//! Taking the sections of a delta: each group that one gives is proven, and then written.

use super::delta::BaseDelta;
use super::workers::{self, Progress};
use crate::error::Error;
use drydock_block::AlignedBuffer;
use drydock_format::tree::{BLOCK, GROUP};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// Which groups of an image are done.
#[derive(Debug)]
pub struct Groups(Vec<AtomicBool>);

impl Groups {
    /// None of so many.
    pub(super) fn new(count: usize) -> Self {
        Self((0..count).map(|_| AtomicBool::new(false)).collect())
    }

    /// Returns how many bytes of an image of so many are in groups that are not done.
    pub(super) fn left(&self, size: u64) -> u64 {
        let groups = (0..size.div_ceil(GROUP as u64)).filter(|group| !self.has(*group as usize));
        groups.map(|group| (size - group * GROUP as u64).min(GROUP as u64)).sum()
    }

    /// Returns whether a group is done.
    pub(super) fn has(&self, group: usize) -> bool {
        self.0.get(group).is_some_and(|done| done.load(Ordering::Relaxed))
    }

    /// Returns whether all of these are.
    pub(super) fn has_all(&self, mut groups: Range<usize>) -> bool {
        groups.all(|group| self.has(group))
    }

    /// Returns whether any of these is.
    pub(super) fn has_any(&self, mut groups: Range<usize>) -> bool {
        groups.any(|group| self.has(group))
    }

    /// This one is.
    pub(super) fn add(&self, group: usize) {
        if let Some(done) = self.0.get(group) {
            done.store(true, Ordering::Relaxed);
        }
    }
}

/// So many wrong groups of a section, and none that is right, are enough: its base is another one.
const ENOUGH: usize = 8;

/// So many bytes of an image a second come out of a delta on the slowest device. The first of a section may be its last: a kernel
/// is packed again as a whole.
const SLOWEST: u64 = 64 << 10;

/// What proves the groups of an image.
pub(super) trait Proving: Sync {
    /// Returns the image's size in bytes.
    fn size(&self) -> u64;

    /// Hashes a group's blocks into `leaf`, and returns whether that is what was signed.
    fn is_right(&self, group: usize, data: &[u8], leaf: &mut [u8]) -> bool;
}

/// The sections of a delta, and what is known of the image that it leads to.
pub(super) struct Sections<'a, P> {
    pub(super) delta: &'a BaseDelta,
    pub(super) image: &'a P,
    pub(super) progress: &'a Progress<'a>,
    pub(super) done: &'a Groups,
}

impl<P: Proving> Sections<'_, P> {
    /// Hands every section to one of so many workers. After an error no new section is begun.
    pub(super) fn each(
        &self,
        threads: usize,
        work: impl Fn(&mut Section<'_, P>) -> Result<(), Error> + Sync,
    ) -> Result<(), Error> {
        let (next, count) = (AtomicUsize::new(0), self.delta.sections());
        workers::run(threads.min(count), || {
            let (data, leaf) = (AlignedBuffer::new(GROUP), AlignedBuffer::new(BLOCK));
            let mut section = Section { of: self, data, leaf, number: 0 };
            loop {
                section.number = next.fetch_add(1, Ordering::Relaxed);
                if section.number >= count {
                    return Ok(());
                }
                if let Err(error) = work(&mut section) {
                    next.store(count, Ordering::Relaxed);
                    return Err(error);
                }
            }
        })
    }

    /// Returns the bytes of a group.
    fn len(&self, group: usize) -> usize {
        let start = group as u64 * GROUP as u64;
        self.image.size().saturating_sub(start).min(GROUP as u64) as usize
    }
}

/// A section, and the buffers of the worker that has it.
pub(super) struct Section<'a, P> {
    of: &'a Sections<'a, P>,
    data: AlignedBuffer,
    leaf: AlignedBuffer,
    number: usize,
}

impl<P: Proving> Section<'_, P> {
    /// Asks of each group whether it is in place already. Returns how many bytes are.
    pub(super) fn look(
        &mut self,
        is_in_place: impl Fn(usize, &mut [u8], &mut [u8]) -> Result<bool, Error>,
    ) -> Result<u64, Error> {
        let mut in_place = 0;
        for group in self.of.delta.groups(self.number) {
            let len = self.of.len(group);
            if is_in_place(group, &mut self.data[..len], &mut self.leaf)? {
                self.of.done.add(group);
                self.of.progress.advance(len as u64);
                in_place += len as u64;
            }
        }
        Ok(in_place)
    }

    /// Decodes the section and proves its groups, where its data are there: of a bundle that was fetched in part, some are
    /// not. Writes nothing.
    pub(super) fn prove(&mut self) -> Result<(), Error> {
        match self.of.delta.has(self.number) {
            true => self.take(|_, _, _| Ok(())),
            false => Ok(()),
        }
    }

    /// Decodes it, unless all of its groups are done, and hands each group that is right and was not done to `put`.
    pub(super) fn take(
        &mut self,
        put: impl Fn(usize, &[u8], &[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Self { of, data, leaf, number } = self;
        let Sections { delta, image, progress, done } = of;
        let groups = delta.groups(*number);
        if done.has_all(groups.clone()) {
            return Ok(());
        }
        progress.allow(Duration::from_secs((groups.len() * GROUP) as u64 / SLOWEST));
        let mut group = groups.start;
        let mut len = of.len(group);
        let (mut filled, mut right, mut wrong) = (0, 0, 0);
        let mut failed = None;
        delta.decode(*number, &mut |mut bytes| {
            while !bytes.is_empty() {
                let (part, rest) = bytes.split_at(bytes.len().min(len - filled));
                data[filled..filled + part.len()].copy_from_slice(part);
                (filled, bytes) = (filled + part.len(), rest);
                if filled < len {
                    continue;
                }
                if done.has(group) {
                    right += 1;
                } else if image.is_right(group, &data[..len], leaf) {
                    if let Err(error) = put(group, &data[..len], leaf) {
                        failed = Some(error);
                        return false;
                    }
                    done.add(group);
                    progress.advance(len as u64);
                    right += 1;
                } else {
                    delta.note(format!("group {group} that it gives does not have its signed digest"));
                    wrong += 1;
                    if right == 0 && wrong >= ENOUGH {
                        return false;
                    }
                }
                (group, filled) = (group + 1, 0);
                len = of.len(group);
                if len == 0 {
                    return bytes.is_empty();
                }
            }
            true
        });
        failed.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_an_image_is_what_its_progress_goes_up_to() {
        let size = 2 * GROUP as u64 + 4096;
        let groups = Groups::new(3);
        assert_eq!(groups.left(size), size);
        groups.add(0);
        assert_eq!(groups.left(size), GROUP as u64 + 4096);
        groups.add(2);
        assert_eq!(groups.left(size), GROUP as u64);
        groups.add(1);
        assert_eq!(groups.left(size), 0);
    }
}
