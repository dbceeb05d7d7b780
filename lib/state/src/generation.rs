use serde::{Deserialize, Serialize};
use std::fmt;

/// Counts what the bootloader has to learn of a record. It is told the same number, so that what does not belong to the
/// record is recognised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Generation(pub u32);

impl Generation {
    /// The bootloader is told eight decimal digits. After the last one comes 0 again.
    const ROUND: u32 = 100_000_000;

    /// Goes on to the next one.
    pub fn raise(&mut self) {
        self.0 = self.0.wrapping_add(1);
    }

    /// Returns it as the bootloader is told it: from 0 to 99,999,999.
    #[must_use]
    pub fn told(self) -> Self {
        Self(self.0 % Self::ROUND)
    }

    /// Returns whether this one, which the bootloader was told, is one that `other`, of a record, has not reached yet.
    pub fn is_ahead_of(self, other: Self) -> bool {
        let ahead = (self.told().0 + Self::ROUND - other.told().0) % Self::ROUND;
        (1..Self::ROUND / 2).contains(&ahead)
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_bootloader_was_told_is_ahead_by_less_than_half_a_round() {
        let ahead = |told, of| Generation(told).is_ahead_of(Generation(of));
        assert!(ahead(18, 17) && ahead(0, 99_999_999) && ahead(5, 199_999_999));
        assert!(!ahead(17, 17) && !ahead(16, 17) && !ahead(99_999_999, 100_000_000));
    }
}
