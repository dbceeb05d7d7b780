//! Opening a bundle: signatures, and whether it is the one that is meant.

use crate::error::Error;
use crate::event::Step;
use crate::machine::{Found, Machine};
use crate::{release, sources};
use drydock_format::{Bundle, Digest};
use drydock_state::Source;

/// What is done with a bundle whose signatures hold; the text is its stamp ([`Found::stamp`]).
pub(super) type Use<'w, T> = &'w mut dyn FnMut(&Bundle, Option<String>) -> Result<T, Error>;

/// Opens a bundle, checks its signatures and that it is the one that is meant, and does something with it. Where that is
/// not so, or `work` can't use it, and there is another candidate for it, that one is tried.
pub(super) fn open<T>(
    machine: &impl Machine,
    source: &Source,
    pinned: Option<Digest>,
    work: Use<'_, T>,
) -> Result<T, Error> {
    let events = machine.events();
    events.started(Step::Source, describe(source));
    sources::open(machine, source, &mut |Found { bytes, tail, stamp }| {
        events.started(Step::Verify, "signatures and tables of the bundle");
        let bundle = Bundle::open_with(bytes, &release::trusted(machine.config())?, tail)?;
        let digest = bundle.manifest_digest();
        match pinned.filter(|pinned| *pinned != digest) {
            None => work(&bundle, stamp),
            Some(pinned) => Err(Error::Refused(format!(
                "the bundle's manifest is {digest}, the intent means {pinned}; the bundle was exchanged, stage it again"
            ))),
        }
    })
}

fn describe(source: &Source) -> String {
    match source {
        Source::Data { path } => format!("{path} on data"),
        Source::Medium(medium) => format!("{} on a removable medium", medium.path),
        Source::Partition { label } => format!("partition {label}"),
        Source::Network { url } => url.clone(),
        Source::Memory => "what was uploaded to memory".into(),
        Source::Unknown(_) => "a source that only a later drydock knows".into(),
    }
}
