//! A source seen as a tar.

use crate::manifest::MAX_SIZE;
use crate::signature::MEMBER_SIZE;
use crate::tar::{self, Header};
use crate::{Error, ReadAt};
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

/// A document and the signatures over it, as they lie in a bundle.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The exact bytes that are signed.
    pub bytes: Vec<u8>,
    /// The signatures' member, 4096 bytes.
    pub signatures: Vec<u8>,
    /// Where the signatures begin in the file, in bytes.
    pub signatures_at: u64,
}

impl Signed {
    /// Reads a document whose header stands at `at`, and its signatures behind it. Returns where the next header stands, too.
    pub(crate) fn read(archive: &Archive, at: u64, names: [&str; 2]) -> Result<(Self, u64), Error> {
        let [name, signatures_name] = names;
        let size = archive.named(at, name)?.size;
        if size > MAX_SIZE {
            return Err(Error::ManifestTooLarge { size });
        }
        let mut bytes = vec![0; size as usize];
        archive.read(name, at + tar::BLOCK, &mut bytes)?;
        let at = at + tar::BLOCK + tar::padded(size);
        let (signatures_at, end) = archive.expect(at, signatures_name, MEMBER_SIZE as u64)?;
        let mut signatures = vec![0; MEMBER_SIZE];
        archive.read(signatures_name, signatures_at, &mut signatures)?;
        Ok((Self { bytes, signatures, signatures_at }, end))
    }
}

/// A source seen as a tar.
pub(crate) struct Archive {
    pub(crate) bytes: Arc<dyn ReadAt>,
    pub(crate) len: u64,
}

impl Archive {
    pub(crate) fn new(bytes: Arc<dyn ReadAt>) -> Result<Self, Error> {
        let len = bytes.len().map_err(|source| Error::Read { what: "the length".into(), source })?;
        Ok(Self { bytes, len })
    }

    pub(crate) fn read(&self, what: &str, offset: u64, buf: &mut [u8]) -> Result<(), Error> {
        let needed = offset + buf.len() as u64;
        if needed > self.len {
            return Err(Error::Truncated { len: self.len, needed });
        }
        read(&*self.bytes, what, offset, buf)
    }

    /// The header at `offset`, if it is that of the member `name`.
    pub(crate) fn peek(&self, offset: u64, name: &str) -> Option<Header> {
        let mut block = [0; tar::BLOCK as usize];
        self.read(name, offset, &mut block).ok()?;
        Header::decode(&block).filter(|header| header.name == name)
    }

    /// The header at `offset`, which must be that of the member `name`.
    pub(crate) fn named(&self, offset: u64, name: &str) -> Result<Header, Error> {
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
    pub(crate) fn expect(&self, offset: u64, name: &str, stated: u64) -> Result<(u64, u64), Error> {
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
    pub(crate) fn check_end(&self, end: u64, tail: Tail) -> Result<(), Error> {
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

pub(crate) fn read(source: &dyn ReadAt, what: &str, offset: u64, buf: &mut [u8]) -> Result<(), Error> {
    source.read_at(offset, buf).map_err(|error| match (error.kind(), source.len()) {
        (ErrorKind::UnexpectedEof, Ok(len)) => Error::Truncated { len, needed: offset + buf.len() as u64 },
        _ => Error::Read { what: what.into(), source: error },
    })
}
