//! drydock: a recovery-mode updater for embedded Linux.
//!
//! The rooms follow the way that an update takes: discover, state, unlock, source, verify, plan, write,
//! prove, commit, hand over. [`machine`] is the seam between the work, which a simulated disk can run too,
//! and the [`device`] that does it for real.

pub mod cli;
pub mod console;
pub mod context;
pub mod device;
pub mod error;
pub mod event;
pub mod hardware;
pub mod live;
pub mod locked;
pub mod machine;
pub mod machine_id;
pub mod memory;
pub mod recover;
pub mod release;
pub mod render;
pub mod reset;
pub mod start;
pub mod story;
pub mod sys;
pub mod update;
pub mod volumes;

pub use error::Error;
