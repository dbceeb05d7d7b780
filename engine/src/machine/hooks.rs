//! Programs of the integrator's.

use crate::error::Error;
use drydock_config::SlotClass;
use drydock_format::Image;
use drydock_state::SetName;

/// A program, and where it comes from.
#[derive(Clone, Copy, Debug)]
pub enum Program<'c> {
    /// A file in the root image of a set, which becomes its `/`.
    InSet {
        /// The class of the root.
        class: &'c SlotClass,
        /// The set.
        set: SetName,
        /// The image that is in its slot.
        image: &'c Image,
        /// The file's path there.
        path: &'c str,
    },
    /// A file of the root that this system runs from.
    InLiveSystem {
        /// Its path.
        path: &'c str,
    },
    /// A static program that the initramfs carries.
    Builtin {
        /// Its path there.
        path: &'c str,
    },
    /// A static program, byte for byte.
    Bytes(&'c [u8]),
}

/// What is to be run, and within which limits.
#[derive(Clone, Copy, Debug)]
pub struct Call<'c> {
    /// The program.
    pub program: Program<'c>,
    /// Its arguments.
    pub arguments: &'c [String],
    /// What it finds on its standard input.
    pub facts: &'c str,
    /// How long it may take, in seconds.
    pub seconds: u64,
    /// How much memory it may have, in MiB.
    pub memory_mib: u64,
    /// Whether it may use the network.
    pub network: bool,
}

/// How a program has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this code.
    Exit(i32),
    /// By this signal: it has a defect, or had too much memory or processor.
    Signal(i32),
    /// It took too long, and was ended with all that it had started.
    Late,
    /// It was not run, for this reason.
    NotRun(String),
}

/// Who runs programs of the integrator's.
pub trait Hooks {
    /// Runs a program, and hands on what it says, as it comes. On return it has ended, and all that it has started; it can have
    /// changed nothing but what it may reach over a network.
    fn call_hook(&self, _call: &Call<'_>, _told: &mut dyn FnMut(&[u8])) -> Result<Ended, Error> {
        Ok(Ended::NotRun(drydock_config::WITHOUT_HOOKS.into()))
    }
}
