//! A bundle that comes in order, checked as soon as there is something to check.

use super::office::Incoming;
use crate::error::Error;
use crate::release;
use drydock_config::Config;
use drydock_format::manifest::MAX_SIZE;
use drydock_format::tar::{BLOCK, Header};
use drydock_format::{Bundle, Manifest, ReadAt, Trusted};
use drydock_page::Release;
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The longest front in bytes: a manifest and a supplement, what was left out, signatures and headers.
const LONGEST: u64 = 3 * MAX_SIZE;

/// A bundle whose front is held back until its signatures hold, and it is the release that was asked for.
pub struct Fronted {
    front: Option<Front>,
    inner: Box<dyn Incoming>,
}

/// The front of a bundle, as far as it has come.
struct Front {
    come: Arc<Come>,
    trusted: Trusted,
    compatible: String,
    asked: Release,
}

/// What has come of a file.
struct Come {
    bytes: Mutex<Vec<u8>>,
    /// How much was looked for, from the file's beginning.
    wanted: AtomicU64,
    length: u64,
}

impl Fronted {
    /// One of so many bytes. What passes goes to `inner`.
    ///
    /// # Errors
    /// The configuration's keys can't be used.
    pub fn new(
        config: &Config,
        asked: Release,
        length: u64,
        inner: Box<dyn Incoming>,
    ) -> Result<Self, Error> {
        let come = Arc::new(Come { bytes: Mutex::default(), wanted: AtomicU64::new(BLOCK), length });
        let trusted = release::trusted(config)?;
        let front = Front { come, trusted, compatible: config.compatible.clone(), asked };
        Ok(Self { front: Some(front), inner })
    }
}

impl Incoming for Fronted {
    fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let Some(front) = &self.front else { return self.inner.take(bytes) };
        if !front.add(bytes)? {
            return Ok(());
        }
        let come = front.come.clone();
        self.front = None;
        self.inner.take(&come.lock())
    }

    fn finish(self: Box<Self>) -> Result<String, Error> {
        match &self.front {
            None => self.inner.finish(),
            Some(front) => {
                // Whatever it is, it has no signatures.
                Bundle::outline(front.come.clone(), &front.trusted)?;
                Err(Error::Refused("the bundle is not whole; send it again".into()))
            }
        }
    }
}

impl Front {
    /// Adds what has come. Returns whether the front is whole and as it should be.
    fn add(&self, bytes: &[u8]) -> Result<bool, Error> {
        let have = {
            let mut come = self.come.lock();
            come.extend_from_slice(bytes);
            come.len() as u64
        };
        if have < self.come.wanted.load(Ordering::Relaxed).min(self.come.length) {
            return Ok(false);
        }
        self.come.wanted.store(0, Ordering::Relaxed);
        let outline = Bundle::outline(self.come.clone(), &self.trusted);
        let wanted = self.come.wanted.load(Ordering::Relaxed);
        // What was looked for and is not there yet may change everything; what is out of all reason does not.
        if (have + 1..=LONGEST).contains(&wanted) {
            return Ok(false);
        }
        self.check(&outline?.manifest.to_string())?;
        Ok(true)
    }

    /// Whether this is for this device, and what was asked for.
    fn check(&self, digest: &str) -> Result<(), Error> {
        let come = self.come.lock();
        let size = come.first_chunk().and_then(Header::decode).map_or(0, |header| header.size as usize);
        let bytes = come.get(BLOCK as usize..).and_then(|rest| rest.get(..size));
        let manifest = Manifest::parse(bytes.unwrap_or_default())?;
        if manifest.compatible != self.compatible {
            return Err(Error::Refused(format!(
                "the bundle is for `{}`, this device is a `{}`; take another one",
                manifest.compatible, self.compatible
            )));
        }
        if digest != self.asked.manifest || manifest.version != self.asked.version {
            return Err(Error::Refused(format!(
                "this is version {}, and not the release that was asked for, version {}; ask for this one",
                manifest.version, self.asked.version
            )));
        }
        Ok(())
    }
}

impl Come {
    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReadAt for Come {
    fn len(&self) -> io::Result<u64> {
        Ok(self.length)
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(buf.len() as u64).ok_or(ErrorKind::UnexpectedEof)?;
        self.wanted.fetch_max(end, Ordering::Relaxed);
        self.lock().as_slice().read_at(offset, buf)
    }
}
