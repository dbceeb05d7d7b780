//! The process that watches over a hook: it makes the namespaces, and ends what is in them.

use super::call::{OURSELVES, spawn};
use super::order::{Entry, NAME, Order};
use super::{control, room, words};
use drydock_engine::machine::Ended;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl::set_child_subreaper;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, pipe2, setsid, write};
use std::ffi::CString;
use std::fs;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The longest order in bytes.
const MOST: usize = 256 << 10;
/// A pipe takes so many bytes before anybody reads them.
const MOST_FACTS: usize = 32 << 10;
/// How often it is looked whether the hook has ended.
const LOOK_EVERY: u16 = 20;
/// How often what is left is ended, where each look may find what the last one has not seen yet.
const ROUNDS: usize = 500;

/// Takes the order from standard input, and says there how it ended.
pub(super) fn run() -> ExitCode {
    let ended = supervise().unwrap_or_else(|why| Ended::NotRun(why.to_string()));
    let _ = write(io::stdin(), &words::from_end(&ended));
    ExitCode::SUCCESS
}

fn supervise() -> io::Result<Ended> {
    let order = take_order()?;
    let _ = setsid();
    let alone = separate(&order)?;
    let group = control::make(order.memory_mib);
    let deadline = Instant::now() + Duration::from_secs(order.seconds);
    let started = start(order, group.clone(), alone);
    let ended = started.and_then(|hook| watch(hook, deadline));
    if !alone {
        end_all();
    }
    if let Some(group) = group {
        control::remove(Path::new(&group));
    }
    ended
}

fn take_order() -> io::Result<Order> {
    let mut stdin = io::stdin();
    let mut length = [0; 4];
    stdin.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > MOST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut order = vec![0; length];
    stdin.read_exact(&mut order)?;
    let order = Order::from_bytes(order).ok_or(io::ErrorKind::InvalidData)?;
    if order.facts.len() > MOST_FACTS {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(order)
}

/// Makes namespaces. Returns whether what is started next is process 1 of one where it sees no others.
fn separate(order: &Order) -> io::Result<bool> {
    let failed = |what: &'static str| move |errno: Errno| io::Error::other(format!("{what}: {errno}"));
    unshare(CloneFlags::CLONE_NEWNS).map_err(failed("the kernel gives it no mounts of its own"))?;
    room::make_private()?;
    if !order.network {
        unshare(CloneFlags::CLONE_NEWNET).map_err(failed(
            "the kernel can't keep it from the network (CONFIG_NET_NS); build one that can, or let it have the network",
        ))?;
    }
    for more in [CloneFlags::CLONE_NEWIPC, CloneFlags::CLONE_NEWUTS] {
        // A kernel without these has nothing to separate.
        let _ = unshare(more);
    }
    match unshare(CloneFlags::CLONE_NEWPID) {
        Ok(()) => Ok(true),
        Err(Errno::EINVAL) => {
            // Whatever loses its parent becomes a child of this process, however it hides.
            set_child_subreaper(true)?;
            Ok(false)
        }
        Err(errno) => Err(errno.into()),
    }
}

fn start(mut order: Order, group: Option<String>, alone: bool) -> io::Result<Pid> {
    let (facts, writer) = pipe2(OFlag::O_CLOEXEC)?;
    write(&writer, order.facts.as_bytes())?;
    drop(writer);
    order.facts = String::new();
    let mut arguments = vec![CString::new(NAME)?];
    for word in (Entry { order, group, alone }).to_words() {
        arguments.push(CString::new(word)?);
    }
    let out = io::stdout().as_fd().as_raw_fd();
    Ok(spawn(Path::new(OURSELVES), &arguments, [facts.as_raw_fd(), out, out])?)
}

/// Waits for the hook's end, and sees to it when time is over or nobody waits for it any more.
fn watch(hook: Pid, deadline: Instant) -> io::Result<Ended> {
    loop {
        let stdin = io::stdin();
        let mut parent = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
        let is_gone = poll(&mut parent, PollTimeout::from(LOOK_EVERY)).is_ok_and(|ready| ready > 0);
        match waitpid(hook, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(_, code)) => return Ok(Ended::Exit(code)),
            Ok(WaitStatus::Signaled(_, signal, _)) => return Ok(Ended::Signal(signal as i32)),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        if is_gone || Instant::now() >= deadline {
            // As process 1 of its namespace it takes all others along.
            let _ = kill(hook, Signal::SIGKILL);
            while waitpid(hook, None) == Err(Errno::EINTR) {}
            return Ok(Ended::Late);
        }
    }
}

/// Ends every descendant, for a kernel that can't do that at once.
fn end_all() {
    for _ in 0..ROUNDS {
        for child in descendants() {
            let _ = kill(child, Signal::SIGKILL);
        }
        loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Err(Errno::ECHILD) => return,
                Ok(WaitStatus::StillAlive) | Err(_) => break,
                Ok(_) => {}
            }
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The processes that this one, or one of its descendants, is the parent of.
fn descendants() -> Vec<Pid> {
    let parent_of = |pid: i32| -> Option<i32> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name may have anything in it, but is in parentheses.
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
    };
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let all: Vec<(i32, i32)> = processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, parent_of(pid)?)))
        .collect();
    let own = i32::try_from(std::process::id()).unwrap_or(0);
    let mut found = vec![own];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(all.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    found.into_iter().skip(1).map(Pid::from_raw).collect()
}
