//! What becomes of a bundle that was fetched, or came over a line, when its update is settled: it makes room.

use super::holes::{CLAIM_LIMIT, CLAIM_SUFFIX, Claim};
use crate::error::Error;
use crate::files::Files;
use crate::machine::{Machine, Place};
use crate::state::{Seen, Trust};
use drydock_block::Flush;
use drydock_format::Digest;
use drydock_state::{Record, SetName, SetStatus};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Where the live system keeps what it fetches, on the data volume.
pub const FETCHED: &str = "lib/drydock/fetched.drydock";
/// Where recovery keeps what comes over a serial line, on the data volume.
pub const UPLOADED: &str = "lib/drydock/uploaded.drydock";

/// Removes what was fetched or uploaded to the usual places, if its update is settled: see [`discard`]. Nobody stages it
/// meanwhile.
pub fn discard_settled(machine: &impl Machine) -> Result<(), Error> {
    if machine.config().data.is_none() {
        return Ok(());
    }
    let _lock = machine.lock()?;
    let Seen { record, trust: Trust::Whole, .. } = Seen::look(machine)? else { return Ok(()) };
    let advice = "remove it by hand, or fetch another one in its place";
    let files = machine.files(Place::Data);
    for bundle in [FETCHED, UPLOADED] {
        discard(&*files, bundle, &record).map_err(Error::system("removing", bundle, advice))?;
    }
    Ok(())
}

/// Removes the bundle that was fetched or uploaded to this path, and its claim, if the device needs it no more: it has the
/// release, and that is good, or is given up; and nothing waits that may want to read it. What has failed stays, to be gone on
/// with.
///
/// On return the bundle's name is gone from stable storage. A cut leaves what the next call removes: the claim goes last.
pub fn discard(files: &dyn Files, bundle: &str, record: &Record) -> io::Result<()> {
    let claim = format!("{bundle}{CLAIM_SUFFIX}");
    let (bundle, claim) = (Path::new(bundle), Path::new(&claim));
    let found = match files.read(claim, CLAIM_LIMIT as u64) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    // One that is damaged is made anew by whoever fetches next.
    if !Claim::decode(&found).is_ok_and(|claim| is_settled(record, claim.manifest)) {
        return Ok(());
    }
    match files.remove(bundle) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        removed => removed?,
    }
    files.flush(bundle.parent().unwrap_or(Path::new("")), Flush::BundleRemoved)?;
    files.remove(claim)
}

/// Whether nothing more is to be done with the release of this manifest.
fn is_settled(record: &Record, manifest: Digest) -> bool {
    let sets = SetName::BOTH.map(|set| record.sets.get(set));
    let mut of_it = sets.iter().filter(|set| set.manifest == manifest.into()).peekable();
    record.intent.is_none()
        && record.recovery.offer.is_none()
        && of_it.peek().is_some()
        && of_it.all(|set| matches!(set.status, SetStatus::Good | SetStatus::Bad))
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_state::{Intent, Job, Offer, SetInfo, Source, UnixTime, transition};

    #[test]
    fn a_release_is_settled_when_it_is_good_or_given_up_and_nothing_waits() {
        let (this, other) = (Digest([1; 32]), Digest([2; 32]));
        let mut record = transition::flashed(SetInfo::default(), UnixTime(0));
        let mut with = |status: SetStatus, manifest: Digest| {
            record.sets.b = SetInfo { status, manifest: manifest.into(), ..SetInfo::default() };
            record.clone()
        };
        assert!(is_settled(&with(SetStatus::Good, this), this));
        assert!(is_settled(&with(SetStatus::Bad, this), this));
        assert!(!is_settled(&with(SetStatus::Trial, this), this));
        assert!(!is_settled(&with(SetStatus::Empty, this), this));
        assert!(!is_settled(&with(SetStatus::Good, other), this));
        let good = with(SetStatus::Good, this);
        let source = Source::Data { path: FETCHED.into() };
        let job = Job::UpdateRecovery { source: source.clone(), manifest: this, written: None };
        let intent: Intent = {
            let mut record = good.clone();
            transition::stage(&mut record, Job::FactoryReset, "", UnixTime(0)).unwrap();
            Intent { job, ..record.intent.unwrap() }
        };
        assert!(!is_settled(&Record { intent: Some(intent), ..good.clone() }, this));
        let mut offered = good;
        offered.recovery.offer = Some(Offer { set: SetName::B, source, later: Default::default() });
        assert!(!is_settled(&offered, this));
    }
}
