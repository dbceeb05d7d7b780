//! Times as they are typed.

use drydock_state::UnixTime;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo, Timestamp};
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const WRONG: &str =
    "it is neither a time like 2026-12-01T08:00, in UTC, nor one from now on like 90d or +12h";

/// A moment, or a time from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// That moment.
    At(UnixTime),
    /// So long from now on.
    In(Duration),
}

impl When {
    /// Returns the moment, by what time it is now.
    pub fn at(self, now: UnixTime) -> UnixTime {
        match self {
            Self::At(time) => time,
            Self::In(time) => UnixTime(now.0.saturating_add(time.as_secs())),
        }
    }

    /// Returns the time by this machine's clock.
    pub fn now() -> UnixTime {
        UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
    }
}

impl FromStr for When {
    type Err = &'static str;

    /// Reads `now`, `90d`, `+12h`, `2026-12-01`, `2026-12-01T08:00` or `2026-12-01T08:00:00Z`, in UTC.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "now" {
            return Ok(Self::In(Duration::ZERO));
        }
        let span = text.strip_prefix('+').unwrap_or(text).parse::<Span>();
        if let Ok(length) = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours())) {
            return Duration::try_from(length).map(Self::In).map_err(|_| WRONG);
        }
        // Without a zone it is in UTC, whatever zone this machine is in.
        let civil = || TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok();
        let time = text.parse::<Timestamp>().ok().or_else(civil).ok_or(WRONG)?;
        let seconds = time.as_second().try_into().map_err(|_| WRONG)?;
        Ok(Self::At(UnixTime(seconds)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_type_them() {
        let now = UnixTime(1_000_000);
        for (text, time) in [
            ("now", 1_000_000),
            ("90d", 1_000_000 + 90 * 86_400),
            ("+12h", 1_000_000 + 12 * 3600),
            ("2026-11-23", 1_795_392_000),
            ("2026-11-23T05", 1_795_410_000),
            ("2026-11-23T05:19", 1_795_411_140),
            ("2026-11-23 05:19:59", 1_795_411_199),
            ("2026-11-23T05:19:59Z", 1_795_411_199),
            ("2026-11-23T06:19:59+01:00", 1_795_411_199),
        ] {
            assert_eq!(text.parse::<When>().unwrap().at(now), UnixTime(time), "{text}");
        }
        for wrong in ["", "90", "tomorrow", "2026-13-01", "2026-11-23T25:00", "1969-01-01", "-3d"] {
            assert!(wrong.parse::<When>().is_err(), "{wrong}");
        }
    }
}
