//! What a device remembers besides its images.
//!
//! Three facts, each with one writer and one place:
//!
//! - the **state record** ([`Store`], [`Record`]) on the raw partition `state`: the intent, what is known of
//!   the sets, the rollback floors and the history. It is the master; the other two are made to agree with it.
//! - what the **bootloader** was told and has counted ([`Bootloader`], [`Wanted`], [`Observed`]).
//! - the **trailer** ([`drydock_format::trailer`]) at the end of each slot: the signed manifest of what is in the slot,
//!   so that no damage to `state` takes a root hash away.
//!
//! [`transition`] holds the policy: pure functions from one record to the next. Nothing in this crate does
//! I/O of its own; devices come in through [`drydock_block::BlockDevice`].

pub mod bootloader;
mod digest;
mod error;
#[cfg(feature = "fleet")]
pub mod fleet;
mod generation;
mod intent;
mod later;
pub mod log;
mod name;
mod record;
mod replica;
#[cfg(feature = "service")]
pub mod service;
mod store;
mod time;
pub mod transition;

pub use bootloader::{Bootloader, Mode, Observed, Starts, Wanted, efi_boot_guard, fat, grub, u_boot};
pub use digest::MaybeDigest;
pub use error::Error;
pub use generation::Generation;
pub use intent::{Intent, Job, MediumSource, Source};
pub use name::{CopyName, SetName, SlotName};
pub use record::{
    Entry, Floors, HISTORY_LIMIT, Later, Offer, Outcome, Record, Recovery, SetInfo, SetStatus, Sets,
};
pub use replica::{Replica, decode_replica, encode_replica};
pub use store::{Mended, Now, Opened, Store, replica_offsets};
pub use time::UnixTime;
