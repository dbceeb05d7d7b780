//! Fetches: a device brings what it lacks of a bundle to itself, and its power is cut at every write and flush of that.

use crate::contents::Contents;
use crate::device::SimDevice;
use crate::kept::SimKept;
use crate::server::{Answer, SimPace, SimServer, look};
use crate::workshop::Workshop;
use drydock_engine::event::Silent;
use drydock_engine::fetch::holes::{Claim, WithHoles};
use drydock_engine::fetch::{Fetched, Keep, Session, fetch};
use drydock_engine::{Error, live};
use drydock_format::ReadAt;
use drydock_transfer::Waits;
use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// A transfer from these servers.
pub fn session(server: SimServer) -> Session {
    let (quiet, pace) = (Duration::from_secs(60), Arc::new(SimPace::default()));
    Session::new(Box::new(server), pace, Arc::new(Silent), Waits::default(), quiet)
}

/// Fetches what a device lacks of the bundle that these servers have.
pub fn bring(device: &SimDevice<'_>, server: SimServer, keep: &Arc<SimKept>) -> Result<Fetched, Error> {
    let keep: Arc<dyn Keep> = keep.clone();
    device.live(|machine| fetch(machine, session(server), &keep, "a server"))
}

/// What is claimed to be there of a bundle, if anything is.
///
/// # Panics
/// If the claim can't be read: it is replaced whole.
pub fn claim(keep: &SimKept) -> Option<Claim> {
    keep.claim().expect("memory can be read").map(|bytes| Claim::decode(&bytes).expect("it is whole"))
}

/// What was fetched, as a bundle with holes.
///
/// # Panics
/// If nothing was fetched.
pub fn holes(keep: &Arc<SimKept>) -> WithHoles<File> {
    WithHoles::new(File(keep.clone()), &claim(keep).expect("something was fetched"))
}

/// A file that is kept.
pub struct File(Arc<SimKept>);

impl ReadAt for File {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.0.read_at(offset, buf)
    }
}

/// Returns what is claimed and is not there as it is on the server.
pub fn lie(keep: &SimKept, bundle: &[u8]) -> Option<String> {
    let bytes = keep.bytes().unwrap_or_default();
    let claim = claim(keep)?;
    let differs = |range: &std::ops::Range<u64>| {
        let range = range.start as usize..range.end as usize;
        bytes.get(range.clone()) != bundle.get(range)
    };
    claim.have.iter().find(differs).map(|range| format!("{range:?} is claimed and is not there"))
}

/// What became of fetches that were cut.
#[derive(Debug, Default)]
pub struct Swept {
    /// Fingerprints of all that a cut left.
    pub states: HashSet<u64>,
    /// Fetches that were gone on with.
    pub runs: usize,
    /// Those that then had to bring less than the whole.
    pub shorter: usize,
    /// What went wrong.
    pub failures: Vec<String>,
}

/// Cuts two fetches, as of a full bundle and of one with deltas, at every write and flush, and goes on with each; every
/// moment of that second fetch is looked at, too. Of every state that a fetch has ended in the device must be able to update
/// itself, which is tried with one in so many.
///
/// What is fetched is a version, for a device with these contents.
pub fn cut_everywhere(workshop: &Workshop, what: [(&str, &Contents); 2], seldom: usize) -> Swept {
    let mut swept = Swept::default();
    for (version, contents) in what {
        let device = SimDevice::new(workshop, contents.clone());
        cut(&device, version, seldom, &mut swept);
    }
    swept
}

fn cut(device: &SimDevice<'_>, version: &str, seldom: usize, swept: &mut Swept) {
    let bundle = device.workshop.version(version).bundle.clone();
    let server = || SimServer::new(bundle.clone(), Box::new(|_, _, _| Answer::Right));
    let whole = SimKept::new(None);
    let (first, served) = server();
    if let Err(error) = bring(device, first, &whole) {
        swept.failures.push(format!("{version}: {error}"));
        return;
    }
    let (all, wanted) = (look(&served).sent, claim(&whole));
    let mut begun = HashSet::new();
    for (number, cut) in whole.cuts().iter().enumerate() {
        let mut check = |what: &str, found: Option<String>| {
            swept.failures.extend(found.map(|found| format!("{version}, cut {number}, {what}: {found}")));
        };
        check("at once", lie(cut, &bundle));
        if !begun.insert(cut.fingerprint()) {
            continue;
        }
        swept.states.insert(cut.fingerprint());
        let (again, served) = server();
        let brought = bring(device, again, cut).err().map(|error| error.to_string());
        check("gone on with", brought.or_else(|| lie(cut, &bundle)));
        check("in the end", (claim(cut) != wanted).then(|| "something else is there".into()));
        swept.runs += 1;
        swept.shorter += usize::from(look(&served).sent < all);
        for second in cut.cuts() {
            if swept.states.insert(second.fingerprint()) {
                swept
                    .failures
                    .extend(lie(&second, &bundle).map(|lie| format!("{version}, cut {number}: {lie}")));
            }
        }
        if number % seldom == 0 {
            swept
                .failures
                .extend(install(device, version, cut).map(|why| format!("{version}, cut {number}: {why}")));
        }
    }
}

/// Lets the device install what was fetched. Returns what is wrong in the end.
fn install(device: &SimDevice<'_>, version: &str, keep: &Arc<SimKept>) -> Option<String> {
    let mut device = device.again(device.disk.view(), None);
    let name = format!("{version}.drydock");
    device.bundles.insert(name.clone(), Arc::new(holes(keep)));
    let source = drydock_state::Source::Data { path: name };
    if let Err(error) =
        device.live(|machine| live::stage(machine, source, drydock_engine::update::Look::Whole))
    {
        return Some(error.to_string());
    }
    let end = device.run();
    let found = device.record().map(|record| {
        let sets = [&record.sets.a.version, &record.sets.b.version];
        sets.iter().any(|found| *found == version)
    });
    let mut wrong = device.violations();
    if !found.unwrap_or(false) {
        wrong.push(format!("{version} is in no set: {end:?}"));
    }
    (!wrong.is_empty()).then(|| wrong.join("; "))
}
