//! A way to wake the agent: a FIFO, so that who pokes need not know who sleeps, and no poke is lost.

use drydock_engine::Error;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The longest that is waited at a stretch.
const STRETCH: Duration = Duration::from_secs(3600);

/// What the agent sleeps on.
pub(super) struct Bed {
    fifo: File,
    path: PathBuf,
}

impl Bed {
    /// Makes the FIFO, in place of whatever has its name.
    pub(super) fn make(path: &Path) -> Result<Self, Error> {
        let failed = || Error::system("making", path.display(), "see that /run can be written to");
        if !fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_fifo()) {
            let _ = fs::remove_file(path);
            match mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR) {
                Ok(()) | Err(Errno::EEXIST) => {}
                Err(errno) => return Err(failed()(errno.into())),
            }
        }
        // For writing, too: a FIFO without a writer is always at its end, and would wake whoever sleeps on it.
        let fifo = File::options().read(true).write(true).custom_flags(nix::libc::O_NONBLOCK).open(path);
        Ok(Self { fifo: fifo.map_err(failed())?, path: path.into() })
    }

    /// Forgets the pokes so far: what they were about is seen to from now on.
    pub(super) fn rise(&self) {
        let mut pokes = [0; 64];
        while (&self.fifo).read(&mut pokes).is_ok_and(|count| count > 0) {}
    }

    /// Waits so long, or until somebody pokes.
    pub(super) fn sleep(&self, time: Duration) -> Result<(), Error> {
        let end = Instant::now() + time;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            // To the next millisecond: a wait that ends a little early would be one more turn of this loop.
            let wait = left.min(STRETCH) + Duration::from_millis(1);
            let mut looked = [PollFd::new(self.fifo.as_fd(), PollFlags::POLLIN)];
            match poll(&mut looked, PollTimeout::try_from(wait).unwrap_or(PollTimeout::MAX)) {
                Ok(0) if end > Instant::now() => {}
                Ok(_) => return Ok(()),
                Err(Errno::EINTR) => {}
                Err(errno) => {
                    let doing = format_args!("wait on {}", self.path.display()).to_string();
                    return Err(Error::doing(doing)(errno.into()));
                }
            }
        }
    }
}

/// Wakes the agent, if one runs.
pub(super) fn poke(path: &Path) {
    // Nobody reads where no agent runs; where it has pokes enough already, one more says nothing new.
    let fifo = File::options().write(true).custom_flags(nix::libc::O_NONBLOCK).open(path);
    let fifo = fifo.ok().filter(|fifo| fifo.metadata().is_ok_and(|found| found.file_type().is_fifo()));
    let _ = fifo.map(|mut fifo| fifo.write_all(b"."));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_poked_before_sleeping_or_while_asleep_wakes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("poke");
        // Nobody is there yet.
        poke(&path);
        fs::write(&path, "no FIFO").unwrap();
        poke(&path);
        assert_eq!(fs::read(&path).unwrap(), b"no FIFO");
        let bed = Bed::make(&path).unwrap();
        let long = Duration::from_secs(1000);
        poke(&path);
        poke(&path);
        bed.sleep(long).unwrap();
        bed.rise();
        let waker = std::thread::spawn({
            let path = path.clone();
            move || {
                std::thread::sleep(Duration::from_millis(50));
                poke(&path);
            }
        });
        bed.sleep(long).unwrap();
        waker.join().unwrap();
        bed.rise();
        bed.sleep(Duration::ZERO).unwrap();
        // It is taken over by who comes next.
        drop(bed);
        poke(&path);
        Bed::make(&path).unwrap().sleep(Duration::ZERO).unwrap();
    }

    #[test]
    fn more_pokes_than_a_fifo_holds_do_not_stop_who_pokes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("poke");
        let bed = Bed::make(&path).unwrap();
        (0..70_000).for_each(|_| poke(&path));
        bed.rise();
        bed.sleep(Duration::ZERO).unwrap();
    }
}
