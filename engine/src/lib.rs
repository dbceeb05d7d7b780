//! The work of drydock: what a recovery boot does, what the commands of the live system do.
//!
//! Nothing here knows a system: what the work needs of the machine that it runs on is in [`machine`], a few small traits. A
//! device implements them with its hardware, the crash simulator with a disk that loses what was not flushed. The code
//! between is the same.

mod asked;
pub mod context;
pub mod error;
pub mod event;
pub mod fetch;
pub mod files;
#[cfg(feature = "fleet")]
pub mod fleet;
#[cfg(feature = "hooks")]
pub mod gate;
pub mod history;
#[cfg(feature = "hooks")]
pub mod hook;
pub mod journal;
pub mod keys;
#[cfg(feature = "lan")]
pub mod lan;
pub mod limits;
pub mod live;
pub mod machine;
pub mod machine_id;
pub mod recover;
pub mod release;
pub mod reset;
#[cfg(feature = "service")]
pub mod service;
pub mod sources;
pub mod start;
pub mod state;
pub mod stay;
pub mod steps;
pub mod story;
#[cfg(feature = "files")]
pub mod tree;
pub mod update;
pub mod volume;

pub use asked::Asked;
pub use error::Error;
