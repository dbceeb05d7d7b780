use serde::{Deserialize, Serialize};
use std::fmt;

/// A moment by the device's clock, which may be wrong: seconds since 1970 in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(transparent)]
pub struct UnixTime(pub u64);

impl fmt::Display for UnixTime {
    /// As date and time in UTC.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Days to civil date, as in "chrono-Compatible Low-Level Date Algorithms" by H. Hinnant.
        let (days, second) = (self.0 / 86_400, self.0 % 86_400);
        let z = days + 719_468;
        let (era, doe) = (z / 146_097, z % 146_097);
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let day = doy - (153 * mp + 2) / 5 + 1;
        let month = if mp < 10 { mp + 3 } else { mp - 9 };
        let year = yoe + era * 400 + u64::from(month <= 2);
        write!(
            f,
            "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}",
            second / 3600,
            second / 60 % 60,
            second % 60
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_printed_in_utc() {
        assert_eq!(UnixTime(0).to_string(), "1970-01-01 00:00:00");
        assert_eq!(UnixTime(951_782_399).to_string(), "2000-02-28 23:59:59");
        assert_eq!(UnixTime(1_795_411_199).to_string(), "2026-11-23 05:19:59");
    }
}
