//! What the bootloader has counted, seen from the record, and what it has started.

use crate::bootloader::{Mode, Observed};
use crate::name::{CopyName, SetName};
use crate::record::Record;

/// What the bootloader has counted, seen from a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counters {
    /// It was told this record's generation; what is left tells what it did.
    Current(Observed),
    /// It was told of another generation, or what it was told is damaged: nothing follows from it, and it has to be told
    /// again.
    Unknown,
}

impl Counters {
    /// Compares the generation that the bootloader was told with the record's. `observed` is missing where it is damaged.
    pub fn of(record: &Record, observed: Option<Observed>) -> Self {
        match observed {
            Some(observed) if observed.generation == record.generation.told() => Self::Current(observed),
            _ => Self::Unknown,
        }
    }

    pub(super) fn left(self, set: SetName) -> Option<u8> {
        match self {
            Self::Current(observed) => Some(observed.left.of(set)),
            Self::Unknown => None,
        }
    }

    /// Returns whether recovery has a job, and the bootloader has started it as often as it may.
    pub fn recovery_exhausted(self) -> bool {
        matches!(self, Self::Current(now) if now.mode == Mode::Recovery && now.left.recovery == 0)
    }

    /// Returns whether the bootloader has started every set as often as it may.
    pub fn sets_exhausted(self) -> bool {
        matches!(self, Self::Current(now) if now.left.no_set())
    }
}

/// Who is asking, and so what the bootloader has chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Running {
    /// The given set has been started.
    Set(SetName),
    /// Recovery has been started, from this copy if that is known.
    Recovery(Option<CopyName>),
}
