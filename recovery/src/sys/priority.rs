use nix::errno::Errno;
use nix::libc;
use std::io;

/// `IOPRIO_WHO_PROCESS`, and `IOPRIO_CLASS_IDLE` in its place, as in `linux/ioprio.h`.
const WHO_PROCESS: libc::c_int = 1;
const CLASS_IDLE: libc::c_int = 3 << 13;
/// The lowest priority of a process.
const NICEST: libc::c_int = 19;

/// Gives this process the lowest priority for the processor, and the disk only when nobody else wants it.
pub fn lowest_priority() -> io::Result<()> {
    // SAFETY: three numbers; 0 is the calling process.
    Errno::result(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICEST) })?;
    // SAFETY: three numbers; 0 is the calling thread, whose threads inherit it.
    Errno::result(unsafe { libc::syscall(libc::SYS_ioprio_set, WHO_PROCESS, 0, CLASS_IDLE) })?;
    Ok(())
}
