//! Writes an image and its hash tree into a slot.
//!
//! Workers take frames one after the other. A frame that is in place already is left alone; any other is
//! fetched, and each of its groups (128 blocks, 512 KiB) is proven against the signed root hash before a byte
//! of it is written. Reading, decompressing, hashing and writing overlap because the workers do; memory is two
//! buffers a worker, whatever the image's size.

use super::workers::{self, Progress};
use crate::error::Error;
use crate::event::{Events, Step};
use drydock_block::{AlignedBuffer, BlockDevice, Flush};
use drydock_bundle::tree::{BLOCK, GROUP, Hasher};
use drydock_bundle::{Digest, Image};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// How long the device may take to write its cache back.
const FLUSH_TIME: Duration = Duration::from_secs(120);
/// Memory for all workers together, in bytes; each has a frame and its compressed form.
const MEMORY: usize = 24 << 20;
/// After a frame that was not in place, this many are not even looked at: an interrupted write leaves a
/// prefix in place, an unrelated image nothing.
const LOOK_AGAIN: usize = 16;

/// Where frames come from: a bundle, or the same class of another set.
pub trait Frames: Sync {
    /// Puts the image's bytes of frame `index` into `out`, whose length is the frame's. They need not be
    /// right: every group is proven before it is written. `scratch` is the worker's own, kept between calls.
    fn fetch(&self, index: usize, scratch: &mut Scratch, out: &mut [u8]) -> Result<(), Error>;
}

/// What a worker keeps between frames.
#[derive(Default)]
pub struct Scratch {
    /// Holds a frame's compressed form.
    pub compressed: Vec<u8>,
    /// Decompresses frames.
    pub decoder: drydock_bundle::frames::Decoder,
}

/// One image on its way into a slot.
pub struct Job<'a> {
    /// The image.
    pub image: &'a Image,
    /// The hash tree above its leaf level, proven against the root hash.
    pub upper_tree: &'a [u8],
    /// The digests of all groups, proven against the root hash.
    pub groups: &'a [Digest],
    /// Hashes with the image's salt.
    pub hasher: Hasher,
    /// Where the frames come from.
    pub frames: &'a dyn Frames,
    /// The slot. Its trailer is invalid already.
    pub slot: &'a dyn BlockDevice,
    /// What the progress is called.
    pub label: String,
}

impl Job<'_> {
    /// Writes the image and its tree with up to `threads` workers. On return both are on stable storage. Gives
    /// the bytes of the image that were in place already and left alone.
    pub fn run(&self, threads: usize, events: &dyn Events) -> Result<u64, Error> {
        let tree_error = Error::system("writing the hash tree to", &self.label, WRITE_ADVICE);
        if !self.upper_tree.is_empty() {
            let mut upper = AlignedBuffer::new(self.upper_tree.len());
            upper.copy_from_slice(self.upper_tree);
            self.slot.write_at(self.image.size, &upper).map_err(tree_error)?;
        }
        let progress = Progress::new(events, Step::Write, &self.label, self.image.size);
        let queue = Queue::default();
        workers::run(self.workers(threads), || {
            let outcome = self.work(&queue, &progress);
            if outcome.is_err() {
                queue.stop.store(true, Ordering::Relaxed);
            }
            outcome
        })?;
        events.allow(FLUSH_TIME);
        let flush_error = Error::system("flushing", &self.label, WRITE_ADVICE);
        self.slot.flush(Flush::ImageWritten).map_err(flush_error)?;
        Ok(queue.in_place.load(Ordering::Relaxed))
    }

    fn workers(&self, threads: usize) -> usize {
        let by_memory = MEMORY / (2 * self.frame_size());
        threads.clamp(1, by_memory.max(1)).min(self.frame_count())
    }

    fn frame_size(&self) -> usize {
        self.image.frame_size as usize
    }

    fn frame_count(&self) -> usize {
        self.image.frame_count() as usize
    }

    fn work(&self, queue: &Queue, progress: &Progress<'_>) -> Result<(), Error> {
        let mut frame = AlignedBuffer::new(self.frame_size());
        let mut leaves = AlignedBuffer::new(self.frame_size() / GROUP * BLOCK);
        let mut scratch = Scratch::default();
        while let Some(index) = queue.next(self.frame_count()) {
            self.one_frame(index, queue, &mut scratch, &mut frame, &mut leaves)?;
            progress.advance(self.image.frame_len(index as u64) as u64);
        }
        Ok(())
    }

    fn one_frame(
        &self,
        index: usize,
        queue: &Queue,
        scratch: &mut Scratch,
        frame: &mut AlignedBuffer,
        leaves: &mut AlignedBuffer,
    ) -> Result<(), Error> {
        let start = index as u64 * u64::from(self.image.frame_size);
        let len = self.image.frame_len(index as u64);
        let first_group = start as usize / GROUP;
        let data = &mut frame[..len];
        let leaves = &mut leaves[..len.div_ceil(GROUP) * BLOCK];
        if queue.worth_a_look(index) {
            let found = self.in_place(start, first_group, data, leaves)?;
            queue.looked(index, found);
            if found {
                queue.in_place.fetch_add(len as u64, Ordering::Relaxed);
                return Ok(());
            }
        }
        self.frames.fetch(index, scratch, data)?;
        for (nth, (group, leaf)) in data.chunks(GROUP).zip(leaves.chunks_mut(BLOCK)).enumerate() {
            if !self.is_right(first_group + nth, group, leaf) {
                return Err(Error::NotProven {
                    what: format!("image {}", self.image.name),
                    why: format!("group {} of the source does not have its signed digest", first_group + nth),
                });
            }
        }
        let write_error = || Error::system("writing", &self.label, WRITE_ADVICE);
        self.slot.write_at(start, data).map_err(write_error())?;
        self.slot.write_at(self.leaf_offset(first_group), leaves).map_err(write_error())
    }

    /// Says whether a frame and its part of the tree's leaf level are in the slot already.
    fn in_place(
        &self,
        start: u64,
        first_group: usize,
        data: &mut [u8],
        leaves: &mut [u8],
    ) -> Result<bool, Error> {
        let read_error = || Error::system("reading", &self.label, "check the disk");
        self.slot.read_at(self.leaf_offset(first_group), leaves).map_err(read_error())?;
        let mut expected = [0; BLOCK];
        for (nth, (group, leaf)) in data.chunks_mut(GROUP).zip(leaves.chunks(BLOCK)).enumerate() {
            // The leaf level is cheap to check and mostly tells: the data is read only where it holds.
            if self.hasher.digest(leaf) != self.groups[first_group + nth] {
                return Ok(false);
            }
            self.slot.read_at(start + (nth * GROUP) as u64, group).map_err(read_error())?;
            if !self.is_right(first_group + nth, group, &mut expected) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Hashes a group's blocks into `leaf` and says whether that is what was signed.
    fn is_right(&self, group: usize, data: &[u8], leaf: &mut [u8]) -> bool {
        leaf.copy_from_slice(&self.hasher.leaf_block(data));
        self.hasher.digest(leaf) == self.groups[group]
    }

    fn leaf_offset(&self, group: usize) -> u64 {
        self.image.size + (self.upper_tree.len() + group * BLOCK) as u64
    }
}

const WRITE_ADVICE: &str = "the disk may be failing or write-protected; the old system stays, check the disk";

/// Which frame is next, and which are worth a look at what is in place.
#[derive(Default)]
struct Queue {
    next: AtomicUsize,
    /// The first frame that is worth a look again.
    look_from: AtomicUsize,
    stop: AtomicBool,
    /// Bytes of the image that were left alone.
    in_place: AtomicU64,
}

impl Queue {
    fn next(&self, count: usize) -> Option<usize> {
        if self.stop.load(Ordering::Relaxed) {
            return None;
        }
        Some(self.next.fetch_add(1, Ordering::Relaxed)).filter(|&index| index < count)
    }

    fn worth_a_look(&self, index: usize) -> bool {
        index >= self.look_from.load(Ordering::Relaxed)
    }

    fn looked(&self, index: usize, found: bool) {
        let from = if found { 0 } else { index + LOOK_AGAIN };
        self.look_from.store(from, Ordering::Relaxed);
    }
}
