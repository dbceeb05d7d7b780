//! Programs of the integrator's, called in a room of their own.
//!
//! A hook is not trusted to end, to be small or to be quiet. Three processes see to that, each of them this very program:
//! the one that [`call`]s gives an [`Order`] and waits; its child [`supervise`]s in namespaces of its own, and ends the hook
//! when time is over or its parent is gone; the child of that one [`enter`]s the hook's root, gives up all that it could do
//! harm with, and becomes the hook. Nothing runs between a `fork` and an `exec`, so none of it needs `unsafe`.

pub mod call;
mod control;
mod enter;
mod room;
mod supervise;

use drydock_engine::machine::Ended;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

/// What the two children are called: by their first argument they know what they are.
const NAME: &str = "drydock-hook";
/// Where the hook's root is mounted, in a namespace where nobody else sees it.
const ROOT: &str = "/run/drydock-hook";

/// What is to be run, and within which limits.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Order {
    /// The hook's `/`.
    pub root: Root,
    /// The program's path there.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// What it finds on its standard input.
    pub facts: String,
    /// How long it may take, in seconds.
    pub seconds: u64,
    /// How much memory it may have, in MiB.
    pub memory_mib: u64,
    /// Whether it may use the network.
    pub network: bool,
}

/// What becomes a hook's `/`. It can't be written to.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub enum Root {
    /// What is on a device.
    Device {
        /// Its node.
        node: PathBuf,
        /// The filesystem there.
        filesystem: String,
    },
    /// The root of the live system, with these of its folders, which can't be written to either.
    Live {
        /// Folders that are mounted there from elsewhere.
        with: Vec<PathBuf>,
    },
    /// Nothing but a static program, whose path there is `/hook`.
    Bare {
        /// Where it is now.
        program: PathBuf,
    },
}

/// The path of the program in a root that has nothing else.
pub const BARE_PROGRAM: &str = "/hook";

/// What the second child gets.
#[derive(Deserialize, Serialize)]
struct Entry {
    order: Order,
    /// The control group that it joins, if there is one.
    group: Option<PathBuf>,
    /// Whether it sees no processes but its own.
    alone: bool,
}

/// Does what a child is there for, if this process is one. It may be process 1 of a namespace, so this comes first.
pub fn child(arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut arguments = arguments.into_iter();
    if arguments.next()? != NAME {
        return None;
    }
    Some(match arguments.next() {
        Some(entry) => enter::run(&entry.to_string_lossy()),
        None => supervise::run(),
    })
}
