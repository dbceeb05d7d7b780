//! Numbers and dates in HTTP, and a time that is never earlier than what is known.

use drydock_state::UnixTime;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Reads a date in the one form that may be sent (RFC 9110, 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`. `None`: it is not one.
pub fn http_date(text: &str) -> Option<UnixTime> {
    let (_, rest) = text.split_once(", ")?;
    let mut words = rest.split(' ');
    let day = number(words.next()?, 2, 1, 31)?;
    let month = words.next()?;
    let month = MONTHS.iter().position(|name| *name == month)? as u64 + 1;
    let year = number(words.next()?, 4, 1970, 9999)?;
    let mut clock = words.next()?.split(':');
    let (hour, minute) = (number(clock.next()?, 2, 0, 23)?, number(clock.next()?, 2, 0, 59)?);
    let second = number(clock.next()?, 2, 0, 60)?;
    if clock.next().is_some() || words.next()? != "GMT" || words.next().is_some() {
        return None;
    }
    Some(UnixTime(days(year, month, day)? * 86_400 + hour * 3600 + minute * 60 + second))
}

fn number(text: &str, digits: usize, least: u64, most: u64) -> Option<u64> {
    let good = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok()?;
    (good && (least..=most).contains(&number)).then_some(number)
}

/// The days from 1970 to a date, as in "chrono-Compatible Low-Level Date Algorithms" by H. Hinnant. `None`: that month does
/// not have so many days.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let most = match month {
        2 => 28 + u64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    (day <= most).then(|| era * 146_097 + of_era - 719_468)
}

/// When a server wants to be asked again (RFC 9110, 10.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// After so many seconds.
    Seconds(u64),
    /// At that moment.
    At(UnixTime),
}

impl RetryAfter {
    /// Reads the value of a `Retry-After` header. `None`: it is neither a number nor a date.
    pub fn parse(value: &str) -> Option<Self> {
        let value = value.trim();
        decimal(value).map(Self::Seconds).or_else(|| http_date(value).map(Self::At))
    }

    /// How many seconds that is from now on.
    pub fn seconds(self, now: UnixTime) -> u64 {
        match self {
            Self::Seconds(seconds) => seconds,
            Self::At(time) => time.0.saturating_sub(now.0),
        }
    }
}

/// A number of decimal digits, and nothing else.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let good = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    good.then(|| text.parse().ok()).flatten()
}

/// What it can't be earlier than, for a device whose clock may have lost its battery, or that has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Floor(UnixTime);

impl Floor {
    /// The newest of these moments: when this program was built, what the state was last written at, when the last bundle
    /// that was accepted was made.
    pub fn of(known: impl IntoIterator<Item = UnixTime>) -> Self {
        Self(known.into_iter().max().unwrap_or_default())
    }

    /// The time by the clock, or the floor, whichever is later.
    pub fn lift(self, clock: UnixTime) -> UnixTime {
        self.0.max(clock)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_they_are_printed() {
        assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(UnixTime(784_111_777)));
        assert_eq!(http_date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(UnixTime(0)));
        for days in (0..30_000).step_by(17) {
            let time = UnixTime(days * 86_400 + days % 86_399);
            let printed = time.to_string();
            let (date, clock) = printed.split_once(' ').unwrap();
            let [year, month, day] = date.split('-').collect::<Vec<_>>()[..] else { panic!("{printed}") };
            let month = MONTHS[month.parse::<usize>().unwrap() - 1];
            assert_eq!(http_date(&format!("Xxx, {day} {month} {year} {clock} GMT")), Some(time), "{printed}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for wrong in [
            "",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT ",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun, +6 Nov 1994 08:49:37 GMT",
            "Sun, 29 Feb 1900 00:00:00 GMT",
        ] {
            assert_eq!(http_date(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn it_is_never_earlier_than_what_is_known() {
        let floor = Floor::of([UnixTime(5), UnixTime(9), UnixTime(7)]);
        assert_eq!((floor.lift(UnixTime(0)), floor.lift(UnixTime(10))), (UnixTime(9), UnixTime(10)));
        assert_eq!(Floor::of([]).lift(UnixTime(3)), UnixTime(3));
    }
}
