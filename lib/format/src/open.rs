use crate::Member;
use crate::frames::{Decoder, FrameTable};
pub use crate::limits::{MANIFEST, SIGNATURES};
use crate::manifest::{MAX_SIZE, PART, RECOVERY_PROTOCOL};
use crate::signature::{self, MEMBER_SIZE};
use crate::tar::{self, Header};
use crate::tree::{GROUP, Hasher};
use crate::{Digest, Error, Image, KeyId, Manifest, ReadAt, Trusted, sha256};
use sha2::{Digest as _, Sha256};
use std::io::ErrorKind;
use std::sync::Arc;

/// What may follow the archive's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// Nothing but the zeros of a whole tar record: the source is a file.
    Nothing,
    /// Anything: the source is a partition that is larger than the bundle on it.
    Anything,
}

/// An open bundle: the signatures hold, the manifest keeps the format's rules, and every member that it
/// lists lies where it should with the length that it should have.
pub struct Bundle {
    source: Arc<dyn ReadAt>,
    manifest: Manifest,
    manifest_bytes: Vec<u8>,
    signature_bytes: Vec<u8>,
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
        let source = Archive::new(Arc::new(source))?;
        let front = Front::read(&source)?;
        let signers = signature::verify(&front.manifest, &front.signatures, trusted)?;
        Self::finish(source, front, signers, tail)
    }

    /// Opens a bundle without looking at its signatures: to show it, or to sign it.
    pub fn open_unverified(source: impl ReadAt + 'static) -> Result<Self, Error> {
        let source = Archive::new(Arc::new(source))?;
        let front = Front::read(&source)?;
        Self::finish(source, front, Vec::new(), Tail::Nothing)
    }

    fn finish(source: Archive, front: Front, signers: Vec<KeyId>, tail: Tail) -> Result<Self, Error> {
        let manifest = Manifest::parse(&front.manifest)?;
        if manifest.min_recovery > RECOVERY_PROTOCOL {
            return Err(Error::NeedsNewerRecovery { needed: manifest.min_recovery, have: RECOVERY_PROTOCOL });
        }
        let mut at = front.end;
        let mut members = Vec::with_capacity(manifest.members.len());
        for member in &manifest.members {
            let (offset, end) = source.expect(at, &member.name, member.size)?;
            members.push(Placed { name: member.name.clone(), offset, size: member.size });
            at = end;
        }
        source.check_end(at, tail)?;
        let Front { manifest: manifest_bytes, signatures: signature_bytes, .. } = front;
        Ok(Self { source: source.bytes, manifest, manifest_bytes, signature_bytes, signers, members })
    }

    /// What the release is.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The exact bytes of `manifest.json`.
    pub fn manifest_bytes(&self) -> &[u8] {
        &self.manifest_bytes
    }

    /// The exact bytes of `manifest.sig`, 4096 of them.
    pub fn signature_bytes(&self) -> &[u8] {
        &self.signature_bytes
    }

    /// What names the release: the digest of its manifest.
    pub fn manifest_digest(&self) -> Digest {
        sha256(&self.manifest_bytes)
    }

    /// The trusted keys whose signatures hold.
    pub fn signers(&self) -> &[KeyId] {
        &self.signers
    }

    /// Reads the tables of one image, and proves its group digests against the root hash.
    pub fn image(&self, name: &str) -> Result<ImageReader, Error> {
        let image = self.manifest.image(name).ok_or_else(|| Error::NoSuchImage { image: name.into() })?;
        let groups = self.read_member(&format!("{name}.groups"))?;
        let table = self.read_member(&format!("{name}.frames"))?;
        let data = format!("{name}.zst");
        let parts = self.members.iter().filter(|member| {
            member.name.strip_prefix(&data).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        let parts: Vec<Placed> = parts.cloned().collect();
        let total = parts.iter().map(|part| part.size).sum();
        Ok(ImageReader {
            digests: image.group_digests(&groups)?,
            frames: FrameTable::parse(image, &table, total)?,
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
    frames: FrameTable,
    parts: Vec<Placed>,
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

    /// Reads one compressed frame into `buf`, which gets its length. A frame that is not there reads as empty.
    pub fn read_frame(&self, frame: u64, buf: &mut Vec<u8>) -> Result<(), Error> {
        let range = self.frames.range(frame).unwrap_or_default();
        buf.resize((range.end - range.start) as usize, 0);
        let mut at = range.start;
        let mut rest = buf.as_mut_slice();
        while !rest.is_empty() {
            let within = at % PART;
            let missing = || Error::MemberMissing { member: format!("{}.zst", self.image.name) };
            let part = self.parts.get((at / PART) as usize).ok_or_else(missing)?;
            let (piece, after) = rest.split_at_mut(rest.len().min((PART - within) as usize));
            read(&*self.source, &part.name, part.offset + within, piece)?;
            at += piece.len() as u64;
            rest = after;
        }
        Ok(())
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

/// What is read before anything is trusted.
struct Front {
    manifest: Vec<u8>,
    signatures: Vec<u8>,
    end: u64,
}

impl Front {
    fn read(archive: &Archive) -> Result<Self, Error> {
        let size = archive.named(0, MANIFEST)?.size;
        if size > MAX_SIZE {
            return Err(Error::ManifestTooLarge { size });
        }
        let mut manifest = vec![0; size as usize];
        archive.read(MANIFEST, tar::BLOCK, &mut manifest)?;
        let at = tar::BLOCK + tar::padded(size);
        let (offset, end) = archive.expect(at, SIGNATURES, MEMBER_SIZE as u64)?;
        let mut signatures = vec![0; MEMBER_SIZE];
        archive.read(SIGNATURES, offset, &mut signatures)?;
        Ok(Self { manifest, signatures, end })
    }
}

/// A source seen as a tar.
struct Archive {
    bytes: Arc<dyn ReadAt>,
    len: u64,
}

impl Archive {
    fn new(bytes: Arc<dyn ReadAt>) -> Result<Self, Error> {
        let len = bytes.len().map_err(|source| Error::Read { what: "the length".into(), source })?;
        Ok(Self { bytes, len })
    }

    fn read(&self, what: &str, offset: u64, buf: &mut [u8]) -> Result<(), Error> {
        let needed = offset + buf.len() as u64;
        if needed > self.len {
            return Err(Error::Truncated { len: self.len, needed });
        }
        read(&*self.bytes, what, offset, buf)
    }

    /// The header at `offset`, which must be that of the member `name`.
    fn named(&self, offset: u64, name: &str) -> Result<Header, Error> {
        let mut block = [0; tar::BLOCK as usize];
        self.read(name, offset, &mut block)?;
        match Header::decode(&block) {
            Some(header) if header.name == name => Ok(header),
            Some(header) if self.comes_after(offset, &header, name) => {
                Err(Error::MemberReordered { member: name.into(), found: header.name })
            }
            Some(_) => Err(Error::MemberMissing { member: name.into() }),
            None if block.iter().all(|&b| b == 0) => Err(Error::MemberMissing { member: name.into() }),
            None => Err(Error::NoHeader { member: name.into(), offset }),
        }
    }

    /// Whether the member `name` comes somewhere after the one at `offset`, to tell out of order from missing.
    /// Looks at as many headers as a bundle can have images, and gives up at the first that can't be read.
    fn comes_after(&self, mut offset: u64, header: &Header, name: &str) -> bool {
        let mut size = header.size;
        for _ in 0..3 * crate::manifest::MAX_IMAGES {
            offset += tar::BLOCK + tar::padded(size);
            let mut block = [0; tar::BLOCK as usize];
            match self.read(name, offset, &mut block).ok().and_then(|()| Header::decode(&block)) {
                Some(header) if header.name == name => return true,
                Some(header) => size = header.size,
                None => return false,
            }
        }
        false
    }

    /// Checks that the member `name` with exactly `stated` bytes has its header at `offset`, and returns where
    /// its bytes begin and where the next header stands.
    fn expect(&self, offset: u64, name: &str, stated: u64) -> Result<(u64, u64), Error> {
        let found = self.named(offset, name)?.size;
        let member = || name.to_string();
        if found < stated {
            return Err(Error::MemberShorter { member: member(), stated, found });
        }
        if found > stated {
            return Err(Error::MemberLonger { member: member(), stated, found });
        }
        let start = offset + tar::BLOCK;
        Ok((start, start + tar::padded(stated)))
    }

    /// Checks that the archive ends at `end`: two zero blocks, and zeros up to a whole record at most.
    fn check_end(&self, end: u64, tail: Tail) -> Result<(), Error> {
        let mut zeros = vec![0; tar::END as usize];
        self.read("the end", end, &mut zeros)?;
        if tail == Tail::Nothing {
            let most = (end + tar::END).next_multiple_of(tar::RECORD);
            if self.len > most {
                return Err(Error::TrailingData { end });
            }
            zeros.resize((self.len - end) as usize, 0);
            self.read("the end", end, &mut zeros)?;
        }
        if zeros.iter().any(|&b| b != 0) { Err(Error::TrailingData { end }) } else { Ok(()) }
    }
}

fn read(source: &dyn ReadAt, what: &str, offset: u64, buf: &mut [u8]) -> Result<(), Error> {
    source.read_at(offset, buf).map_err(|error| match (error.kind(), source.len()) {
        (ErrorKind::UnexpectedEof, Ok(len)) => Error::Truncated { len, needed: offset + buf.len() as u64 },
        _ => Error::Read { what: what.into(), source: error },
    })
}
