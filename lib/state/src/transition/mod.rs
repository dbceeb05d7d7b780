//! The policy: how one record follows from another. Pure functions; none of them touches a device.
//!
//! A change that the bootloader must learn of raises the record's generation. Whoever makes such a change
//! writes the record first and tells the bootloader second; a cut in between is mended by [`settle`], which every start
//! runs.

mod by_hand;
mod counters;
mod entry;
mod intents;
mod recovery;
mod reset;
#[cfg(feature = "service")]
mod service;
mod sets;
mod settle;

pub use by_hand::{mark_bad, roll_back, successor};
pub use counters::{Counters, Running};
pub use intents::{cancel, count_start, fail, stage, stage_reset};
pub use recovery::{offer, offered, recovery_written, stage_offer};
pub use reset::{reset, restore_other, wiped};
#[cfg(feature = "service")]
pub use service::{SERVICE_LIMIT, admitted, turned_away};
pub use sets::{
    begin_write, crashed, damaged, flashed, installed, mark_good, mended, not_started, not_started_once,
    rearm, rebuild,
};
pub use settle::{MISSED_LIMIT, settle};
