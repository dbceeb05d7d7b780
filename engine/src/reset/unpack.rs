//! Unpacking what a factory reset keeps.

use super::archive::entries;
use crate::error::Error;
use crate::files::Files;
use drydock_block::Flush;

/// Unpacks an archive into an empty filesystem. On return all of it is on stable storage; after a cut before that it is
/// to be done again, in a new filesystem.
pub fn unpack(files: &(impl Files + ?Sized), packed: &[u8]) -> Result<(), Error> {
    for entry in entries(packed) {
        files.put(&entry).map_err(Error::doing(format_args!("put {} back", entry.path.display())))?;
    }
    files.flush_all(Flush::FilesKept).map_err(Error::doing("flush what was kept"))
}
