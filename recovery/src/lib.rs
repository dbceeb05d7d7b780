//! drydock on a device: the hardware behind [`drydock_engine`]'s traits.
//!
//! [`pid1`] is process 1 up to the moment when it has its [`machine`], which the engine's story then goes on with; [`cli`] is
//! the command-line tool of the live system.

pub mod answer;
pub mod cli;
pub mod console;
pub mod disk;
#[cfg(feature = "hooks")]
pub mod hook;
pub mod keys;
#[cfg(feature = "lan")]
pub mod lan;
#[cfg(feature = "network")]
pub mod link;
pub mod machine;
pub mod mount;
#[cfg(feature = "network")]
pub mod net;
pub mod pid1;
#[cfg(feature = "hooks")]
pub mod sensors;
pub mod sys;
#[cfg(feature = "files")]
pub mod tree;
