//! An update, from the intent to the commit.
//!
//! The order is what makes it safe to cut anywhere and to run again: nothing is written before the bundle is
//! proven to be whole and meant for this device; the target set is made unbootable before its first byte
//! changes; what was written is read back; then trailers, state and boot environment, in this order.

mod delta;
pub mod frames;
mod needed;
mod open;
pub mod plan;
mod prepared;
pub mod prove;
pub mod recovery;
mod sections;
mod steps;
#[cfg(feature = "files")]
mod tree;
pub(crate) mod workers;
pub mod write;

pub use needed::{Needed, Rest, indexes, needed, prove_fetched};
pub use prepared::Prepared;

use crate::asked::Asked;
use crate::error::Error;
use crate::machine::Machine;
use crate::state::State;
use crate::steps::{Commit, Work};
use drydock_format::Digest;
use drydock_state::{Record, Source};
use open::open;
use prepared::prepare_bundle;

/// How much of a bundle is looked at before it is staged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// All of it is read and proven.
    Whole,
    /// Signatures, members and tables only: damage to the contents is found when they are written.
    Quick,
}

/// Opens a bundle and checks all that can be checked without writing: signatures, every member's place and
/// length, the hash trees' upper levels, the frame tables, and whether it fits this device. Writes nothing.
///
/// `pinned` is the digest of the manifest that the intent means.
pub fn prepare(
    machine: &impl Machine,
    record: &Record,
    source: &Source,
    pinned: Option<Digest>,
    look: Look,
) -> Result<Prepared, Error> {
    open(machine, source, pinned, &mut |bundle, stamp| {
        let prepared = prepare_bundle(machine, record, source, bundle, stamp)?;
        if look == Look::Whole {
            prepared.prove_source(machine)?;
        }
        Ok(prepared)
    })
}

/// [`prepare`]s an update and carries it out, up to what is to be recorded. On return the target set is filled and read
/// back, and that is on stable storage; it gets its trial when the record says so ([`finish`](crate::steps::finish)).
pub fn apply(
    machine: &impl Machine,
    state: &mut State<'_>,
    source: &Source,
    pinned: Option<Digest>,
) -> Result<Commit, Error> {
    open(machine, source, pinned, &mut |bundle, stamp| {
        let prepared = prepare_bundle(machine, &state.record, source, bundle, stamp)?;
        fill(machine, state, &prepared, Asked::Everybody)?;
        let brought = prepared.recovery.as_ref().map(|brought| brought.source.clone());
        let (set, told) = (prepared.plan.target, prepared.troubles());
        Ok(Commit::Installed { set, release: prepared.release, brought, told })
    })
}

/// Fills the slots of the target set, proves them, and gives them their trailers. On return that is on stable storage;
/// the set is not bootable until the record says so.
pub fn fill(
    machine: &impl Machine,
    state: &mut State<'_>,
    prepared: &Prepared,
    asked: Asked,
) -> Result<(), Error> {
    let steps = steps::to_fill(machine, state, prepared, asked)?;
    crate::steps::run(&mut Work { machine, state }, &steps)
}
