use nix::errno::Errno;
use nix::libc;
use std::ffi::{CString, c_long};
use std::io;
use std::marker::PhantomData;

/// A key in the calling thread's keyring that the kernel can use and nobody can read back.
///
/// It is of type `logon`. Dropping it takes it out of the keyring; a dm-crypt table that was loaded meanwhile
/// keeps a copy of its own. A key belongs to the thread that made it, and so cannot be sent to another.
#[derive(Debug)]
pub struct LogonKey {
    serial: c_long,
    thread_bound: PhantomData<*const ()>,
}

impl LogonKey {
    /// Adds a key under `description`, which must have the form `service:name`.
    pub fn add(description: &str, secret: &[u8]) -> io::Result<Self> {
        let description = CString::new(description)?;
        // SAFETY: both strings end in NUL, and the kernel reads `secret.len()` bytes from a valid slice.
        let serial = unsafe {
            libc::syscall(
                libc::SYS_add_key,
                c"logon".as_ptr(),
                description.as_ptr(),
                secret.as_ptr(),
                secret.len(),
                libc::KEY_SPEC_THREAD_KEYRING,
            )
        };
        Ok(Self { serial: Errno::result(serial)?, thread_bound: PhantomData })
    }
}

impl Drop for LogonKey {
    fn drop(&mut self) {
        // SAFETY: KEYCTL_UNLINK takes two numbers. Failure means that the key has gone already.
        unsafe {
            libc::syscall(
                libc::SYS_keyctl,
                libc::KEYCTL_UNLINK,
                self.serial,
                c_long::from(libc::KEY_SPEC_THREAD_KEYRING),
            );
        }
    }
}
