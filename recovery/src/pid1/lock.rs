//! One writer at a time: the lock that every process takes before it changes the state.

use crate::answer::Result;
use drydock_engine::Error;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// Where the lock is. `/run` moves along from process 1 into the live system.
pub const PATH: &str = "/run/drydock/lock";
/// How long a process waits for its turn. Nothing slow happens under the lock, so that whoever has it for so long hangs.
pub const WAIT: Duration = Duration::from_secs(20);
/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(20);

/// While it lives, no other process changes the state. The kernel takes it away from a process that ends, however it
/// does.
#[derive(Debug)]
pub struct StateLock(Flock<File>);

impl StateLock {
    /// Waits for the lock, `wait` at most, and leaves word of who has it now. Where time runs out the error says who has
    /// it.
    pub fn take(path: &Path, who: &str, wait: Duration) -> Result<Self> {
        let deadline = Instant::now() + wait;
        let doing = format!("lock the state by {}", path.display());
        let failed = || Error::doing(&doing);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed())?;
        }
        let options = File::options().read(true).write(true).create(true).truncate(false).mode(0o600).clone();
        let mut file = options.open(path).map_err(failed())?;
        let mut lock = loop {
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => break lock,
                Err((back, Errno::EWOULDBLOCK | Errno::EINTR)) => file = back,
                Err((_, errno)) => return Err(failed()(errno.into())),
            }
            if Instant::now() >= deadline {
                let mut holder = String::new();
                // Who has it is worth telling, and no reason to fail in another way.
                let _ = file.read_to_string(&mut holder);
                let holder = if holder.is_empty() { "another process".into() } else { holder };
                return Err(Error::Busy { holder, seconds: wait.as_secs() });
            }
            std::thread::sleep(PAUSE);
        };
        let told = lock.set_len(0).and_then(|()| lock.rewind()).and_then(|()| lock.write_all(who.as_bytes()));
        told.map_err(failed())?;
        Ok(Self(lock))
    }
}

impl Drop for StateLock {
    fn drop(&mut self) {
        // A name that stays behind would be told of whoever comes next before that one has written its own.
        let _ = self.0.set_len(0);
    }
}

/// How this process is called to those that wait for it.
pub fn this_process() -> String {
    let arguments = std::env::args_os().take(2).map(|word| word.to_string_lossy().into_owned());
    format!("`{}`, process {}", arguments.collect::<Vec<_>>().join(" "), std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_has_the_lock_and_the_others_are_told_who() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run/lock");
        let first = StateLock::take(&path, "`drydock stage`, process 7", WAIT).unwrap();
        let refused = StateLock::take(&path, "me", Duration::from_millis(50)).unwrap_err().to_string();
        assert!(refused.contains("`drydock stage`, process 7"), "{refused}");
        let waits = std::thread::spawn({
            let path = path.clone();
            move || StateLock::take(&path, "me", WAIT).map(drop)
        });
        drop(first);
        waits.join().unwrap().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"");
    }
}
