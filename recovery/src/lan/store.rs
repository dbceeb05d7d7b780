//! Where a bundle lies that was sent to the page.

use crate::answer::Result;
use crate::mount::files::Mounted;
use drydock_block::Flush;
use drydock_engine::Error;
use drydock_engine::files::Files;
use drydock_state::{Job, Record, Source};
use nix::sys::statvfs::statvfs;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The folder within the data volume.
const FOLDER: &str = "lib/drydock";
/// The names that such a bundle may have, and no other one. There are three: one may wait to be installed, and another one to
/// be asked for its recovery, and both stay as they are while the next one comes.
const NAMES: [&str; 3] = ["sent-1.drydock", "sent-2.drydock", "sent-3.drydock"];

/// A bundle that is being sent. Until it is whole it can't be mistaken for one: dropped before, it is taken away.
pub struct Store {
    folder: PathBuf,
    name: &'static str,
    file: File,
    kept: bool,
}

impl Store {
    /// Makes room for so many bytes on the volume that is mounted there. What the record may still want to read stays.
    ///
    /// # Errors
    /// There is not enough room, or the volume takes no writes.
    pub fn make(volume: &Path, record: &Record, length: u64) -> Result<Self> {
        let folder = volume.join(FOLDER);
        let failed =
            || Error::system("making", folder.display(), "see that the data volume can be written to");
        fs::create_dir_all(&folder).map_err(failed())?;
        let mut free = NAMES.into_iter().filter(|name| !is_wanted(record, name)).peekable();
        let name = free.peek().copied().unwrap_or(NAMES[0]);
        for name in free {
            match fs::remove_file(folder.join(name)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed()(error)),
                _ => {}
            }
        }
        let room = statvfs(&folder).map_err(|errno| failed()(errno.into()))?;
        // A filesystem in memory without a limit has no blocks.
        let room = match room.blocks() {
            0 => u64::MAX,
            _ => room.blocks_available().saturating_mul(room.fragment_size()),
        };
        if room < length {
            return Err(Error::Refused(format!(
                "the data volume has room for {} MiB, and the bundle has {}; make room, or take a slim one",
                room >> 20,
                length.div_ceil(1 << 20)
            )));
        }
        let file = File::options().write(true).create_new(true).mode(0o600).open(folder.join(name));
        Ok(Self { file: file.map_err(failed())?, folder, name, kept: false })
    }

    /// Adds bytes.
    pub fn add(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(Error::doing("write the bundle to the data volume"))
    }

    /// All has come. On return it is on stable storage. Returns its path.
    pub fn flush(&self) -> Result<PathBuf> {
        let flushed = self.file.sync_all();
        flushed
            .and_then(|()| Mounted(self.folder.clone()).flush(Path::new(""), Flush::FileNamed))
            .map_err(Error::doing("write the bundle to the data volume"))?;
        Ok(self.folder.join(self.name))
    }

    /// It is staged: it stays.
    pub fn keep(mut self) {
        self.kept = true;
    }
}

/// Whether somebody is to read the bundle of this name.
fn is_wanted(record: &Record, name: &str) -> bool {
    let staged = record.intent.as_ref().and_then(|intent| match &intent.job {
        Job::Update { source, .. } | Job::UpdateRecovery { source, .. } => Some(source),
        _ => None,
    });
    let offered = record.recovery.offer.as_ref().map(|offer| &offer.source);
    let path = format!("{FOLDER}/{name}");
    let is_it = |source: &Source| matches!(source, Source::Data { path: other } if *other == path);
    staged.into_iter().chain(offered).any(is_it)
}

impl Drop for Store {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_file(self.folder.join(self.name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_state::{Offer, SetName, UnixTime, transition};

    #[test]
    fn a_bundle_that_waits_stays_until_the_next_one_is_staged() {
        let volume = tempfile::tempdir().unwrap();
        let make = |record: &Record| Store::make(volume.path(), record, 10).unwrap();
        let names = || fs::read_dir(volume.path().join(FOLDER)).unwrap().count();
        let mut record = Record::default();
        let mut first = make(&record);
        first.add(b"first").unwrap();
        let path = first.flush().unwrap();
        first.keep();
        let inside = path.strip_prefix(volume.path()).unwrap().to_str().unwrap().to_owned();
        let source = Source::Data { path: inside };
        let job = Job::Update { source: source.clone(), manifest: drydock_format::Digest([1; 32]) };
        transition::stage(&mut record, job, "1", UnixTime(0)).unwrap();
        let mut broken = make(&record);
        broken.add(b"br").unwrap();
        drop(broken);
        assert_eq!((fs::read(&path).unwrap(), names()), (b"first".to_vec(), 1));
        // One that was offered is as good.
        record.intent = None;
        record.recovery.offer = Some(Offer { set: SetName::A, source, later: Default::default() });
        make(&record).keep();
        assert_eq!((path.exists(), names()), (true, 2));
        // What nobody wants any more makes room.
        record.recovery.offer = None;
        make(&record).keep();
        assert_eq!(names(), 1);
    }

    #[test]
    fn what_there_is_no_room_for_is_refused_before_it_comes() {
        let volume = tempfile::tempdir().unwrap();
        let why = Store::make(volume.path(), &Record::default(), u64::MAX / 2).err().unwrap().to_string();
        assert!(why.contains("has room for"), "{why}");
        assert_eq!(fs::read_dir(volume.path().join(FOLDER)).unwrap().count(), 0);
    }
}
