//! Dates, as the configuration has them.

use drydock_state::UnixTime;
use std::fmt;
use std::str::FromStr;

/// A day in UTC: `2027-06-30`. Kept as its text, which sorts as days do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date([u8; 10]);

impl Date {
    /// Whether this day is over at that moment.
    pub fn is_over(self, now: UnixTime) -> bool {
        let text = now.to_string();
        let (day, _) = text.split_once(' ').unwrap_or((&text, ""));
        // A year of five digits is later than all that can be written here.
        day.len() > self.0.len() || day.as_bytes() > &self.0[..]
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.0).unwrap_or_default())
    }
}

impl FromStr for Date {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let problem = "must be a day, as in 2027-06-30";
        let bytes: [u8; 10] = text.as_bytes().try_into().map_err(|_| problem)?;
        let mut parts = text.split('-').map(|part| {
            let digits = part.bytes().all(|byte| byte.is_ascii_digit());
            (part.len(), part.parse::<u32>().ok().filter(|_| digits))
        });
        let (Some((4, Some(year))), Some((2, Some(month))), Some((2, Some(day))), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(problem);
        };
        let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            2 => 28 + u32::from(leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        let good = (1..=12).contains(&month) && (1..=days).contains(&day);
        good.then_some(Self(bytes)).ok_or(problem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_over_when_the_next_one_begins() {
        let date: Date = "2026-11-23".parse().unwrap();
        assert_eq!(date.to_string(), "2026-11-23");
        let midnight = 1_795_392_000;
        assert!(!date.is_over(UnixTime(0)) && !date.is_over(UnixTime(midnight + 86_399)));
        assert!(
            date.is_over(UnixTime(midnight + 86_400)) && date.is_over(UnixTime(u64::from(u32::MAX) << 8))
        );
    }

    #[test]
    fn what_is_no_day_is_refused() {
        "2028-02-29".parse::<Date>().unwrap();
        for text in [
            "",
            "2027-6-30",
            "2027-02-29",
            "2027-04-31",
            "2027-13-01",
            "2027-00-10",
            "2027-01-00",
            "20270-1-01",
            "+027-01-01",
            "2027/01/01",
            "2027-01-01x",
        ] {
            assert!(text.parse::<Date>().is_err(), "{text}");
        }
    }
}
