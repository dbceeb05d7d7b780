//! Sizes and times in the configuration's own units. In its text they are plain numbers, and the key says the unit.

use drydock_block::SectorSize;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::time::Duration;

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident($number:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, Default)]
        #[serde(transparent)]
        pub struct $name(pub $number);

        impl fmt::Display for $name {
            /// The number alone.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

unit! {
    /// A time in seconds.
    Seconds(u32)
}

unit! {
    /// A size in KiB.
    Kib(u32)
}

unit! {
    /// A size in MiB.
    Mib(u64)
}

impl Seconds {
    /// The same, as the standard library has it.
    pub const fn as_duration(self) -> Duration {
        Duration::from_secs(self.0 as u64)
    }
}

impl Kib {
    /// How many bytes it is.
    pub const fn bytes(self) -> u64 {
        (self.0 as u64) << 10
    }
}

impl Mib {
    /// How many bytes it is; at most as many as there can be.
    pub const fn bytes(self) -> u64 {
        self.0.saturating_mul(1 << 20)
    }

    /// So many bytes, and what is missing to a whole MiB.
    pub const fn holding(bytes: u64) -> Self {
        Self(bytes.div_ceil(1 << 20))
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_a_plain_number_in_the_text() {
        let text = serde_json::to_string(&(Seconds(5), Kib(6), Mib(7))).unwrap();
        assert_eq!(text, "[5,6,7]");
        let back: (Seconds, Kib, Mib) = serde_json::from_str(&text).unwrap();
        assert_eq!(back, (Seconds(5), Kib(6), Mib(7)));
        assert_eq!((back.0.as_duration(), back.1.bytes()), (Duration::from_secs(5), 6144));
        assert_eq!(
            (Mib::holding(7 << 20), Mib::holding((7 << 20) + 1), back.2.bytes()),
            (Mib(7), Mib(8), 7 << 20)
        );
        assert_eq!(Mib(u64::MAX).bytes(), u64::MAX);
    }
}
