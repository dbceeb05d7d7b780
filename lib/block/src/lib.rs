//! Block devices behind one small trait.
//!
//! Everything that drydock writes goes through [`BlockDevice`]. On a device it is a partition or a
//! device-mapper node opened with `O_DIRECT`; on the build host it is a file; in tests it is memory, or a
//! simulated disk that loses, reorders and tears whatever was not flushed. The code above the trait
//! cannot tell them apart, and that is the point: what the crash simulator proves is what ships.

mod aligned;
mod checksum;
mod device;
mod error;
mod flush;
pub mod header;
mod memory;
mod section;
mod sector;
pub mod uuid;

pub use aligned::{AlignedBuffer, read_through, write_through};
pub use checksum::crc32;
pub use device::{BlockDevice, check_range, is_erased, is_zero, read_vec};
pub use error::Error;
pub use flush::Flush;
pub use memory::MemoryDevice;
pub use section::Section;
pub use sector::{SectorSize, Sectors};
