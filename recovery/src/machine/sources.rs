//! Bundles: files on `data`, files on removable media, and raw partitions.

use super::{Hardware, Part, lock};
use crate::answer::Answer;
use crate::disk::discover::Media;
use crate::mount::{MountedMedium, files, open_inside};
use drydock_engine::Error;
use drydock_engine::fetch::holes::{CLAIM_LIMIT, CLAIM_SUFFIX, Claim, WithHoles};
use drydock_engine::limits::MOUNT_TIME;
use drydock_engine::machine::{Candidate, Found, Only, Others, Place, Provider, Sources, Tried};
use drydock_engine::volume::data;
use drydock_format::{ReadAt, Tail};
use drydock_state::Source;
use nix::fcntl::OFlag;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Where recovery mounts a removable medium.
#[cfg(not(feature = "service"))]
const MEDIUM_MOUNT: &str = "/run/drydock/medium";

impl Sources for Hardware<'_> {
    fn provider(&self, source: &Source) -> Result<Box<dyn Provider + '_>, Error> {
        match source {
            Source::Data { path } => Ok(only(path, self.on_data(path))),
            Source::Partition { label } => Ok(only(label, self.on_partition(label))),
            Source::Medium(medium) => {
                let wait = self.medium_wait();
                let media = Media::new(&self.disk, wait);
                Ok(Box::new(OnMedia { machine: self, path: medium.path.clone(), wait, media }))
            }
            #[cfg(feature = "network")]
            Source::Network { url } => {
                let found = crate::net::stream(self, url);
                let found =
                    found.map(|stream| Found { bytes: Arc::new(stream), tail: Tail::Nothing, stamp: None });
                Ok(only(url, found))
            }
            #[cfg(not(feature = "network"))]
            Source::Network { .. } => Err(Error::Refused(drydock_config::WITHOUT_NETWORK.into())),
            #[cfg(feature = "service")]
            Source::Memory => {
                let bytes: Arc<dyn ReadAt> = self.memory.clone();
                Ok(only("memory", Ok(Found { bytes, tail: Tail::Nothing, stamp: None })))
            }
            #[cfg(not(feature = "service"))]
            Source::Memory => Err(Error::Refused(drydock_config::WITHOUT_SERVICE.into())),
            Source::Unknown(_) => {
                Err(Error::Refused("only a later drydock knows where this bundle is".into()))
            }
        }
    }
}

fn only<'p>(name: &str, found: Result<Found, Error>) -> Box<dyn Provider + 'p> {
    Box::new(Only::new(Candidate { name: name.into(), found }, MOUNT_TIME))
}

impl Hardware<'_> {
    /// How long a medium may be in coming.
    fn medium_wait(&self) -> Duration {
        #[cfg(feature = "service")]
        if self.hurried.load(std::sync::atomic::Ordering::Relaxed) {
            return Duration::ZERO;
        }
        self.config.recovery.medium_wait_seconds.as_duration()
    }

    /// Opens the file of this name on a medium, if it has one. A medium that does not answer is no medium.
    fn on_medium(&self, node: &Path, path: &str) -> Result<Option<OpenFile>, Error> {
        #[cfg(feature = "service")]
        {
            use crate::disk::abandon::within;
            if lock(&self.silent).iter().any(|silent| silent == node) {
                return Ok(None);
            }
            let (device, path, at) = (node.to_path_buf(), path.to_owned(), super::sticks::mount_point(node));
            let opened = within(MOUNT_TIME / 2, move || OpenFile::on_medium(&device, &at, &path));
            opened.unwrap_or_else(|| {
                self.abandon(node);
                Ok(None)
            })
        }
        #[cfg(not(feature = "service"))]
        OpenFile::on_medium(node, Path::new(MEDIUM_MOUNT), path)
    }

    fn on_data(&self, path: &str) -> Result<Found, Error> {
        data::for_reading(self)?;
        let file = open_file(&self.target(Place::Data), Path::new(path)).map_err(|error| {
            if !error.is_absence() {
                return error;
            }
            Error::Missing {
                what: format!("the bundle on the data volume ({error})"),
                advice: "stage it again".into(),
            }
        })?;
        let stamp = file.metadata().ok().map(|found| stamp(&found));
        let bytes = OpenFile { file, _mounted: None };
        match self.claim_of(path)? {
            None => Ok(Found { bytes: Arc::new(bytes), tail: Tail::Nothing, stamp }),
            Some(claim) => {
                Ok(Found { bytes: Arc::new(WithHoles::new(bytes, &claim)), tail: Tail::Nothing, stamp })
            }
        }
    }

    /// What is there of a bundle on `data` that was fetched in part.
    fn claim_of(&self, path: &str) -> Result<Option<Claim>, Error> {
        let claim = format!("{}{CLAIM_SUFFIX}", path.trim_start_matches('/'));
        match open_file(&self.target(Place::Data), Path::new(&claim)) {
            Err(error) if error.is_absence() => Ok(None),
            Err(error) => Err(error),
            Ok(file) => {
                let mut bytes = Vec::new();
                let read = file.take(CLAIM_LIMIT as u64).read_to_end(&mut bytes);
                read.map_err(Error::doing(format_args!("read {claim}")))?;
                Claim::decode(&bytes).map(Some)
            }
        }
    }

    fn on_partition(&self, label: &str) -> Result<Found, Error> {
        let node = &self.disk.partition(label)?.node;
        let open = File::open(node).and_then(|file| files::secure(&file).map(|()| file));
        let file = open.map_err(Error::system("opening", node.display(), "check the disk"))?;
        let bytes = Arc::new(OpenFile { file, _mounted: None });
        Ok(Found { bytes, tail: Tail::Anything, stamp: None })
    }
}

/// The file of one name on removable media, one after the other, as they come.
struct OnMedia<'m, 'h> {
    machine: &'m Hardware<'h>,
    path: String,
    wait: Duration,
    media: Media,
}

impl Provider for OnMedia<'_, '_> {
    fn deadline(&self) -> Duration {
        self.wait + MOUNT_TIME
    }

    fn others(&self) -> Others {
        Others::MayCome
    }

    fn next(&mut self) -> Result<Option<Candidate>, Error> {
        loop {
            let mut warn = |text: String| self.machine.warn(text);
            let Some(node) = self.media.next(&mut lock(&self.machine.hotplug), &mut warn)? else {
                return Ok(None);
            };
            let name = format!("{} on {}", self.path, node.display());
            let found = match self.machine.on_medium(&node, &self.path) {
                Ok(None) => continue,
                Ok(Some(file)) => Ok(Found { bytes: Arc::new(file), tail: Tail::Nothing, stamp: None }),
                Err(error) => Err(error),
            };
            return Ok(Some(Candidate { name, found }));
        }
    }

    fn refused(&mut self) {
        // Whoever asks in the live system has an answer sooner than another medium.
        if matches!(self.machine.part, Part::Command) {
            self.media.wait_no_longer();
        }
    }

    fn in_vain(&self, Tried { reasons, refused }: Tried) -> Error {
        let mut reasons = reasons.join("; ");
        if refused {
            return Error::Refused(format!("{reasons}; no other medium has one that can be used"));
        }
        if !reasons.is_empty() {
            reasons = format!(" ({reasons})");
        }
        Error::TimedOut {
            waiting_for: format!("a removable medium with the file {}{reasons}", self.path),
            seconds: self.wait.as_secs(),
        }
    }
}

/// What changes whenever a file's bytes do, and is the same in recovery and in the live system.
fn stamp(file: &Metadata) -> String {
    let (changed, nanoseconds) = (file.ctime(), file.ctime_nsec());
    format!("{}:{}:{changed}.{nanoseconds:09}", file.ino(), file.size())
}

/// Opens a file that others have written, and sees to it that it is on stable storage.
fn open_file(root: &Path, path: &Path) -> Result<File, Error> {
    let inside = path.strip_prefix("/").unwrap_or(path);
    let file = open_inside(root, inside, OFlag::O_RDONLY | OFlag::O_NONBLOCK)?;
    files::secure(&file).map_err(Error::doing(format_args!("flush {}", path.display())))?;
    Ok(file)
}

/// A file, or a partition, whose bytes are read at random. A removable medium that it is on stays mounted as long.
struct OpenFile {
    file: File,
    _mounted: Option<MountedMedium>,
}

impl OpenFile {
    /// Opens the file of this name on a removable medium, if the device has one.
    fn on_medium(node: &Path, at: &Path, path: &str) -> Result<Option<Self>, Error> {
        let mounted = match MountedMedium::mount(node, at) {
            // A drive with nothing in it.
            Err(error) if error.is(nix::libc::ENOMEDIUM) => return Ok(None),
            mounted => mounted?,
        };
        match open_file(mounted.path(), Path::new(path)) {
            Ok(file) => Ok(Some(Self { file, _mounted: Some(mounted) })),
            Err(error) if error.is_absence() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The length of a partition is found by seeking to its end: nothing else relies on the position of this file.
impl ReadAt for OpenFile {
    fn len(&self) -> io::Result<u64> {
        let metadata = self.file.metadata()?;
        match metadata.file_type() {
            kind if kind.is_file() => Ok(metadata.len()),
            // Its end would be wherever the filesystem likes.
            kind if kind.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            _ => io::Seek::seek(&mut &self.file, io::SeekFrom::End(0)),
        }
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buf, offset)
    }
}
