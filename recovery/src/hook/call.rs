//! The process that calls a hook: it gives the order, takes what the hook says, and waits for its end.

use super::order::{NAME, Order};
use super::words;
use crate::answer::Result;
use drydock_engine::Error;
use drydock_engine::machine::Ended;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, pipe2};
use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// This very program, whatever is mounted where.
pub const OURSELVES: &str = "/proc/self/exe";
/// So much longer than the hook its supervisor may take.
pub const GRACE: Duration = Duration::from_secs(15);
/// The longest that the supervisor has to say.
const MOST_SAID: u64 = 4096;
/// What is read at once.
const PIECE: usize = 4096;

/// Runs a hook, and hands on what it says as it comes. `ourselves` is this program's file.
///
/// On return the hook has ended, and all that it has started.
pub fn call(ourselves: &Path, order: &Order, told: &mut dyn FnMut(&[u8])) -> Result<Ended> {
    let deadline = Instant::now() + Duration::from_secs(order.seconds) + GRACE;
    let failed = || Error::system("starting", &order.program, "the hook was not run");
    let (control, theirs) = UnixStream::pair().map_err(failed())?;
    let (said, says) = pipe2(OFlag::O_CLOEXEC).map_err(io::Error::from).map_err(failed())?;
    let name = CString::new(NAME).map_err(|error| failed()(error.into()))?;
    let child = spawn(ourselves, &[name], [theirs.as_fd().as_raw_fd(), says.as_raw_fd(), says.as_raw_fd()]);
    let child = child.map_err(|errno| failed()(errno.into()))?;
    drop((theirs, says));
    let ended = watch(control, said, order, deadline, told);
    if !matches!(ended, Ok(Some(_))) {
        let _ = kill(child, Signal::SIGKILL);
    }
    // Where this is process 1, another thread has taken leave of it already.
    while waitpid(child, None) == Err(Errno::EINTR) {}
    let lost = || Ended::NotRun("the process that watches over it was lost".into());
    Ok(ended.map_err(failed())?.unwrap_or_else(lost))
}

/// Starts a child of this very program with these arguments and standard streams, no environment and no signal held back.
pub(super) fn spawn(program: &Path, arguments: &[CString], streams: [i32; 3]) -> nix::Result<Pid> {
    let mut actions = PosixSpawnFileActions::init()?;
    for (target, stream) in (0..).zip(streams) {
        actions.add_dup2(stream, target)?;
    }
    let mut attributes = PosixSpawnAttr::init()?;
    attributes.set_sigmask(&SigSet::empty())?;
    attributes.set_flags(PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK)?;
    let environment: [&CStr; 0] = [];
    posix_spawn(program, &actions, &attributes, arguments, &environment)
}

/// Gives the order, and returns how it has ended, once the supervisor has said so. `None`: it never did.
fn watch(
    mut control: UnixStream,
    said: OwnedFd,
    order: &Order,
    deadline: Instant,
    told: &mut dyn FnMut(&[u8]),
) -> io::Result<Option<Ended>> {
    let order = order.to_bytes();
    let length = u32::try_from(order.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    control.set_write_timeout(Some(GRACE))?;
    control.write_all(&length.to_le_bytes())?;
    control.write_all(&order)?;
    let mut said = File::from(said);
    let mut is_open = true;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        let mut ready = vec![PollFd::new(control.as_fd(), PollFlags::POLLIN)];
        if is_open {
            ready.push(PollFd::new(said.as_fd(), PollFlags::POLLIN));
        }
        match poll(&mut ready, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)) {
            Ok(_) => {}
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(errno.into()),
        }
        let [ended, says] = [0, 1].map(|at| ready.get(at).and_then(PollFd::any).unwrap_or(false));
        if says {
            is_open = hand_on(&mut said, told)?;
        } else if ended {
            break;
        }
    }
    let mut ended = Vec::new();
    control.take(MOST_SAID).read_to_end(&mut ended)?;
    Ok(words::to_end(&ended))
}

/// Reads a piece of what the hook says. Returns whether there may be more.
fn hand_on(said: &mut File, told: &mut dyn FnMut(&[u8])) -> io::Result<bool> {
    let mut piece = [0; PIECE];
    match said.read(&mut piece) {
        Ok(0) => Ok(false),
        Ok(length) => {
            told(piece.get(..length).unwrap_or_default());
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
        Err(error) => Err(error),
    }
}
