//! A part of each day.

use core::fmt;
use core::str::FromStr;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A part of each day, in UTC: `22:00-04:30`. It may go past midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The minute of the day that it begins with.
    pub from: u16,
    /// The minute of the day that it ends before.
    pub to: u16,
}

/// Minutes of a day.
const DAY: u16 = 24 * 60;

impl Window {
    /// Returns how many minutes pass until it is open, 0 where it is. `minute` is the minute of the day now, in UTC.
    pub fn opens_in(&self, minute: u16) -> u16 {
        let length = (self.to + DAY - self.from) % DAY;
        let inside = (minute % DAY + DAY - self.from) % DAY;
        if inside < length { 0 } else { DAY - inside }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}-{:02}:{:02}", self.from / 60, self.from % 60, self.to / 60, self.to % 60)
    }
}

impl FromStr for Window {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let minute = |text: &str| -> Option<u16> {
            let (hours, minutes) = text.split_once(':')?;
            let two = |digits: &str, limit: u16| -> Option<u16> {
                let good = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
                digits.parse().ok().filter(|number| good && *number < limit)
            };
            Some(two(hours, 24)? * 60 + two(minutes, 60)?)
        };
        let (from, to) = text.split_once('-').unwrap_or_default();
        match (minute(from), minute(to)) {
            (Some(from), Some(to)) if from != to => Ok(Self { from, to }),
            _ => Err("must be two times of a day, in UTC, as in 22:00-04:30"),
        }
    }
}

impl Serialize for Window {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Window {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_may_go_past_midnight() {
        let window: Window = "22:00-04:30".parse().unwrap();
        let opens = |hours: u16, minutes: u16| window.opens_in(hours * 60 + minutes);
        assert_eq!((opens(22, 0), opens(23, 59), opens(0, 0), opens(4, 29)), (0, 0, 0, 0));
        assert_eq!((opens(4, 30), opens(21, 59), opens(12, 0)), (17 * 60 + 30, 1, 600));
        let day: Window = "09:00-17:00".parse().unwrap();
        assert_eq!(
            (day.opens_in(8 * 60), day.opens_in(17 * 60), day.opens_in(16 * 60 + 59)),
            (60, 16 * 60, 0)
        );
        assert_eq!(window.to_string(), "22:00-04:30");
    }

    #[test]
    fn a_window_that_is_none_is_refused() {
        for text in
            ["", "22:00", "22:00-22:00", "24:00-01:00", "1:00-2:00", "10:60-11:00", "10:00-11:00-12:00"]
        {
            assert!(text.parse::<Window>().is_err(), "{text}");
        }
    }
}
