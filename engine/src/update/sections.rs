//! Taking the sections of a delta: each group that one gives is proven, and then written.

use super::delta::BaseDelta;
use super::workers::Progress;
use super::write::{Content, Job};
use crate::error::Error;
use drydock_block::AlignedBuffer;
use drydock_format::tree::{BLOCK, GROUP};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

/// Which groups of an image are done.
pub(super) struct Groups(Vec<AtomicBool>);

impl Groups {
    /// None of so many.
    pub(super) fn new(count: usize) -> Self {
        Self((0..count).map(|_| AtomicBool::new(false)).collect())
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

    fn add(&self, group: usize) {
        if let Some(done) = self.0.get(group) {
            done.store(true, Ordering::Relaxed);
        }
    }
}

/// So many wrong groups of a section, and none that is right, are enough: its base is another one.
const ENOUGH: usize = 8;

/// A worker that takes sections.
pub(super) struct Section<'a> {
    content: &'a Content<'a>,
    delta: &'a BaseDelta,
    progress: &'a Progress<'a>,
    done: &'a Groups,
    data: AlignedBuffer,
    leaf: AlignedBuffer,
    /// Which section is next.
    pub(super) number: usize,
}

impl<'a> Section<'a> {
    /// A worker.
    pub(super) fn new(
        content: &'a Content<'a>,
        delta: &'a BaseDelta,
        progress: &'a Progress<'a>,
        done: &'a Groups,
    ) -> Self {
        let (data, leaf) = (AlignedBuffer::new(GROUP), AlignedBuffer::new(BLOCK));
        Self { content, delta, progress, done, data, leaf, number: 0 }
    }

    /// Decodes the section and proves its groups. Writes nothing.
    pub(super) fn prove(&mut self) -> Result<(), Error> {
        self.take(|_, _, _| Ok(()))
    }

    /// Decodes the section, and writes each group that is right and not in place already. Returns how many bytes were in
    /// place.
    pub(super) fn write(&mut self, job: &Job<'_>) -> Result<u64, Error> {
        let groups = self.delta.groups(self.number);
        let mut in_place = 0;
        for group in groups.clone() {
            let len = self.len(group);
            if job.group_in_place(group, &mut self.data[..len], &mut self.leaf)? {
                self.done.add(group);
                self.progress.advance(len as u64);
                in_place += len as u64;
            }
        }
        if !self.done.has_all(groups) {
            self.take(|group, data, leaf| job.put(group, data, leaf))?;
        }
        Ok(in_place)
    }

    /// Returns the bytes of a group.
    fn len(&self, group: usize) -> usize {
        let start = group as u64 * GROUP as u64;
        self.content.image.size.saturating_sub(start).min(GROUP as u64) as usize
    }

    /// Decodes the section, and hands each group that is right and was not done to `put`.
    fn take(&mut self, mut put: impl FnMut(usize, &[u8], &[u8]) -> Result<(), Error>) -> Result<(), Error> {
        let mut group = self.delta.groups(self.number).start;
        let mut len = self.len(group);
        let (mut filled, mut right, mut wrong) = (0, 0, 0);
        let mut failed = None;
        let Self { content, delta, progress, done, data, leaf, number } = self;
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
                } else if content.is_right(group, &data[..len], leaf) {
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
                group += 1;
                filled = 0;
                len =
                    content.image.size.saturating_sub(group as u64 * GROUP as u64).min(GROUP as u64) as usize;
                if len == 0 {
                    return bytes.is_empty();
                }
            }
            true
        });
        failed.map_or(Ok(()), Err)
    }
}
