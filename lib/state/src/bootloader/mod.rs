//! The bootloader, seen from Linux: what it is told, what it has done since, and where both are kept.
//!
//! The policy ([`transition`](crate::transition)) speaks of [`Wanted`] and [`Observed`] only. How a bootloader is told the
//! one and asked for the other is an implementation of [`Bootloader`], in a module of its own for each.

pub mod efi_boot_guard;
pub mod fat;
pub mod grub;
pub mod none;
pub mod u_boot;
mod variables;

use crate::error::Error;
use crate::generation::Generation;
use crate::name::{CopyName, SetName};

/// Whether recovery has a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Boot the sets in order.
    Normal,
    /// Boot recovery first.
    Recovery,
}

/// A number of starts for each thing that a bootloader starts. 0 means that it is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Starts {
    /// Of set a.
    pub a: u8,
    /// Of set b.
    pub b: u8,
    /// Of recovery, whichever of its copies.
    pub recovery: u8,
}

/// What Linux wants of the bootloader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The generation of the record that this follows from.
    pub generation: Generation,
    /// The set that is tried first; the other one is tried after it.
    pub first: SetName,
    /// Whether recovery has a job.
    pub mode: Mode,
    /// How often each may be started.
    pub attempts: Starts,
    /// The copy of the recovery that is tried first; the other one is tried after it.
    pub copy: CopyName,
}

/// What the bootloader was told last, and what it has left of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The generation that it was told, as [`Generation::told`].
    pub generation: Generation,
    /// The set that it tries first.
    pub first: SetName,
    /// Whether it was told that recovery has a job.
    pub mode: Mode,
    /// The starts that are left.
    pub left: Starts,
    /// The copy of the recovery that it tries first.
    pub copy: CopyName,
}

/// Where a bootloader keeps what it is told, and counts. Linux writes all of it, the bootloader only its counters.
///
/// An implementation has to see to three things, and the policy needs no more:
/// - After [`want`](Self::want) and before the next start, [`observe`](Self::observe) returns [`Wanted::fresh`] of it, with
///   no more than [`most_starts`](Self::most_starts).
/// - What was written in part is never taken for whole: `observe` then returns the old state, or fails. Then nothing is
///   concluded from it, and the next start of Linux writes it anew.
/// - A start is counted before it is made. A start that could not be counted leads to recovery.
///
/// # How bootloaders fit
/// **GRUB** ([`grub::Grub`]): one sector with everything in it. Its script takes one off a digit. A sector is old or new;
/// one that is neither has two generations or lacks a line, and the script and Linux refuse it alike.
///
/// **EFI Boot Guard** ([`efi_boot_guard::EfiBootGuard`]): two partitions with a file `BGENV.DAT` each; the one with the higher
/// revision is started, and the other one if that fails. *Wanted*: revision 2, in the second file, has the image that comes
/// first (with a job the recovery's copy, without one the first set), revision 1 what comes after it, both with `ustate`
/// INSTALLED, which is one try: `most_starts` is 1. A thing without starts is in neither. Generation, order, mode, copy and
/// attempts are in a user variable of revision 2. *Observed*: what is INSTALLED has one start left, what is TESTING or FAILED
/// has none; what is in neither file has what it was told. *Torn*: each file has a CRC-32, and the loader takes the other one
/// where it does not hold. The file that the loader relies on less is written and flushed first. Files that do not belong
/// together, or a damaged one, are an error here. There is no third choice: where both have failed, the loader starts one of
/// them again. It does not say why it has started recovery either: [`Observed`] tells process 1.
///
/// **systemd-boot**: a file for each entry, with the starts left in its name (`drydock-a+3.conf`, then `+2-1`); an entry with
/// none left comes last. *Wanted*: `sort-key` gives the order: recovery before the sets with a job, behind them without one.
/// `+` and a number are the attempts; a set without any has no entry. The generation is a comment in each entry. Where the
/// folder of the entries is not to be written for a job, `LoaderEntryOneShot` names recovery's entry instead; the loader
/// deletes it as it starts that, so recovery has one start. *Observed*: the numbers in the names; 1 or 0 by whether
/// the variable is there. *Torn*: renaming is not atomic on FAT. An entry that is missing, is there twice or has another
/// generation than the others is an error.
///
/// **U-Boot** ([`u_boot::UBoot`]): an environment of `name=value` with a CRC-32, in two copies, of which a flag tells the newer
/// one. *Wanted*: the variables that GRUB has; a script counts them down and saves. *Observed*: the variables. *Torn*: with a
/// wrong CRC the older copy counts, for U-Boot and here; its generation tells that it is not the newest. With none left it is
/// an error; the script then saves U-Boot's built-in environment, and starts recovery.
///
/// **None** ([`none`]): the firmware always starts one image, and process 1 chooses. *Wanted*: as for GRUB, in a sector that only Linux
/// reads. Process 1 walks through it in the order of GRUB's script, and takes one off before it starts a set. *Observed*: what
/// it has written itself. A start that does not get as far as process 1 is not counted: that takes a watchdog, and an image
/// that is known to start. *Torn*: a sector is old or new; anything else is an error, and process 1 does recovery's work.
pub trait Bootloader: Send + Sync {
    /// Returns the highest number of starts that it can count. More are as good as this many.
    fn most_starts(&self) -> u8;

    /// Reads what the bootloader was told, and has left. Writes nothing.
    ///
    /// [`Damaged`](drydock_block::Error::Damaged) means that the bootloader does not believe it either, and takes its
    /// defaults.
    fn observe(&self) -> Result<Observed, Error>;

    /// Tells the bootloader what is wanted, in place of everything that it knew. On return that is on stable storage and was
    /// read back.
    fn want(&self, wanted: &Wanted) -> Result<(), Error>;
}

impl Starts {
    /// Returns those of a set.
    pub fn of(&self, set: SetName) -> u8 {
        match set {
            SetName::A => self.a,
            SetName::B => self.b,
        }
    }

    /// Returns those of a set, to change them.
    pub fn of_mut(&mut self, set: SetName) -> &mut u8 {
        match set {
            SetName::A => &mut self.a,
            SetName::B => &mut self.b,
        }
    }

    /// Returns whether no set has any.
    pub fn no_set(&self) -> bool {
        SetName::BOTH.iter().all(|set| self.of(*set) == 0)
    }

    /// Returns the same with no more than this many for each.
    #[must_use]
    pub fn at_most(self, limit: u8) -> Self {
        Self { a: self.a.min(limit), b: self.b.min(limit), recovery: self.recovery.min(limit) }
    }
}

impl Wanted {
    /// Returns what is observed of it before the bootloader has started anything.
    pub fn fresh(self) -> Observed {
        let Self { generation, first, mode, attempts: left, copy } = self;
        Observed { generation: generation.told(), first, mode, left, copy }
    }
}

impl From<Observed> for Wanted {
    /// What leaves everything as it is: for changing one thing of it.
    fn from(observed: Observed) -> Self {
        let Observed { generation, first, mode, left: attempts, copy } = observed;
        Self { generation, first, mode, attempts, copy }
    }
}
