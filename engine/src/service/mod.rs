//! Field service: what a technician at a console, or on the network, may do.

pub mod access;
mod front;
pub mod landing;
mod name;
pub mod upload;

pub use name::device_name;
