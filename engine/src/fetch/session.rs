//! A transfer that goes on through trouble: tries, pauses, mirrors, and a file that was exchanged.

use super::remote::{Contact, Failed, Pace, Remote, Take};
use crate::error::Error;
use crate::event::{Event, Events};
use drydock_transfer::{Asked, Ranges, Retries, Trouble, Verdict, Waits};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// The beginning of the file, by which a mirror, or a file that has another tag, is known to be the same release: the
/// manifest begins in it, with the version and the first root hashes. It is short, because it must come in one piece.
/// Whatever follows is proven when it is used, by digests that the manifest has signed.
const FRONT: Range<u64> = 0..2 << 10;
/// The most ranges in one request.
const MOST_RANGES: usize = 100;
/// The most bytes in one request.
const MOST_BYTES: u64 = 64 << 20;
/// How often whoever watches is told that there is progress.
const ALLOW_EVERY: Duration = Duration::from_secs(1);

/// A file on servers, and how far one can rely on them.
pub struct Session {
    remote: Box<dyn Remote>,
    mirrors: Vec<String>,
    pace: Arc<dyn Pace>,
    events: Arc<dyn Events>,
    retries: Retries,
    /// The beginning of the file, and its length, as they came first.
    file: Option<File>,
    /// The mirror that has this very file, and the tag that it gave it.
    contact: Option<(usize, Contact)>,
    /// How many ranges a request may have.
    most_ranges: usize,
    /// Whether tags tell anything: behind some addresses there are several servers that do not agree on them.
    tags: bool,
    /// Bytes that have come.
    received: u64,
    /// How long one try may be silent, in all its stages.
    quiet: Duration,
}

struct File {
    front: Vec<u8>,
    length: u64,
}

impl Session {
    /// Returns a transfer that has not begun. `quiet` is how long one try may be silent, in all its stages: the watchdog
    /// waits as long.
    pub fn new(
        remote: Box<dyn Remote>,
        pace: Arc<dyn Pace>,
        events: Arc<dyn Events>,
        waits: Waits,
        quiet: Duration,
    ) -> Self {
        let mirrors = remote.mirrors();
        let retries = Retries::new(waits, mirrors.len());
        Self {
            remote,
            mirrors,
            pace,
            events,
            retries,
            file: None,
            contact: None,
            most_ranges: MOST_RANGES,
            tags: true,
            received: 0,
            quiet,
        }
    }

    /// Connects, if that was not done yet. Returns the file's length in bytes.
    pub fn length(&mut self) -> Result<u64, Error> {
        loop {
            if let Some(file) = &self.file {
                return Ok(file.length);
            }
            self.attempt(|session| session.confirm())?;
        }
    }

    /// The beginning of the file, once there was an answer.
    pub fn front(&self) -> &[u8] {
        self.file.as_ref().map_or(&[], |file| &file.front)
    }

    /// How many bytes of the file have come so far, twice where they came twice.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Time, as this transfer has it.
    pub fn pace(&self) -> &Arc<dyn Pace> {
        &self.pace
    }

    /// Where events go.
    pub(super) fn shared_events(&self) -> Arc<dyn Events> {
        self.events.clone()
    }

    /// Hands over all of these bytes that the file has, and no others, however often the connection breaks. What has come
    /// before an error stays as it is.
    pub fn get(&mut self, wanted: &Ranges, take: Take<'_>) -> Result<(), Error> {
        let mut left = wanted.before(self.length()?);
        while !left.is_empty() {
            let mut got = Ranges::new();
            let tried = self.attempt(|session| session.ask(&left, &mut got, take));
            left = left.without(&got);
            tried?;
        }
        Ok(())
    }

    /// One try. Trouble is borne, for as long as there is hope.
    fn attempt(&mut self, work: impl FnOnce(&mut Self) -> Result<(), Failed>) -> Result<(), Error> {
        self.events.allow(self.quiet);
        match work(self) {
            Ok(()) => Ok(()),
            Err(Failed::Here(error)) => Err(error),
            Err(Failed::There(trouble)) => self.bear(trouble),
        }
    }

    /// Asks for as much as one request takes.
    fn ask(&mut self, left: &Ranges, got: &mut Ranges, take: Take<'_>) -> Result<(), Failed> {
        let mirror = self.retries.mirror();
        let Some((_, contact)) = self.contact.as_ref().filter(|(confirmed, _)| *confirmed == mirror) else {
            return self.confirm();
        };
        let Some(ranges) = left.requests(self.most_ranges, MOST_BYTES).into_iter().next() else {
            return Ok(());
        };
        let etag = contact.etag.clone().filter(|_| self.tags);
        let asked = Asked { etag, length: Some(contact.length), ranges };
        let wanted = &asked.ranges;
        let (retries, received) = (&mut self.retries, &mut self.received);
        let (pace, events, quiet) = (&self.pace, &self.events, self.quiet);
        let mut allowed_at = pace.since();
        let answer = self.remote.get(mirror, &asked, &mut |offset, bytes| {
            *received += bytes.len() as u64;
            let now = pace.since();
            if now.saturating_sub(allowed_at) >= ALLOW_EVERY {
                allowed_at = now;
                events.allow(quiet);
            }
            // Of a whole file that comes where ranges were asked for only those are handed on.
            for part in wanted.iter() {
                let (start, end) = (part.start.max(offset), part.end.min(offset + bytes.len() as u64));
                let within = (start.saturating_sub(offset) as usize)..(end.saturating_sub(offset) as usize);
                let Some(bytes) = bytes.get(within).filter(|bytes| !bytes.is_empty()) else { continue };
                if !got.contain(&(start..end)) {
                    retries.progressed();
                    got.add(start..end);
                }
                take(start, bytes)?;
            }
            Ok(())
        });
        answer.map(drop)
    }

    /// Reads the beginning of the file from the mirror that is asked now. The first answer says what the file is; any later
    /// one is held against it.
    fn confirm(&mut self) -> Result<(), Failed> {
        let mirror = self.retries.mirror();
        let length = self.file.as_ref().map(|file| file.length);
        let asked = Asked { ranges: std::iter::once(FRONT).collect(), etag: None, length };
        let mut front = Vec::new();
        let received = &mut self.received;
        let contact = self.remote.get(mirror, &asked, &mut |offset, bytes| {
            *received += bytes.len() as u64;
            if offset == front.len() as u64 {
                let room = FRONT.end as usize - front.len();
                front.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
            }
            Ok(())
        })?;
        match &self.file {
            Some(file) if file.front != front => {
                return Err(Failed::There(Trouble::Exchanged("it begins otherwise".into())));
            }
            Some(_) => {}
            None => self.file = Some(File { front, length: contact.length }),
        }
        self.retries.progressed();
        self.contact = Some((mirror, contact));
        Ok(())
    }

    /// Waits, or takes another mirror, or gives up.
    fn bear(&mut self, trouble: Trouble) -> Result<(), Error> {
        let before = self.retries.mirror();
        match &trouble {
            Trouble::NoMultipart if self.most_ranges > 1 => {
                self.most_ranges = 1;
                return Ok(());
            }
            // The beginning of the file tells whether it is another one, or has just been put there anew.
            Trouble::Exchanged(_) if self.tags && self.contact.is_some() => {
                self.tags = false;
                self.contact = None;
                return Ok(());
            }
            _ => {}
        }
        let verdict = self.retries.after(&trouble, self.pace.chance(), self.pace.now());
        let name = |mirror: usize| self.mirrors.get(mirror).cloned().unwrap_or_default();
        let Verdict::Again { mirror, pause } = verdict else {
            return Err(Error::Transfer { from: name(before), trouble });
        };
        let next = match mirror == before {
            true => String::new(),
            false => format!("; going on with {}", name(mirror)),
        };
        let reason =
            format!("fetching {}: {trouble}{next}; trying again in {} s", name(before), pause.as_secs());
        self.events.send(Event::Retry { reason });
        self.events.allow(pause.saturating_add(self.quiet));
        self.pace.pause(pause);
        Ok(())
    }
}
