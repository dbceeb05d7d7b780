//! The process that becomes the hook.

use super::order::{Entry, Order, ROOT};
use super::{control, room};
use crate::sys;
use nix::sys::prctl::{set_no_new_privs, set_pdeathsig};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use nix::sys::stat::{Mode, umask};
use nix::unistd::{chdir, chroot, execve, setsid};
use std::convert::Infallible;
use std::ffi::CString;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// What a shell says of a program that can't be started.
const NOT_STARTED: u8 = 127;
/// All that a hook finds in its environment.
const ENVIRONMENT: [&str; 4] = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/", "LANG=C", "DRYDOCK_HOOK=1"];
/// How many files it may have open.
const FILES: u64 = 256;

/// Becomes the hook. Returns only if that can't be.
pub(super) fn run(words: impl Iterator<Item = String>) -> ExitCode {
    let entry = Entry::from_words(words).ok_or_else(|| io::ErrorKind::InvalidData.into());
    let why = match entry.and_then(become_hook) {
        Ok(never) => match never {},
        Err(why) => why,
    };
    let _ = writeln!(io::stderr(), "it can't be started: {why}");
    ExitCode::from(NOT_STARTED)
}

fn become_hook(entry: Entry) -> io::Result<Infallible> {
    set_pdeathsig(Signal::SIGKILL)?;
    let _ = setsid();
    if let Some(group) = &entry.group {
        control::join(Path::new(group))?;
    }
    room::furnish(&entry)?;
    chdir(ROOT)?;
    chroot(".")?;
    chdir("/")?;
    let Entry { order, group, .. } = entry;
    limit(&order, group.is_some())?;
    umask(Mode::from_bits_truncate(0o022));
    sys::reset_sigpipe();
    set_no_new_privs()?;
    sys::drop_capabilities()?;
    execute(&order)
}

/// What each process of the hook may have at most.
fn limit(order: &Order, is_grouped: bool) -> io::Result<()> {
    let memory = order.memory_mib << 20;
    let mut limits = vec![
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_CPU, order.seconds.max(1)),
        (Resource::RLIMIT_NOFILE, FILES),
        (Resource::RLIMIT_FSIZE, memory),
        (Resource::RLIMIT_MEMLOCK, 0),
        (Resource::RLIMIT_MSGQUEUE, 0),
    ];
    if !is_grouped {
        limits.push((Resource::RLIMIT_AS, memory));
    }
    for (resource, limit) in limits {
        setrlimit(resource, limit, limit)?;
    }
    Ok(())
}

fn execute(order: &Order) -> io::Result<Infallible> {
    let program = CString::new(order.program.as_str())?;
    let mut words = vec![program.clone()];
    for argument in &order.arguments {
        words.push(CString::new(argument.as_str())?);
    }
    let environment = ENVIRONMENT.map(CString::new);
    let environment = environment.into_iter().collect::<Result<Vec<_>, _>>()?;
    execve(&program, &words, &environment)
        .map_err(|errno| io::Error::other(format!("{}: {}", order.program, io::Error::from(errno))))
}
