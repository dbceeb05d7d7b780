//! The parts of drydock that run on the device.

pub mod device;
pub mod sys;
