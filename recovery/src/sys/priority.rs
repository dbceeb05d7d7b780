use nix::errno::Errno;
use nix::libc;
use std::io;

/// `IOPRIO_WHO_PROCESS`, and `IOPRIO_CLASS_IDLE` in its place, as in `linux/ioprio.h`.
const WHO_PROCESS: libc::c_int = 1;
const CLASS_IDLE: libc::c_int = 3 << 13;
/// The lowest priority of a process.
const NICEST: libc::c_int = 19;

/// How a thread, and those that it starts, come before others: for the processor, and for the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priority {
    nice: libc::c_int,
    disk: libc::c_int,
}

impl Priority {
    /// Behind everybody else for the processor, and the disk only when nobody else wants it.
    pub const LOWEST: Self = Self { nice: NICEST, disk: CLASS_IDLE };

    /// Returns that of the calling thread.
    pub fn now() -> io::Result<Self> {
        Errno::clear();
        // SAFETY: two numbers; 0 is the calling thread.
        let nice = unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) };
        // -1 may be a priority, too.
        if nice == -1 && Errno::last_raw() != 0 {
            return Err(Errno::last().into());
        }
        // SAFETY: two numbers; 0 is the calling thread.
        let disk = Errno::result(unsafe { libc::syscall(libc::SYS_ioprio_get, WHO_PROCESS, 0) })?;
        Ok(Self { nice, disk: disk as libc::c_int })
    }

    /// Gives it to the calling thread, and to those that it will start.
    pub fn take(self) -> io::Result<()> {
        // SAFETY: three numbers; 0 is the calling thread.
        Errno::result(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, self.nice) })?;
        // SAFETY: three numbers; 0 is the calling thread, whose threads inherit it.
        Errno::result(unsafe { libc::syscall(libc::SYS_ioprio_set, WHO_PROCESS, 0, self.disk) })?;
        Ok(())
    }
}

/// Gives memory that is not in use back to the kernel, where the C library can.
pub fn give_memory_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it takes a number, and touches nothing that is in use.
    unsafe {
        libc::malloc_trim(0);
    }
}
