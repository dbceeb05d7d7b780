//! Files on the build host, and in tests: as disks, as bytes to read at random, and as outputs that appear whole.

mod bytes;
mod device;
pub mod new_file;

pub use bytes::{FileBytes, len};
pub use device::FileDevice;
