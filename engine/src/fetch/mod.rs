//! Bundles from a network: what the device lacks is fetched into a bundle with holes, or read as it is used.
//!
//! Nothing here has a network: [`Remote`] is one request, and [`Session`] goes on through trouble with as many as it takes.
//! [`Stream`] is a bundle that is read from a server while it is installed; [`fetch`] brings what is needed to the device
//! first, into a [`Keep`], such that recovery needs no network.

mod filling;
pub mod holes;
mod remote;
mod session;
mod settled;
mod stream;

pub use filling::Keep;
pub use remote::{Contact, Failed, Pace, Remote, Take};
pub use session::Session;
pub use settled::{FETCHED, UPLOADED, discard, discard_settled};
pub use stream::Stream;

use crate::error::Error;
use crate::event::Step;
use crate::machine::Machine;
use crate::state::Seen;
use crate::update::{Needed, Rest};
use crate::{release, update};
use drydock_format::{Bundle, Digest, ReadAt, Tail};
use filling::Filling;
use holes::{Claim, WithHoles};
use std::io;
use std::sync::Arc;

/// What a fetch came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The release's version.
    pub version: String,
    /// The digest of its manifest.
    pub manifest: Digest,
    /// The length of the whole bundle in bytes.
    pub length: u64,
    /// How many bytes of it are there now.
    pub there: u64,
    /// How many bytes of it came this time.
    pub received: u64,
}

/// Fetches what the device lacks of a bundle, and proves it. Its signatures are checked before anything else of it is read
/// or kept; what a fetch that was cut short has left is gone on with, if it is of the same release. On return what came is on
/// stable storage, and a recovery can install the bundle without a network.
///
/// What is needed is decided now: if the slots change before the installation, stage the bundle again.
pub fn fetch(
    machine: &impl Machine,
    session: Session,
    keep: &Arc<dyn Keep>,
    from: &str,
) -> Result<Fetched, Error> {
    let events = machine.events();
    events.started(Step::Fetch, from);
    let record = Seen::look(machine)?.record;
    let trusted = release::trusted(machine.config())?;
    let stream = Arc::new(Stream::glance(session)?);
    let outline = Bundle::outline(stream.clone(), &trusted)?;
    let length = stream.len().map_err(Error::doing("asking for the bundle's length"))?;
    let (mut session, pieces) = Arc::into_inner(stream)
        .ok_or_else(|| Error::Unusable("the transfer is still in use".into()))?
        .into_parts();

    let (manifest, file, have) = (outline.manifest, outline.file, Default::default());
    let claim = Claim { manifest, file, length, from: from.into(), have };
    let mut filling = Filling::begin(keep.clone(), claim)?;
    for (offset, piece) in pieces {
        filling.put(offset, &piece)?;
    }
    let tables = outline.ranges.into_iter().collect();
    let mut bring = |filling: &mut Filling| {
        filling.fill(&mut session, &tables, "tables")?;
        let open = |claim: &Claim| {
            Bundle::open_with(WithHoles::new(Kept(keep.clone()), claim), &trusted, Tail::Nothing)
        };
        let indexes = update::indexes(machine, &record, &open(&filling.claim)?)?;
        filling.fill(&mut session, &indexes, "tables")?;
        let proven = loop {
            let Needed { ranges, rest } = update::needed(machine, &record, &open(&filling.claim)?)?;
            filling.fill(&mut session, &ranges, "what the device lacks")?;
            if let Rest::Proven(proven) = rest {
                break proven;
            }
        };
        let bundle = open(&filling.claim)?;
        update::prove_fetched(machine, &record, &bundle, &proven)?;
        Ok(bundle.manifest().version.clone())
    };
    let mut brought = bring(&mut filling);
    for tries_left in [1, 0] {
        let Err(error) = brought.as_ref().map_err(|error: &Error| error) else { break };
        if !error.is_of_contents() {
            break;
        }
        // What came was not what was signed: other bytes under the same name, or a proxy that is not what it should be.
        // None of it is gone on with.
        filling.forget()?;
        if tries_left > 0 {
            events.warning(format_args!("what was fetched is fetched again: {error}"));
            brought = bring(&mut filling);
        }
    }
    let version = brought?;
    let there = filling.claim.have.bytes();
    let received = session.received();
    events.finished(
        Step::Fetch,
        format_args!("version {version}: {received} bytes came, {there} of {length} are needed"),
    );
    Ok(Fetched { version, manifest, length, there, received })
}

/// A kept file, as what a bundle is read from.
struct Kept(Arc<dyn Keep>);

impl ReadAt for Kept {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.0.read_at(offset, buf)
    }
}
