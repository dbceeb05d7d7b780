//! The parts of drydock that run on the device.

pub mod console;
pub mod device;
pub mod sys;
