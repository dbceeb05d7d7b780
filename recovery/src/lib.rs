//! drydock on a device: the hardware behind [`drydock_engine`]'s traits.
//!
//! [`story`] is process 1 up to the machine that the engine works on, [`cli`] the command-line tool of the live system.

pub mod cli;
pub mod console;
pub mod device;
pub mod hardware;
pub mod locked;
pub mod render;
pub mod start;
pub mod story;
pub mod sys;
pub mod volumes;
