//! Random bytes from the kernel, and the wait until it has any to give.

use crate::sys;
use drydock_engine::limits::ENTROPY;
use std::io;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Random bytes that are fit for keys.
///
/// # Errors
/// [`io::ErrorKind::TimedOut`] where the kernel has gathered no entropy in a minute.
pub fn for_keys(buffer: &mut [u8]) -> io::Result<()> {
    wait_for_entropy()?;
    sys::random(buffer)
}

/// Random bytes for what must only be unlike any other, as an identity must. They are as good as those for keys, except
/// where the kernel gathers no entropy: that is no reason not to start.
pub fn for_names(buffer: &mut [u8]) -> io::Result<()> {
    match for_keys(buffer) {
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            io::Read::read_exact(&mut std::fs::File::open("/dev/urandom")?, buffer)
        }
        done => done,
    }
}

/// Early in a boot, a kernel without a hardware generator that it trusts has no entropy, and gathers it from the jitter of
/// its own timer only while somebody *sleeps* in getrandom(2). Poll on `/dev/random` starts nothing. So a thread sleeps
/// there. When the time is over it is left there, for whoever waits next.
fn wait_for_entropy() -> io::Result<()> {
    match sys::random_at_once(&mut [0]) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
        done => return done,
    }
    static ASLEEP: Mutex<Option<Receiver<io::Result<()>>>> = Mutex::new(None);
    let asleep = &mut *ASLEEP.lock().unwrap_or_else(PoisonError::into_inner);
    let told = match asleep.take() {
        Some(told) => told,
        None => {
            let (tell, told) = mpsc::sync_channel(1);
            thread::Builder::new().name("entropy".into()).spawn(move || tell.send(sys::random(&mut [0])))?;
            told
        }
    };
    told.recv_timeout(ENTROPY).unwrap_or_else(|_| {
        *asleep = Some(told);
        let seconds = ENTROPY.as_secs();
        Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!(
                "the kernel has gathered no entropy in {seconds} s; add the driver of a hardware random number generator"
            ),
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_bytes_differ_and_fill_large_buffers() {
        for fill in [for_keys, for_names] {
            let (mut one, mut other) = (vec![0; 1 << 20], vec![0; 1 << 20]);
            fill(&mut one).unwrap();
            fill(&mut other).unwrap();
            assert_ne!(one, other);
            assert!(one[(1 << 20) - 32..].iter().any(|&byte| byte != 0));
        }
    }
}
