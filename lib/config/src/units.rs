//! Sizes in the configuration's own units. In the text they are plain numbers; the key says the unit.

use drydock_block::SectorSize;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serializer};

/// The sector size of a disk, in bytes: 512 or 4096.
pub(crate) mod sector_size {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(size: &SectorSize, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(size.bytes())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SectorSize, D::Error> {
        let bytes = u64::deserialize(deserializer)?;
        match bytes {
            512 => Ok(SectorSize::S512),
            4096 => Ok(SectorSize::S4096),
            _ => Err(D::Error::custom(format_args!("{bytes} is not a sector size: 512 or 4096"))),
        }
    }
}
