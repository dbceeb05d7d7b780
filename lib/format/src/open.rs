use crate::Member;
use crate::archive::{Archive, Signed, Tail, read};
use crate::frames::{Decoder, FrameTable};
use crate::head::Head;
use crate::manifest::PART;
use crate::tree::{GROUP, Hasher};
use crate::{Digest, Error, Image, KeyId, Manifest, ReadAt, Trusted, sha256};
use sha2::{Digest as _, Sha256};
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// An open bundle: the signatures hold, the manifest keeps the format's rules, and every member that it
/// lists lies where it should with the length that it should have.
pub struct Bundle {
    source: Arc<dyn ReadAt>,
    manifest: Manifest,
    front: Signed,
    supplement: Option<Signed>,
    signers: Vec<KeyId>,
    members: Vec<Placed>,
}

/// A member and where its bytes begin.
#[derive(Clone, Debug)]
struct Placed {
    name: String,
    offset: u64,
    size: u64,
}

impl Bundle {
    /// Opens a bundle that is a file.
    pub fn open(source: impl ReadAt + 'static, trusted: &Trusted) -> Result<Self, Error> {
        Self::open_with(source, trusted, Tail::Nothing)
    }

    /// Opens a bundle. Its signatures are checked before its manifest is parsed, and that before any other
    /// tar header is read. Members' contents are not read.
    pub fn open_with(source: impl ReadAt + 'static, trusted: &Trusted, tail: Tail) -> Result<Self, Error> {
        Self::finish(Archive::new(Arc::new(source))?, Some(trusted), tail)
    }

    /// Opens a bundle without looking at its signatures: to show it, or to sign it.
    pub fn open_unverified(source: impl ReadAt + 'static) -> Result<Self, Error> {
        Self::finish(Archive::new(Arc::new(source))?, None, Tail::Nothing)
    }

    fn finish(source: Archive, trusted: Option<&Trusted>, tail: Tail) -> Result<Self, Error> {
        let Head { front, supplement, manifest, signers, left_out, end: mut at } =
            Head::read(&source, trusted)?;
        let mut left_out = left_out.lines().peekable();
        let mut members = Vec::with_capacity(manifest.members.len());
        for member in &manifest.members {
            if left_out.next_if_eq(&member.name.as_str()).is_some() {
                if member.name.ends_with(".groups") {
                    return Err(Error::LeftOutList { problem: format!("{} can't be left out", member.name) });
                }
                continue;
            }
            let (offset, end) = source.expect(at, &member.name, member.size)?;
            members.push(Placed { name: member.name.clone(), offset, size: member.size });
            at = end;
        }
        if let Some(name) = left_out.next() {
            return Err(Error::LeftOutList { problem: format!("{name:?} is not where the manifest has it") });
        }
        source.check_end(at, tail)?;
        Ok(Self { source: source.bytes, manifest, front, supplement, signers, members })
    }

    pub(crate) fn source(&self) -> &dyn ReadAt {
        &*self.source
    }

    /// What the release is. Deltas that were made later, and their members, stand behind the manifest's own, as if they were
    /// of it.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The exact bytes of `manifest.json`.
    pub fn manifest_bytes(&self) -> &[u8] {
        &self.front.bytes
    }

    /// The exact bytes of `manifest.sig`, 4096 of them.
    pub fn signature_bytes(&self) -> &[u8] {
        &self.front.signatures
    }

    /// What names the release: the digest of its manifest.
    pub fn manifest_digest(&self) -> Digest {
        sha256(&self.front.bytes)
    }

    /// The document of the deltas that were made later, if the file has any.
    pub fn supplement(&self) -> Option<&Signed> {
        self.supplement.as_ref()
    }

    /// The trusted keys whose signatures hold.
    pub fn signers(&self) -> &[KeyId] {
        &self.signers
    }

    /// Reads the tables of one image, and proves its group digests against the root hash.
    pub fn image(&self, name: &str) -> Result<ImageReader, Error> {
        let image = self.manifest.image(name).ok_or_else(|| Error::NoSuchImage { image: name.into() })?;
        let groups = self.read_member(&format!("{name}.groups"))?;
        let data = format!("{name}.zst");
        let parts = self.members.iter().filter(|member| {
            member.name.strip_prefix(&data).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        let parts: Vec<Placed> = parts.cloned().collect();
        let total = parts.iter().map(|part| part.size).sum();
        let table = format!("{name}.frames");
        let frames = match self.has(&table) && total > 0 {
            true => Some(FrameTable::parse(image, &self.read_member(&table)?, total)?),
            false => None,
        };
        let deltas = self.manifest.deltas.iter().filter(|delta| delta.image == name && self.has(&delta.data));
        Ok(ImageReader {
            bases: deltas.map(|delta| delta.base.root_hash).collect(),
            digests: image.group_digests(&groups)?,
            frames,
            image: image.clone(),
            groups,
            parts,
            source: self.source.clone(),
        })
    }

    /// Reads one of [`Manifest::further`], and compares it with its signed digest. `progress` is told the bytes of
    /// each piece that was read.
    pub fn prove_further(&self, member: &Member, mut progress: impl FnMut(u64)) -> Result<(), Error> {
        const PIECE: u64 = 1 << 20;
        let Placed { name, offset, size } = self.member(&member.name)?;
        let (mut hasher, mut piece) = (Sha256::new(), Vec::new());
        for at in (0..*size).step_by(PIECE as usize) {
            piece.resize((size - at).min(PIECE) as usize, 0);
            read(&*self.source, name, offset + at, &mut piece)?;
            hasher.update(&piece);
            progress(piece.len() as u64);
        }
        match member.sha256 == Some(Digest(hasher.finalize().into())) {
            true => Ok(()),
            false => Err(Error::MemberDamaged { member: name.clone() }),
        }
    }

    /// Reads a whole further member of up to `limit` bytes, and compares it with its signed digest.
    pub fn read_further(&self, name: &str, limit: u64) -> Result<Vec<u8>, Error> {
        let member = self.manifest.further().iter().find(|member| member.name == name);
        let member = member.filter(|member| member.size <= limit);
        let bytes = self.read_member(name)?;
        match member.is_some_and(|member| member.sha256 == Some(sha256(&bytes))) {
            true => Ok(bytes),
            false => Err(Error::MemberDamaged { member: name.into() }),
        }
    }

    /// Returns whether the archive has a member. All that the manifest names are there, but for those that a slim bundle has
    /// left out.
    pub fn has(&self, name: &str) -> bool {
        self.members.iter().any(|member| member.name == name)
    }

    /// Returns the bytes of a member, to be read at random. They are as they lie there: nothing says yet that they are right.
    pub fn bytes_of(&self, name: &str) -> Result<MemberBytes, Error> {
        let Placed { offset, size, .. } = *self.member(name)?;
        Ok(MemberBytes { source: self.source.clone(), offset, size })
    }

    fn member(&self, name: &str) -> Result<&Placed, Error> {
        let missing = || Error::MemberMissing { member: name.into() };
        self.members.iter().find(|member| member.name == name).ok_or_else(missing)
    }

    fn read_member(&self, name: &str) -> Result<Vec<u8>, Error> {
        let member = self.member(name)?;
        let mut bytes = vec![0; member.size as usize];
        read(&*self.source, name, member.offset, &mut bytes)?;
        Ok(bytes)
    }
}

/// Reads one image of a bundle, frame by frame. It has a handle of its own on the source, and can move to
/// another thread.
pub struct ImageReader {
    source: Arc<dyn ReadAt>,
    image: Image,
    groups: Vec<u8>,
    digests: Vec<Digest>,
    frames: Option<FrameTable>,
    parts: Vec<Placed>,
    /// What the deltas to it begin with that the file has.
    bases: Vec<Digest>,
}

impl ImageReader {
    /// The image.
    pub fn image(&self) -> &Image {
        &self.image
    }

    /// The hash tree without its leaves, proven: the bytes that go behind the image in a slot.
    pub fn groups(&self) -> &[u8] {
        &self.groups
    }

    /// The digest of each group, proven.
    pub fn group_digests(&self) -> &[Digest] {
        &self.digests
    }

    /// Returns whether the bundle has the frames of the image: a slim one may have left them out.
    pub fn has_frames(&self) -> bool {
        self.frames.is_some()
    }

    /// What is to be said where the frames are needed, and were left out.
    pub fn left_out(&self) -> Error {
        Error::LeftOut { member: format!("{}.zst", self.image.name), bases: self.bases.clone() }
    }

    /// Reads one compressed frame into `buf`, which gets its length. A frame that is not there reads as empty.
    pub fn read_frame(&self, frame: u64, buf: &mut Vec<u8>) -> Result<(), Error> {
        let frames = self.frames.as_ref().ok_or_else(|| self.left_out())?;
        let range = frames.range(frame).unwrap_or_default();
        buf.resize((range.end - range.start) as usize, 0);
        let mut rest = buf.as_mut_slice();
        for (name, place) in self.places(range) {
            let missing = || Error::MemberMissing { member: format!("{}.zst", self.image.name) };
            let (piece, after) =
                rest.split_at_mut_checked((place.end - place.start) as usize).ok_or_else(missing)?;
            read(&*self.source, name, place.start, piece)?;
            rest = after;
        }
        match rest {
            [] => Ok(()),
            _ => Err(Error::MemberMissing { member: format!("{}.zst", self.image.name) }),
        }
    }

    /// The bytes of the bundle that one compressed frame is; more than one range where parts of an image meet.
    pub fn frame_places(&self, frame: u64) -> Vec<Range<u64>> {
        self.places(self.range(frame)).map(|(_, place)| place).collect()
    }

    /// Whether a frame is there: of a bundle that was fetched in part, some are not.
    pub fn has_frame(&self, frame: u64) -> bool {
        self.has_frames() && self.places(self.range(frame)).all(|(_, place)| self.source.has(&place))
    }

    fn range(&self, frame: u64) -> Range<u64> {
        self.frames.as_ref().and_then(|frames| frames.range(frame)).unwrap_or_default()
    }

    /// The members that hold these bytes of `NAME.zst`, and the bytes of the bundle that these are.
    fn places(&self, range: Range<u64>) -> impl Iterator<Item = (&str, Range<u64>)> {
        let starts = (0u64..).map(|index| index * PART);
        self.parts.iter().zip(starts).filter_map(move |(part, start)| {
            let from = range.start.max(start) - start;
            let to = range.end.min(start + part.size).checked_sub(start)?;
            (from < to).then(|| (part.name.as_str(), part.offset + from..part.offset + to))
        })
    }

    /// Unpacks a frame that [`read_frame`](Self::read_frame) has read into all of `out`, which must have
    /// [`Image::frame_len`] bytes. The result is not proven yet: that is for the group digests.
    pub fn unpack(&self, decoder: &mut Decoder, frame: u64, buf: &[u8], out: &mut [u8]) -> Result<(), Error> {
        decoder.decode(buf, out).map_err(|fault| Error::Frame {
            image: self.image.name.clone(),
            frame,
            fault,
        })
    }

    /// Proves one unpacked frame: each of its groups must have its digest.
    pub fn prove(&self, frame: u64, data: &[u8]) -> Result<(), Error> {
        let first = frame * u64::from(self.image.frame_size) / GROUP as u64;
        let hasher = Hasher::new(&self.image.salt);
        for (group, data) in (first..).zip(data.chunks(GROUP)) {
            if self.digests.get(group as usize) != Some(&hasher.group_digest(data)) {
                return Err(Error::Group { image: self.image.name.clone(), group });
            }
        }
        Ok(())
    }
}

/// The bytes of one member.
#[derive(Clone)]
pub struct MemberBytes {
    source: Arc<dyn ReadAt>,
    offset: u64,
    size: u64,
}

impl MemberBytes {
    /// Where the first of them lies in the bundle, in bytes.
    pub fn offset(&self) -> u64 {
        self.offset
    }
}

impl ReadAt for MemberBytes {
    fn len(&self) -> io::Result<u64> {
        Ok(self.size)
    }

    fn has(&self, range: &Range<u64>) -> bool {
        self.source.has(&(self.offset + range.start..self.offset + range.end))
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(buf.len() as u64).filter(|&end| end <= self.size);
        end.ok_or(io::ErrorKind::UnexpectedEof)?;
        self.source.read_at(self.offset + offset, buf)
    }
}
