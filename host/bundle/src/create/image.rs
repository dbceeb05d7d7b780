use super::recipe::{Input, MAX_LEVEL, Recipe, unfit};
use crate::Error;
use crate::ordered::ordered;
use crate::output::{Output, scratch};
use drydock_format::manifest::{MAX_IMAGE, MIN_IMAGE, PART};
use drydock_format::tree::{BLOCK, GROUP, Hasher, build};
use drydock_format::{Digest, Image, Member};
use nix::errno::Errno;
use nix::unistd::{Whence, lseek};
use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use zstd_safe::{CCtx, CParameter, compress_bound, get_error_name};

/// An image in the form that a bundle has it in, its frames in a scratch file.
pub(super) struct Packed {
    pub(super) image: Image,
    groups: Vec<u8>,
    frames: Vec<u8>,
    data: File,
    size: u64,
}

impl Packed {
    pub(super) fn new(
        recipe: &Recipe,
        input: &Input,
        output: &Path,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<Self, Error> {
        let reading = |source| Error::File { doing: "reading", path: input.path.clone(), source };
        let refuse = |problem: String| Error::Input { what: format!("image {}", input.name), problem };
        let file = File::open(&input.path).map_err(reading)?;
        let len = drydock_files::len(&file).map_err(reading)?;
        if len == 0 || len > MAX_IMAGE {
            return Err(refuse(format!(
                "{} has {len} bytes, 1 to {MAX_IMAGE} are allowed",
                input.path.display()
            )));
        }
        if !(1..=MAX_LEVEL).contains(&recipe.level) {
            return Err(refuse(format!("level {} is not 1 to {MAX_LEVEL}", recipe.level)));
        }
        let mut image = Image {
            name: input.name.clone(),
            class: input.class.clone(),
            size: len.next_multiple_of(BLOCK as u64).max(MIN_IMAGE),
            salt: recipe.salt.clone(),
            root_hash: Digest([0; 32]),
            frame_size: recipe.frame_size,
        };
        image.check().map_err(unfit)?;

        let mut data = scratch(output)?;
        let (mut digests, mut frames, mut size) = (Vec::new(), Vec::new(), 0);
        let mut done = 0;
        let worker = || {
            let mut worker = Worker::new(&image, recipe.level, &file, len);
            move |frame| worker.pack(frame).map_err(reading)
        };
        ordered(image.frame_count(), recipe.workers, worker, |frame: Frame| {
            let writing = |source| Error::File { doing: "writing beside", path: output.into(), source };
            data.write_all(&frame.bytes).map_err(writing)?;
            digests.extend(frame.groups);
            frames.extend((frame.bytes.len() as u32).to_le_bytes());
            size += frame.bytes.len() as u64;
            done += u64::from(image.frame_size);
            progress(done.min(image.size), image.size);
            Ok(())
        })?;
        data.rewind().map_err(reading)?;
        let (root_hash, groups) = build(&image.salt, &digests);
        image.root_hash = root_hash;
        Ok(Self { image, groups, frames, data, size })
    }

    /// The bytes of all frames.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The members that this image has in the tar.
    pub(super) fn members(&self) -> Vec<Member> {
        let name = &self.image.name;
        let member = |suffix: &str, size| Member { name: format!("{name}.{suffix}"), size, sha256: None };
        let tables = [member("groups", self.groups.len() as u64), member("frames", self.frames.len() as u64)];
        let data = if self.size <= PART {
            vec![member("zst", self.size)]
        } else {
            let part = |index: u64| member(&format!("zst.{index}"), (self.size - index * PART).min(PART));
            (0..self.size.div_ceil(PART)).map(part).collect()
        };
        tables.into_iter().chain(data).collect()
    }

    pub(super) fn write(&mut self, output: &mut Output) -> Result<(), Error> {
        for member in self.members() {
            if member.name.ends_with(".groups") {
                output.member(&member.name, &self.groups)?;
            } else if member.name.ends_with(".frames") {
                output.member(&member.name, &self.frames)?;
            } else {
                output.member_from(&member.name, member.size, &mut self.data)?;
            }
        }
        Ok(())
    }
}

/// A frame and the digests of its groups.
#[derive(Clone)]
struct Frame {
    bytes: Vec<u8>,
    groups: Vec<Digest>,
}

/// What one thread needs to pack frames.
struct Worker<'a> {
    image: &'a Image,
    file: &'a File,
    len: u64,
    hasher: Hasher,
    context: CCtx<'a>,
    level: i32,
    buf: Vec<u8>,
    packed: Vec<u8>,
    /// What a hole of a whole frame becomes; most of a sparse image is that, and it is not read.
    zeros: Option<Frame>,
}

impl<'a> Worker<'a> {
    fn new(image: &'a Image, level: i32, file: &'a File, len: u64) -> Self {
        let hasher = Hasher::new(&image.salt);
        Self {
            image,
            file,
            len,
            hasher,
            context: CCtx::create(),
            level,
            buf: Vec::new(),
            packed: Vec::new(),
            zeros: None,
        }
    }

    fn pack(&mut self, frame: u64) -> io::Result<Frame> {
        let (len, whole) = (self.image.frame_len(frame), self.image.frame_size as usize);
        let offset = frame * whole as u64;
        let hole = len == whole && is_hole(self.file, offset, len as u64);
        let zeros = self.zeros.as_ref().filter(|_| hole);
        if let Some(packed) = zeros {
            return Ok(packed.clone());
        }
        self.read(offset, len)?;
        let groups = self.buf.chunks(GROUP).map(|group| self.hasher.group_digest(group)).collect();
        let packed = Frame { bytes: self.compress()?, groups };
        if hole {
            self.zeros = Some(packed.clone());
        }
        Ok(packed)
    }

    /// Fills the buffer with the frame at `offset`, past the file's end with zeros.
    fn read(&mut self, offset: u64, len: usize) -> io::Result<()> {
        self.buf.resize(len, 0);
        let available = self.len.saturating_sub(offset).min(len as u64) as usize;
        let (data, padding) = self.buf.split_at_mut(available);
        padding.fill(0);
        self.file.read_exact_at(data, offset)
    }

    fn compress(&mut self) -> io::Result<Vec<u8>> {
        let failed = |code| io::Error::other(format!("zstd: {}", get_error_name(code)));
        self.context.set_parameter(CParameter::CompressionLevel(self.level)).map_err(failed)?;
        self.packed.resize(compress_bound(self.buf.len()), 0);
        let len = self.context.compress2(self.packed.as_mut_slice(), &self.buf).map_err(failed)?;
        Ok(self.packed[..len].to_vec())
    }
}

/// Whether a range is known to be a hole. Where the filesystem can't tell, it is not. Moves the file's position,
/// which nothing relies on.
fn is_hole(file: &File, offset: u64, len: u64) -> bool {
    match lseek(file, offset.cast_signed(), Whence::SeekData) {
        Ok(data) => data.cast_unsigned() >= offset + len,
        Err(errno) => errno == Errno::ENXIO,
    }
}
