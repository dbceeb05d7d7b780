//! Writes an image and its hash tree into a slot.
//!
//! Where there is a [delta](super::delta) its sections come first, and give what they can. Then workers take frames one
//! after the other. A frame that is in place already is left alone; any other is fetched, and each of its groups (128
//! blocks, 512 KiB) is proven against the signed root hash before a byte of it is written. Reading, decompressing, hashing
//! and writing overlap because the workers do; memory is two buffers a worker, whatever the image's size.

use super::delta::BaseDelta;
use super::sections::{Groups, Proving, Sections};
use super::workers::{self, Progress};
use crate::error::Error;
use crate::event::{Events, Step};
use drydock_block::{AlignedBuffer, BlockDevice, Flush};
use drydock_format::tree::{BLOCK, GROUP, Hasher};
use drydock_format::{Digest, Image};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
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

    /// Whether a frame can be fetched: a bundle may have been brought here without those that are in place.
    fn has(&self, _index: usize) -> bool {
        true
    }

    /// Returns the bytes of the bundle that a frame is; none where it does not come out of one.
    fn places(&self, _index: usize) -> Vec<Range<u64>> {
        Vec::new()
    }

    /// What is to be said of a group that came from here and is not what was signed.
    fn not_proven(&self, image: &Image, group: usize) -> Error;
}

/// What a worker keeps between frames.
#[derive(Default)]
pub struct Scratch {
    /// Holds a frame's compressed form.
    pub compressed: Vec<u8>,
    /// Decompresses frames.
    pub decoder: drydock_format::frames::Decoder,
}

/// An image as it comes from its source, and what proves it.
pub struct Content<'a> {
    /// The image.
    pub image: &'a Image,
    /// The digests of all groups, proven against the root hash.
    pub groups: &'a [Digest],
    /// Hashes with the image's salt.
    pub hasher: Hasher,
    /// Where the frames come from.
    pub frames: &'a dyn Frames,
    /// The delta that comes before them, if there is one.
    pub delta: Option<&'a BaseDelta>,
}

impl<'a> Content<'a> {
    /// What these frames and digests are of.
    pub fn new(image: &'a Image, groups: &'a [Digest], frames: &'a dyn Frames) -> Self {
        Self { image, groups, hasher: Hasher::new(&image.salt), frames, delta: None }
    }

    /// Reads and proves all of it with up to `threads` workers, and writes nothing. Of a frame that can't be fetched
    /// `absent` decides.
    pub fn prove(
        &self,
        label: &str,
        threads: usize,
        events: &dyn Events,
        absent: impl Fn(usize, &mut [u8], &mut [u8]) -> Result<(), Error> + Sync,
    ) -> Result<(), Error> {
        let progress = Progress::new(events, Step::Verify, label, self.image.size);
        let done = Groups::new(self.groups.len());
        if let Some(delta) = self.delta {
            let sections = Sections { delta, image: self, progress: &progress, done: &done };
            sections.each(threads, |section| section.prove())?;
        }
        self.prove_frames(threads, &progress, &done, absent)
    }

    /// Reads and proves the frames that have groups which are not done.
    fn prove_frames(
        &self,
        threads: usize,
        progress: &Progress<'_>,
        done: &Groups,
        absent: impl Fn(usize, &mut [u8], &mut [u8]) -> Result<(), Error> + Sync,
    ) -> Result<(), Error> {
        self.each_frame(threads, progress, done, |content, index, scratch, frame, leaves| {
            match content.frames.has(index) {
                true => content.fetch(index, scratch, frame, leaves),
                false => absent(index, frame, leaves),
            }
        })
    }

    /// Hands every frame that has groups which are not done to a worker, with buffers of its length. After an error no new
    /// frame is begun.
    fn each_frame(
        &self,
        threads: usize,
        progress: &Progress<'_>,
        done: &Groups,
        work: impl Fn(&Self, usize, &mut Scratch, &mut [u8], &mut [u8]) -> Result<(), Error> + Sync,
    ) -> Result<(), Error> {
        let next = AtomicUsize::new(0);
        let count = self.image.frame_count() as usize;
        let frame_size = self.image.frame_size as usize;
        let by_memory = (MEMORY / (2 * frame_size)).max(1);
        workers::run(threads.clamp(1, by_memory).min(count), || {
            let mut frame = AlignedBuffer::new(frame_size);
            let mut leaves = AlignedBuffer::new(frame_size / GROUP * BLOCK);
            let mut scratch = Scratch::default();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= count {
                    return Ok(());
                }
                let len = self.image.frame_len(index as u64);
                let first = self.first_group(index);
                if done.has_all(first..first + len.div_ceil(GROUP)) {
                    continue;
                }
                let leaves = &mut leaves[..len.div_ceil(GROUP) * BLOCK];
                if let Err(error) = work(self, index, &mut scratch, &mut frame[..len], leaves) {
                    next.store(count, Ordering::Relaxed);
                    return Err(error);
                }
                let left = |nth: &usize| !done.has(first + nth);
                let groups = (0..len.div_ceil(GROUP)).filter(left);
                progress.advance(groups.map(|nth| (len - nth * GROUP).min(GROUP) as u64).sum());
            }
        })
    }

    /// Fetches a frame and proves its groups, whose blocks' hashes go into `leaves`.
    fn fetch(
        &self,
        index: usize,
        scratch: &mut Scratch,
        data: &mut [u8],
        leaves: &mut [u8],
    ) -> Result<(), Error> {
        self.frames.fetch(index, scratch, data)?;
        let first = self.first_group(index);
        for (nth, (group, leaf)) in data.chunks(GROUP).zip(leaves.chunks_mut(BLOCK)).enumerate() {
            if !self.is_right(first + nth, group, leaf) {
                return Err(self.frames.not_proven(self.image, first + nth));
            }
        }
        Ok(())
    }

    fn start(&self, index: usize) -> u64 {
        index as u64 * u64::from(self.image.frame_size)
    }

    fn first_group(&self, index: usize) -> usize {
        self.start(index) as usize / GROUP
    }
}

impl Proving for Content<'_> {
    fn size(&self) -> u64 {
        self.image.size
    }

    fn is_right(&self, group: usize, data: &[u8], leaf: &mut [u8]) -> bool {
        leaf.copy_from_slice(&self.hasher.leaf_block(data));
        self.hasher.digest(leaf) == self.groups[group]
    }
}

/// What a slot lacks.
#[derive(Debug)]
pub enum Lacks {
    /// These bytes of the bundle; once they are there another look tells what else.
    First(Vec<Range<u64>>),
    /// These bytes of the bundle, and no others: the groups that they do not give are proven.
    All(Vec<Range<u64>>, Groups),
}

/// One image on its way into a slot.
pub struct Job<'a> {
    /// What is written.
    pub content: Content<'a>,
    /// The hash tree above its leaf level, proven against the root hash.
    pub upper_tree: &'a [u8],
    /// The slot. Its trailer is invalid already.
    pub slot: &'a dyn BlockDevice,
    /// What the progress is called.
    pub label: String,
}

impl Job<'_> {
    /// Writes the image and its tree with up to `threads` workers. On return both are on stable storage.
    /// Returns the bytes of the image that were in place already and left alone.
    pub fn run(&self, threads: usize, events: &dyn Events) -> Result<u64, Error> {
        let tree_error = Error::system("writing the hash tree to", &self.label, WRITE_ADVICE);
        let image = self.content.image;
        if !self.upper_tree.is_empty() {
            let mut upper = AlignedBuffer::new(self.upper_tree.len());
            upper.copy_from_slice(self.upper_tree);
            self.slot.write_at(image.size, &upper).map_err(tree_error)?;
        }
        let progress = Progress::new(events, Step::Write, &self.label, image.size);
        let done = Groups::new(self.content.groups.len());
        let found = Found::default();
        if let Some(delta) = self.content.delta {
            let sections = Sections { delta, image: &self.content, progress: &progress, done: &done };
            sections.each(threads, |section| {
                let in_place = section.look(|group, data, leaf| self.group_in_place(group, data, leaf))?;
                found.bytes.fetch_add(in_place, Ordering::Relaxed);
                section.take(|group, data, leaf| self.put(group, data, leaf))
            })?;
        }
        self.content.each_frame(threads, &progress, &done, |content, index, scratch, data, leaves| {
            if found.worth_a_look(index) || !content.frames.has(index) {
                let in_place = self.in_place(index, data, leaves)?;
                found.looked(index, in_place);
                if in_place {
                    found.bytes.fetch_add(data.len() as u64, Ordering::Relaxed);
                    return Ok(());
                }
            }
            content.fetch(index, scratch, data, leaves)?;
            let first = content.first_group(index);
            if !done.has_any(first..first + data.len().div_ceil(GROUP)) {
                return self.put(first, data, leaves);
            }
            for (group, (data, leaf)) in (first..).zip(data.chunks(GROUP).zip(leaves.chunks(BLOCK))) {
                if !done.has(group) {
                    self.put(group, data, leaf)?;
                }
            }
            Ok(())
        })?;
        events.allow(FLUSH_TIME);
        let flush_error = Error::system("flushing", &self.label, WRITE_ADVICE);
        self.slot.flush(Flush::ImageWritten).map_err(flush_error)?;
        Ok(found.bytes.load(Ordering::Relaxed))
    }

    /// Writes groups, from this one on, and their part of the tree's leaf level.
    fn put(&self, first: usize, data: &[u8], leaves: &[u8]) -> Result<(), Error> {
        let write_error = || Error::system("writing", &self.label, WRITE_ADVICE);
        self.slot.write_at((first * GROUP) as u64, data).map_err(write_error())?;
        self.slot.write_at(self.leaf_offset(first), leaves).map_err(write_error())
    }

    /// Reads and proves all of the content; of a frame that can't be fetched, what is in place of it. Writes nothing.
    pub fn prove(&self, threads: usize, events: &dyn Events) -> Result<(), Error> {
        let name = &self.content.image.name;
        self.content.prove(name, threads, events, |index, data, leaves| self.instead(index, data, leaves))
    }

    /// The same, but for what is proven already.
    pub fn prove_rest(&self, proven: &Groups, threads: usize, events: &dyn Events) -> Result<(), Error> {
        let left = proven.left(self.content.image.size);
        let progress = Progress::new(events, Step::Verify, &self.content.image.name, left);
        self.content
            .prove_frames(threads, &progress, proven, |index, data, leaves| self.instead(index, data, leaves))
    }

    /// Proves what is in place of a frame that can't be fetched.
    fn instead(&self, index: usize, data: &mut [u8], leaves: &mut [u8]) -> Result<(), Error> {
        match self.in_place(index, data, leaves)? {
            true => Ok(()),
            false => self.content.fetch(index, &mut Scratch::default(), data, leaves),
        }
    }

    /// Returns where in the bundle the bytes lie that are read to fill the slot, beyond what is in place. Writes nothing.
    ///
    /// Of a delta the data come first: only when they are there can be told what they give, and which frames must take over.
    pub fn lacks(&self, threads: usize, events: &dyn Events) -> Result<Lacks, Error> {
        let content = &self.content;
        let progress = Progress::new(events, Step::Fetch, &self.label, content.image.size);
        let (none, done) = (Groups::new(content.groups.len()), Groups::new(content.groups.len()));
        content.each_frame(threads, &progress, &none, |content, index, _, data, leaves| {
            let first = content.first_group(index);
            for (group, (data, leaf)) in (first..).zip(data.chunks_mut(GROUP).zip(leaves.chunks_mut(BLOCK))) {
                if self.group_in_place(group, data, leaf)? {
                    done.add(group);
                }
            }
            Ok(())
        })?;
        if let Some(delta) = content.delta {
            let sections = 0..delta.sections();
            let wanted: Vec<_> = sections.filter(|nth| !done.has_all(delta.groups(*nth))).collect();
            if wanted.iter().any(|nth| !delta.has(*nth)) {
                return Ok(Lacks::First(wanted.into_iter().map(|nth| delta.places(nth)).collect()));
            }
            let progress = Progress::new(events, Step::Fetch, &self.label, done.left(content.image.size));
            let sections = Sections { delta, image: content, progress: &progress, done: &done };
            sections.each(threads, |section| section.prove())?;
        }
        let frames = (0..content.image.frame_count() as usize).filter(|index| {
            let first = content.first_group(*index);
            !done.has_all(first..first + content.image.frame_len(*index as u64).div_ceil(GROUP))
        });
        let places = frames.flat_map(|index| content.frames.places(index)).collect();
        Ok(Lacks::All(places, done))
    }

    /// Returns whether a frame and its part of the tree's leaf level are in the slot already.
    fn in_place(&self, index: usize, data: &mut [u8], leaves: &mut [u8]) -> Result<bool, Error> {
        let first = self.content.first_group(index);
        self.slot.read_at(self.leaf_offset(first), leaves).map_err(self.read_error())?;
        for (nth, (group, leaf)) in data.chunks_mut(GROUP).zip(leaves.chunks(BLOCK)).enumerate() {
            if !self.has_group(first + nth, group, leaf)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Returns whether a group and its leaf block are in the slot already. Both are read.
    fn group_in_place(&self, group: usize, data: &mut [u8], leaf: &mut [u8]) -> Result<bool, Error> {
        self.slot.read_at(self.leaf_offset(group), leaf).map_err(self.read_error())?;
        self.has_group(group, data, leaf)
    }

    /// Returns whether the slot has a group whose leaf block, as it stands there, is this.
    fn has_group(&self, group: usize, data: &mut [u8], leaf: &[u8]) -> Result<bool, Error> {
        // The leaf level is cheap to check and mostly tells: the data is read only where it holds.
        if self.content.hasher.digest(leaf) != self.content.groups[group] {
            return Ok(false);
        }
        self.slot.read_at((group * GROUP) as u64, data).map_err(self.read_error())?;
        Ok(self.content.is_right(group, data, &mut [0; BLOCK]))
    }

    fn read_error(&self) -> impl FnOnce(std::io::Error) -> Error {
        Error::system("reading", &self.label, "check the disk")
    }

    fn leaf_offset(&self, group: usize) -> u64 {
        self.content.image.size + (self.upper_tree.len() + group * BLOCK) as u64
    }
}

const WRITE_ADVICE: &str = "the disk may be failing or write-protected, check it";

/// What was found in place, and which frames are worth a look.
#[derive(Default)]
struct Found {
    /// The first frame that is worth a look again.
    look_from: AtomicUsize,
    /// Bytes of the image that were left alone.
    bytes: AtomicU64,
}

impl Found {
    fn worth_a_look(&self, index: usize) -> bool {
        index >= self.look_from.load(Ordering::Relaxed)
    }

    fn looked(&self, index: usize, found: bool) {
        let from = if found { 0 } else { index + LOOK_AGAIN };
        self.look_from.store(from, Ordering::Relaxed);
    }
}
