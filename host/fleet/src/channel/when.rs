//! Times as they are typed.

use drydock_state::UnixTime;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

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
        if let Ok(time) = humantime::parse_duration(text.strip_prefix('+').unwrap_or(text)) {
            return Ok(Self::In(time));
        }
        let full = match text.len() {
            10 => format!("{text}T00:00:00Z"),
            16 => format!("{text}:00Z"),
            _ => text.to_owned(),
        };
        let time = humantime::parse_rfc3339_weak(&full).ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
        let time = time.ok_or(
            "it is neither a time like 2026-12-01T08:00, in UTC, nor one from now on like 90d or +12h",
        )?;
        Ok(Self::At(UnixTime(time.as_secs())))
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
            ("2026-11-23T05:19", 1_795_411_140),
            ("2026-11-23 05:19:59", 1_795_411_199),
            ("2026-11-23T05:19:59Z", 1_795_411_199),
        ] {
            assert_eq!(text.parse::<When>().unwrap().at(now), UnixTime(time), "{text}");
        }
        for wrong in ["", "90", "tomorrow", "2026-13-01", "2026-11-23T05", "1969-01-01", "-3d"] {
            assert!(wrong.parse::<When>().is_err(), "{wrong}");
        }
    }
}
