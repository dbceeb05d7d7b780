use nix::errno::Errno;
use nix::libc;
use std::io;

/// `struct __user_cap_header_struct` of linux/capability.h.
#[repr(C)]
struct Header {
    version: u32,
    pid: libc::c_int,
}

/// `struct __user_cap_data_struct`; version 3 takes two of them.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Data {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// `_LINUX_CAPABILITY_VERSION_3`.
const VERSION: u32 = 0x2008_0522;
/// A kernel has no more than 64 of them, and says which ones it does not know.
const MOST: libc::c_ulong = 64;

/// Gives up every capability of this thread for good: it has none, and no program that it starts gets any, whoever owns it.
pub fn drop_capabilities() -> io::Result<()> {
    for capability in 0..MOST {
        // SAFETY: PR_CAPBSET_DROP takes plain numbers and touches no memory of ours.
        let answer = unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
        match Errno::result(answer) {
            Ok(_) => {}
            // That was the last one.
            Err(Errno::EINVAL) => break,
            Err(errno) => return Err(errno.into()),
        }
    }
    let header = Header { version: VERSION, pid: 0 };
    let none = [Data::default(); 2];
    // SAFETY: capset reads one header and, for version 3, two data structs; both outlive the call.
    let answer = unsafe { libc::syscall(libc::SYS_capset, &header, none.as_ptr()) };
    Errno::result(answer).map(drop)?;
    Ok(())
}
