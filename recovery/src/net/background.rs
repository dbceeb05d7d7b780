//! Fetching a bundle in the live system, with the manners of a process in the background.

use super::manners::{Manners, StoodBack};
use super::open::{Showing, session};
use crate::machine::Hardware;
use crate::machine::KeptFile;
use drydock_engine::Error;
use drydock_engine::fetch::{self, Fetched, Keep};
use drydock_engine::machine::Setting;
use std::path::Path;
use std::sync::Arc;

/// Fetches what the device lacks of a bundle into a file, as slowly as the configuration wants. It has the lowest
/// priority meanwhile. On return what came is on stable storage.
pub fn fetch(machine: &Hardware<'_>, url: &str, to: &Path, showing: Showing) -> Result<Fetched, Error> {
    let _back = StoodBack::now()
        .map_err(|error| machine.events().warning(format_args!("fetching with usual priority: {error}")));
    let network = &machine.config().network;
    let manners =
        Manners { bytes_per_second: network.rate_limit_kib.bytes(), pause_at_load: network.pause_at_load };
    let session = session(machine, url, manners, showing)?;
    let keep = KeptFile::at(to);
    let keep: Arc<dyn Keep> =
        Arc::new(keep.map_err(Error::system("opening", to.display(), "check the path"))?);
    fetch::fetch(machine, session, &keep, url)
}
