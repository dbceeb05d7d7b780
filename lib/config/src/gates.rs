//! Gates: what must hold of the device and its surroundings before a job destroys anything.

use crate::units::{Mib, Seconds};
use crate::window::Window;
use crate::words::words;
use core::fmt;
use core::str::FromStr;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Something that must hold before the point of no return of a job.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// What it is called in events and in the history.
    pub name: String,
    /// What must hold.
    pub require: Condition,
    /// Before which jobs. Default: all of them.
    #[serde(default = "JobKind::all")]
    pub before: Vec<JobKind>,
    /// How long it is waited for. Default: 0.
    #[serde(default)]
    pub wait_seconds: Seconds,
    /// What follows where it can't be found out.
    #[serde(default)]
    pub unreadable: Unreadable,
}

/// A kind of jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// An update.
    Update,
    /// A factory reset.
    Reset,
    /// A wipe.
    Wipe,
}
words!(JobKind: Update = "update", Reset = "reset", Wipe = "wipe");

impl JobKind {
    fn all() -> Vec<Self> {
        vec![Self::Update, Self::Reset, Self::Wipe]
    }
}

/// What follows where a gate can't find out how things are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unreadable {
    /// It says no.
    #[default]
    Refuse,
    /// It says yes, and that it could not know.
    Pass,
}
words!(Unreadable: Refuse = "refuse", Pass = "pass");

/// What a gate can ask for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Condition {
    /// External power is there.
    Supply {
        /// The supply's name below `/sys/class/power_supply`. Without it any but a battery.
        #[serde(default)]
        name: Option<String>,
    },
    /// A battery is charged.
    Battery {
        /// Its name below `/sys/class/power_supply`. Without it the only one.
        #[serde(default)]
        name: Option<String>,
        /// How much of its capacity there must be.
        at_least_percent: u32,
    },
    /// It is neither too cold nor too hot.
    Temperature {
        /// The name of a hwmon chip, as in its file `name`.
        chip: String,
        /// Which of its inputs. Default: 1, which is `temp1_input`.
        #[serde(default = "first")]
        input: u32,
        /// In degrees Celsius.
        #[serde(default)]
        at_least_celsius: Option<i32>,
        /// In degrees Celsius.
        #[serde(default)]
        at_most_celsius: Option<i32>,
    },
    /// There is room on `data`.
    FreeSpace {
        /// How much.
        at_least_mib: Mib,
    },
    /// A line of a GPIO chip has a level.
    Gpio {
        /// The chip's node below `/dev`, as in `gpiochip0`.
        chip: String,
        /// The line's number on it.
        line: u32,
        /// Whether it must be high or low.
        high: bool,
    },
    /// A file of the kernel's has a value.
    File {
        /// Its path below `/sys` or `/proc`.
        path: String,
        /// What must be in it, without the end of the line.
        is: String,
    },
    /// The machine was not started because of this.
    BootReason {
        /// What must not have been the reason.
        not: Vec<BootReason>,
    },
    /// The clock is plausible.
    Clock {
        /// A day that is over, in UTC.
        not_before: Day,
    },
    /// It is a certain part of the day.
    Window {
        /// Which, in UTC.
        utc: Window,
    },
}

/// Why a machine was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootReason {
    /// A hardware watchdog had reset it.
    Watchdog,
    /// The kernel had panicked: it has left its log in pstore.
    Panic,
}
words!(BootReason: Watchdog = "watchdog", Panic = "panic");

fn first() -> u32 {
    1
}

/// A day, as in `2026-11-27`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day {
    year: u16,
    month: u8,
    day: u8,
}

impl Day {
    /// Returns when it begins in UTC, in seconds since 1970.
    pub fn begins(self) -> u64 {
        // Howard Hinnant, chrono-Compatible Low-Level Date Algorithms, `days_from_civil`, for years from 1970 on.
        let (month, day) = (u64::from(self.month), u64::from(self.day));
        let year = u64::from(self.year) - u64::from(month <= 2);
        let (era, of_era) = (year / 400, year % 400);
        let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
        (days - 719_468) * 86_400
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl FromStr for Day {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |part: Option<&str>, length: usize| -> Option<u16> {
            let part = part.filter(|part| part.len() == length)?;
            part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok()).flatten()
        };
        let mut parts = text.split('-');
        let (year, month, day) = (number(parts.next(), 4), number(parts.next(), 2), number(parts.next(), 2));
        match (year, month, day, parts.next()) {
            (Some(year @ 1970..), Some(month @ 1..=12), Some(day @ 1..=31), None) => {
                Ok(Self { year, month: month as u8, day: day as u8 })
            }
            _ => Err("must be a day, as in 2026-11-27"),
        }
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_when_date_says_so() {
        // `date -u -d 2026-11-27 +%s`
        for (text, seconds) in [
            ("1970-01-01", 0),
            ("2000-02-29", 951_782_400),
            ("2024-03-01", 1_709_251_200),
            ("2026-11-27", 1_795_737_600),
        ] {
            let day: Day = text.parse().unwrap();
            assert_eq!((day.begins(), day.to_string()), (seconds, text.to_owned()));
        }
        for text in ["", "1969-12-31", "2026-13-01", "2026-00-01", "2026-1-01", "2026-01-32", "2026-01-01-"] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
    }
}
