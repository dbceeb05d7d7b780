//! Field service: what a technician at a console, or on the network, may do.

pub mod access;
mod name;

pub use name::device_name;
