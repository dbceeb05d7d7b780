//! Maintenance windows: a schedule in Quartz's notation, a duration and an offset from UTC.

/// How far ahead a beginning is looked for, in days.
const HORIZON: u64 = 5 * 366;
const DAY: u64 = 86_400;

/// A maintenance window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// `seconds minutes hours day-of-month month day-of-week [year]`.
    pub(crate) schedule: String,
    /// `HH:MM:SS`.
    pub(crate) duration: String,
    /// `+02:00`.
    pub(crate) timezone: String,
    fields: Vec<Vec<(u64, u64, u64)>>,
    seconds: u64,
    east: i64,
}

/// What each field may hold.
const LIMITS: [(u64, u64); 7] = [(0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (1, 7), (1970, 2199)];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

impl Window {
    /// Reads a window, or says that it can't be.
    pub(crate) fn new(schedule: &str, duration: &str, timezone: &str) -> Option<Self> {
        let words: Vec<&str> = schedule.split_whitespace().collect();
        if !(6..=7).contains(&words.len()) {
            return None;
        }
        let fields: Option<Vec<_>> =
            words.iter().zip(LIMITS).map(|(word, limits)| field(word, limits)).collect();
        let parts: Option<Vec<u64>> = duration.split(':').map(|part| part.parse().ok()).collect();
        let seconds = match parts?.as_slice() {
            [hours, minutes, seconds] => hours * 3600 + minutes * 60 + seconds,
            _ => return None,
        };
        Some(Self {
            schedule: schedule.to_owned(),
            duration: duration.to_owned(),
            timezone: timezone.to_owned(),
            fields: fields?,
            seconds,
            east: east(timezone)?,
        })
    }

    /// Whether it is open at that time, in milliseconds since 1970.
    pub(crate) fn is_open(&self, now: u64) -> bool {
        self.next(now).is_some_and(|start| start <= now)
    }

    /// Whether it never opens again.
    pub(crate) fn is_over(&self, now: u64) -> bool {
        self.next(now).is_none()
    }

    /// When it opens, or has opened if it is open, in milliseconds since 1970.
    pub(crate) fn next(&self, now: u64) -> Option<u64> {
        let local = (now / 1000).checked_add_signed(self.east)?;
        // The first beginning after which the window is not over by now.
        let from = local.saturating_sub(self.seconds) + 1;
        for day in from / DAY..from / DAY + HORIZON {
            if !self.falls_on(day) {
                continue;
            }
            let earliest = from.saturating_sub(day * DAY);
            let second = (earliest..DAY).find(|second| {
                self.has(0, second % 60) && self.has(1, second / 60 % 60) && self.has(2, second / 3600)
            });
            if let Some(second) = second {
                return Some((day * DAY + second).checked_add_signed(-self.east)? * 1000);
            }
        }
        None
    }

    fn falls_on(&self, day: u64) -> bool {
        let (year, month, of_month) = civil(day);
        let of_week = (day + 4) % 7 + 1;
        self.has(3, of_month) && self.has(4, month) && self.has(5, of_week) && self.has(6, year)
    }

    fn has(&self, field: usize, value: u64) -> bool {
        let Some(ranges) = self.fields.get(field) else { return true };
        ranges
            .iter()
            .any(|(from, to, step)| (*from..=*to).contains(&value) && (value - from).is_multiple_of(*step))
    }
}

/// `*`, `?`, numbers, names of days, ranges, steps, and lists of them.
fn field(word: &str, (least, most): (u64, u64)) -> Option<Vec<(u64, u64, u64)>> {
    let number = |text: &str| -> Option<u64> {
        let named = DAYS.iter().position(|day| *day == text).map(|at| at as u64 + 1);
        let value = named.or_else(|| text.parse().ok())?;
        (least..=most).contains(&value).then_some(value)
    };
    word.split(',')
        .map(|item| {
            let (range, step) = match item.split_once('/') {
                Some((range, step)) => (range, Some(step.parse().ok().filter(|step| *step > 0)?)),
                None => (item, None),
            };
            let (from, to) = match range.split_once('-') {
                _ if range == "*" || range == "?" => (least, most),
                Some((from, to)) => (number(from)?, number(to)?),
                None => (number(range)?, if step.is_some() { most } else { number(range)? }),
            };
            Some((from, to, step.unwrap_or(1)))
        })
        .collect()
}

/// Seconds east of UTC.
fn east(timezone: &str) -> Option<i64> {
    if timezone == "Z" {
        return Some(0);
    }
    let sign = match timezone.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let (hours, minutes) = timezone.get(1..)?.split_once(':')?;
    Some(sign * (hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60))
}

/// Year, month and day of a day since 1970.
pub(crate) fn civil(day: u64) -> (u64, u64, u64) {
    let shifted = day + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, of_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-27, a Friday, at midnight.
    const FRIDAY: u64 = 1_795_737_600_000;
    const HOUR: u64 = 3_600_000;

    #[test]
    fn a_window_opens_and_closes_by_its_schedule() {
        let window = Window::new("0 30 2 ? * *", "01:00:00", "+00:00").unwrap();
        for (minutes, open) in [(0, false), (149, false), (150, true), (209, true), (210, false)] {
            assert_eq!(window.is_open(FRIDAY + minutes * 60_000), open, "{minutes}");
        }
        assert_eq!(window.next(FRIDAY), Some(FRIDAY + 9_000_000));
        assert_eq!(window.next(FRIDAY + 5 * HOUR), Some(FRIDAY + 9_000_000 + 24 * HOUR));
    }

    #[test]
    fn a_window_knows_days_zones_and_years() {
        let friday = Window::new("0 0 1 ? * FRI", "00:30:00", "+02:00").unwrap();
        assert_eq!(friday.next(FRIDAY), Some(FRIDAY + 7 * 24 * HOUR - HOUR));
        let once = Window::new("0 0 12 27 11 ? 2026", "00:00:10", "-01:00").unwrap();
        assert_eq!(once.next(FRIDAY), Some(FRIDAY + 13 * HOUR));
        assert!(once.is_open(FRIDAY + 13 * HOUR + 9_000) && once.is_over(FRIDAY + 13 * HOUR + 10_000));
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for (schedule, duration, zone) in [
            ("0 0 1", "01:00:00", "+00:00"),
            ("0 0 25 ? * *", "01:00:00", "+00:00"),
            ("0 0 1 ? * *", "1h", "+00:00"),
            ("0 0 1 ? * *", "01:00:00", "Berlin"),
        ] {
            assert_eq!(Window::new(schedule, duration, zone), None, "{schedule} {duration} {zone}");
        }
    }
}
