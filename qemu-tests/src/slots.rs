use crate::QemuError;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

/// The right to run one guest. Locks on files make it a semaphore over all processes of this user; the kernel
/// gives a slot back when its holder dies.
pub(crate) struct Slot {
    _lock: Flock<File>,
}

impl Slot {
    /// Waits until fewer guests run than there are cores.
    pub(crate) fn acquire() -> Result<Self, QemuError> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let user = std::fs::metadata("/proc/self").map_err(QemuError::io("read /proc/self"))?.uid();
        let mut files = Vec::with_capacity(cores);
        loop {
            for n in files.len()..cores {
                let path = std::env::temp_dir().join(format!("drydock-qemu-{user}.{n}"));
                let file = File::create(&path).map_err(QemuError::io(format!("open {}", path.display())))?;
                match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                    Ok(lock) => return Ok(Self { _lock: lock }),
                    Err((file, Errno::EWOULDBLOCK)) => files.push(file),
                    Err((_, errno)) => return Err(QemuError::io("lock a slot for QEMU")(errno.into())),
                }
            }
            files.clear();
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
