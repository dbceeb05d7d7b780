//! A bundle that comes over a line, or from the page.
//!
//! Its front is looked at while it comes, so a file that is not signed or not meant for this device is refused after its first
//! kilobytes. What has come is claimed piece by piece ([`Claim`]), so an upload that was cut short, by a bad line or a cut of
//! power, is gone on with. Nothing of it is used before all of it is there: then it is staged as any other bundle is.

use super::front::{Against, Front, Looked};
use super::landing::{Landing, refusal};
use crate::error::Error;
use crate::event::{Event, Events, Step, Unit};
use crate::fetch::holes::Claim;
use crate::machine::Machine;
use crate::release;
use crate::state::Seen;
use drydock_block::Flush;
use drydock_config::Config;
use drydock_format::{Digest, Trusted};
use drydock_modem::{Answer, Check, Ended, Failed, Offer, Stop, Take};
use drydock_state::{Record, Source};
use std::io;
use std::time::Duration;

/// After so many bytes what has come is flushed and claimed.
const PART: usize = 64 << 10;
/// What is claimed before the end is a multiple of this many bytes: a raw partition has no smaller ones.
const UNIT: u64 = 4096;
/// What a filesystem keeps for its own, in bytes.
const SPARE: u64 = 64 << 10;
/// After so many bytes progress is told.
const TELL: u64 = 8 << 10;
/// And that of a bundle from the page so many times: all consoles are told of it, and a serial line may be one of them.
const PARTS: u64 = 20;
/// A transfer may stand still for so long: it ends by itself before.
const QUIET: Duration = Duration::from_secs(150);

/// Takes a bundle from a sender.
pub struct Upload<'u> {
    config: &'u Config,
    events: &'u dyn Events,
    record: Record,
    trusted: Trusted,
    landings: Vec<Landing>,
    way: Way,
    coming: Coming,
    told: u64,
    failed: Option<Error>,
}

/// How a bundle comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Over a serial line: whatever is sent.
    Line,
    /// From the page: the release with this digest of its manifest.
    Page(Digest),
}

impl Way {
    /// Its name for a person.
    fn name(self) -> &'static str {
        if self == Self::Line { "over the line" } else { "from the page" }
    }

    /// After so many bytes what has come is flushed and claimed: a network brings more in the time that a flush takes.
    fn part(self) -> usize {
        if self == Self::Line { PART } else { 16 * PART }
    }
}

/// What has come.
enum Coming {
    /// Nothing, or nothing that counts.
    Nothing,
    /// The front, for the landing of this number.
    Front(usize, Front),
    /// What is claimed, and the bytes that follow it.
    Rest { landing: usize, claim: Claim, at: u64, pending: Vec<u8>, whole: bool },
}

/// A bundle that has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Where it is.
    pub source: Source,
    /// What that is called for a person.
    pub place: &'static str,
    /// Its length in bytes.
    pub length: u64,
}

impl<'u> Upload<'u> {
    /// Prepares for a bundle. Refused where there is no place for one, where an intent waits that may need what is there, and
    /// where the state can't be trusted.
    pub fn new<M: Machine>(machine: &'u M, landings: Vec<Landing>, way: Way) -> Result<Self, Error> {
        let Seen { record, .. } = Seen::look(machine)?;
        if record.intent.is_some() {
            return Err(refusal("something is staged already; cancel that first"));
        }
        if landings.is_empty() {
            return Err(refusal("this device has no `data`, no free `stash` and too little memory"));
        }
        let trusted = release::trusted(machine.config())?;
        let (config, events) = (machine.config(), machine.events());
        events.allow(QUIET);
        let coming = Coming::Nothing;
        Ok(Self { config, events, record, trusted, landings, way, coming, told: 0, failed: None })
    }

    /// Puts what has come on stable storage, and returns what that is, if it is a whole bundle. An error says what was wrong with
    /// it, or how the transfer ended; what is there then is gone on with the next time.
    pub fn finish(mut self, ended: Result<Ended, Error>) -> Result<Received, Error> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let settled = self.settle();
        let Coming::Rest { landing, claim, whole, .. } = &self.coming else {
            return Err(match ended? {
                Ended::Failed(why) => Error::Refused(format!("nothing was uploaded: {why}")),
                Ended::Done { .. } => Error::Refused("nothing was uploaded: no bundle was sent".into()),
            });
        };
        settled?;
        let (length, landing) = (claim.length, self.landings.get(*landing));
        match landing.filter(|_| *whole) {
            Some(Landing { source, name, .. }) => {
                self.events.finished(Step::Fetch, format_args!("{length} bytes have come, to {name}"));
                Ok(Received { source: source.clone(), place: name, length })
            }
            None => {
                let why = match ended {
                    Ok(Ended::Failed(why)) => why.to_string(),
                    Ok(Ended::Done { .. }) => Failed::Length.to_string(),
                    Err(error) => error.to_string(),
                };
                let again =
                    if self.way == Way::Line { "with ZMODEM it goes on from there" } else { "send it again" };
                Err(Error::Refused(format!(
                    "the upload is not whole, {} of {length} bytes are there: {why}; {again}",
                    claim.have.end()
                )))
            }
        }
    }

    /// Notes an error, for which the transfer is to end.
    fn fail(&mut self, error: Error) -> Stop {
        self.failed = Some(error);
        Stop
    }

    /// Finds a place for a file, the one first where a part of it is already.
    fn choose(&mut self, size: u64) -> Result<Answer, Error> {
        let begun = self.landings.iter().enumerate().find_map(|(number, landing)| {
            let claim = claim_of(landing).filter(|claim| claim.length == size)?;
            let there = end_of(&claim)?;
            Some((number, claim, there))
        });
        if let Some((landing, claim, there)) = begun {
            let check = self.check(landing, there)?;
            self.coming = Coming::Rest { landing, claim, at: there, pending: Vec::new(), whole: false };
            return Ok(Answer::Resume { there, check });
        }
        let fits = |landing: &Landing| {
            let spare = if matches!(landing.source, Source::Data { .. }) { SPARE } else { 0 };
            landing.keep.room().is_ok_and(|room| room >= size.saturating_add(spare))
        };
        let Some(landing) = self.landings.iter().position(fits) else {
            let room = |landing: &Landing| {
                format!("{} KiB in {}", landing.keep.room().unwrap_or(0) >> 10, landing.name)
            };
            return Err(refusal(&format!(
                "the file has {} KiB, and there is room for {}; make it smaller with `drydock-bundle slim`",
                size.div_ceil(1 << 10),
                self.landings.iter().map(room).collect::<Vec<_>>().join(", ")
            )));
        };
        self.coming = Coming::Front(landing, Front::new(size));
        Ok(Answer::Take)
    }

    /// The check sum of what is there.
    fn check(&self, landing: usize, there: u64) -> Result<Check, Error> {
        let (mut check, mut buffer, mut at) = (Check::default(), vec![0; PART], 0);
        let landing = self.landings.get(landing);
        while let Some(landing) = landing
            && at < there
        {
            let len = (there - at).min(PART as u64) as usize;
            let part = buffer.get_mut(..len).unwrap_or_default();
            landing.keep.read_at(at, part).map_err(failed("reading"))?;
            check.update(part);
            at += len as u64;
        }
        Ok(check)
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        match &mut self.coming {
            Coming::Nothing => return Ok(()),
            Coming::Front(landing, front) => {
                let Self { config, record, trusted, .. } = self;
                let wanted = if let Way::Page(wanted) = self.way { Some(wanted) } else { None };
                let against = Against { config, record, trusted, wanted };
                let Looked::Good(claim, version) = front.add(bytes, &against)? else {
                    return Ok(());
                };
                self.events.started(
                    Step::Fetch,
                    format_args!("version {version}, signed and for this device, {}", self.way.name()),
                );
                self.events.allow(QUIET);
                let (landing, pending) = (*landing, std::mem::take(&mut front.bytes));
                if let Some(Landing { keep, .. }) = self.landings.get(landing) {
                    // Nothing is claimed any more before anything changes.
                    keep.put_claim(&claim.encode()?).map_err(failed("claiming"))?;
                    keep.make(claim.length).map_err(failed("making room for"))?;
                }
                self.coming = Coming::Rest { landing, claim, at: 0, pending, whole: false };
            }
            Coming::Rest { pending, .. } => pending.extend_from_slice(bytes),
        }
        let part = self.way.part();
        while self.pending() >= part {
            self.put(part)?;
        }
        self.tell();
        Ok(())
    }

    fn pending(&self) -> usize {
        if let Coming::Rest { pending, .. } = &self.coming { pending.len() } else { 0 }
    }

    /// Writes the next bytes, and claims them once they are on stable storage.
    fn put(&mut self, len: usize) -> Result<(), Error> {
        let Coming::Rest { landing, claim, at, pending, .. } = &mut self.coming else { return Ok(()) };
        let Some(Landing { keep, .. }) = self.landings.get(*landing) else { return Ok(()) };
        let rest = pending.split_off(len.min(pending.len()));
        let bytes = std::mem::replace(pending, rest);
        keep.write_at(*at, &bytes).map_err(failed("writing"))?;
        keep.flush(Flush::BundleFetched).map_err(failed("flushing"))?;
        *at += bytes.len() as u64;
        claim.have = std::iter::once(0..*at).collect();
        keep.put_claim(&claim.encode()?).map_err(failed("claiming"))
    }

    /// Keeps what can be kept of what has come.
    fn settle(&mut self) -> Result<(), Error> {
        let Coming::Rest { claim, at, pending, .. } = &self.coming else { return Ok(()) };
        let end = *at + pending.len() as u64;
        let keeps = if end == claim.length { end } else { end / UNIT * UNIT };
        let len = keeps.saturating_sub(*at) as usize;
        if len > 0 { self.put(len) } else { Ok(()) }
    }

    fn tell(&mut self) {
        let Coming::Rest { claim, at, pending, .. } = &self.coming else { return };
        let (done, total) = (*at + pending.len() as u64, claim.length);
        let often = if self.way == Way::Line { TELL } else { (total / PARTS).max(PART as u64) };
        if done.saturating_sub(self.told) >= often {
            self.told = done;
            let what = format!("the bundle, {}", self.way.name());
            self.events.send(Event::Progress { step: Step::Fetch, what, done, total, unit: Unit::Bytes });
            self.events.allow(QUIET);
        }
    }
}

impl Take for Upload<'_> {
    fn offered(&mut self, offer: &Offer) -> Answer {
        if let Coming::Rest { whole: true, .. } = self.coming {
            return Answer::Skip;
        }
        self.told = 0;
        let answer = self.settle().and_then(|()| match offer.size {
            Some(size) => self.choose(size),
            None => Err(refusal("the sender does not say how long the file is")),
        });
        answer.unwrap_or_else(|error| {
            self.fail(error);
            Answer::Stop
        })
    }

    fn resumed(&mut self, from: u64) -> Result<(), Stop> {
        match &mut self.coming {
            Coming::Rest { landing, claim, at, .. } if *at != from => {
                self.coming = Coming::Front(*landing, Front::new(claim.length));
            }
            _ => self.told = from,
        }
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.take(bytes).map_err(|error| self.fail(error))
    }

    fn whole(&mut self) -> Result<(), Stop> {
        self.settle().map_err(|error| self.fail(error))?;
        match &mut self.coming {
            Coming::Rest { claim, whole, .. } if claim.have.end() == claim.length => *whole = true,
            _ => return Err(self.fail(refusal("the file ends before it is a bundle"))),
        }
        Ok(())
    }
}

/// Lets nothing of what is there be gone on with.
pub fn forget<'l>(landings: impl IntoIterator<Item = &'l Landing>) {
    for landing in landings {
        if let Some(mut claim) = claim_of(landing) {
            claim.have = Default::default();
            let _ = claim.encode().map(|claim| landing.keep.put_claim(&claim));
        }
    }
}

fn claim_of(landing: &Landing) -> Option<Claim> {
    let claim = Claim::decode(&landing.keep.claim().ok()??).ok()?;
    // The file may have been taken away under its claim.
    landing.keep.len().is_ok_and(|length| length == claim.length).then_some(claim)
}

/// How much of the file is there from its beginning on, if anything is.
fn end_of(claim: &Claim) -> Option<u64> {
    let first = claim.have.iter().next()?;
    (first.start == 0 && claim.have.iter().count() == 1).then_some(first.end)
}

fn failed(doing: &'static str) -> impl FnOnce(io::Error) -> Error {
    Error::system(doing, "the uploaded bundle", "check the disk, or free some room, and start it again")
}
