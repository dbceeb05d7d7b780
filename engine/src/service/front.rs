//! The front of a bundle that is coming: whether it is signed and meant for this device, as soon as that can be said.

use crate::error::Error;
use crate::fetch::holes::Claim;
use crate::update::plan;
use drydock_config::Config;
use drydock_format::{Bundle, Digest, Manifest, ReadAt, Trusted};
use drydock_state::Record;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The longest front in bytes: a manifest, what was left out, what was added, signatures and headers.
const LONGEST: u64 = 4 << 20;

/// The first bytes of a bundle.
pub struct Front {
    /// They.
    pub bytes: Vec<u8>,
    /// The length of the whole file in bytes.
    size: u64,
    /// How many bytes are needed before it makes sense to look.
    needed: u64,
}

/// What a front turned out to be.
pub enum Looked {
    /// More of it is needed.
    Lacks,
    /// It is signed, and for this device.
    Good(Claim, String),
}

/// What a front is held against.
pub struct Against<'a> {
    /// What this device is.
    pub config: &'a Config,
    /// What it must not go below.
    pub record: &'a Record,
    /// Whom it trusts.
    pub trusted: &'a Trusted,
    /// The digest of the manifest of the one release that is wanted, if it is only one.
    pub wanted: Option<Digest>,
}

impl Front {
    /// Returns an empty one, of a file of so many bytes.
    pub fn new(size: u64) -> Self {
        Self { bytes: Vec::new(), size, needed: 512.min(size) }
    }

    /// Takes the next bytes, and looks if that makes sense.
    ///
    /// # Errors
    /// The file is no bundle, is not signed by whom this device trusts, is not meant for it, is not the release that is wanted,
    /// or has another length than its manifest says.
    pub fn add(&mut self, bytes: &[u8], against: &Against<'_>) -> Result<Looked, Error> {
        self.bytes.extend_from_slice(bytes);
        while self.bytes.len() as u64 >= self.needed {
            let here = Arc::new(Here {
                bytes: std::mem::take(&mut self.bytes),
                size: self.size,
                lacks: AtomicU64::new(0),
            });
            let outline = Bundle::outline(here.clone(), against.trusted);
            let lacks = here.lacks.load(Ordering::Relaxed);
            self.bytes = Arc::into_inner(here).map(|here| here.bytes).unwrap_or_default();
            match outline {
                // A front that is said to be longer is none.
                Err(drydock_format::Error::Read { .. }) if lacks > 0 && lacks <= LONGEST => {
                    self.needed = lacks;
                }
                Ok(_) if lacks > 0 && lacks <= LONGEST => self.needed = lacks,
                Err(error) => return Err(error.into()),
                Ok(outline) => {
                    let manifest: &Manifest = &outline.release;
                    plan::admit(against.config, against.record, manifest)?;
                    if against.wanted.is_some_and(|wanted| wanted != outline.manifest) {
                        return Err(Error::Refused(format!(
                            "this is version {}, and not the release that was asked for; ask for this one",
                            manifest.version
                        )));
                    }
                    outline.check_length(self.size)?;
                    let claim = Claim {
                        manifest: outline.manifest,
                        file: outline.file,
                        length: self.size,
                        from: "a line".into(),
                        have: Default::default(),
                    };
                    return Ok(Looked::Good(claim, manifest.version.clone()));
                }
            }
        }
        Ok(Looked::Lacks)
    }
}

/// A file of which only the beginning is there.
struct Here {
    bytes: Vec<u8>,
    size: u64,
    /// How much of it should have been there.
    lacks: AtomicU64,
}

impl ReadAt for Here {
    fn len(&self) -> io::Result<u64> {
        Ok(self.size)
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let end = offset.saturating_add(buf.len() as u64);
        if end <= self.bytes.len() as u64 {
            return self.bytes.read_at(offset, buf);
        }
        // The first that is lacking is what is waited for: what is looked at behind it may never be needed.
        let _ = self.lacks.compare_exchange(0, end, Ordering::Relaxed, Ordering::Relaxed);
        Err(ErrorKind::NotFound.into())
    }
}
