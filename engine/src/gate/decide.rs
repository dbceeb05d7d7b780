//! What a gate makes of a reading. Pure: no I/O.

use drydock_config::{BootReason, Condition};
use drydock_state::UnixTime;

/// How things are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Whether something is there, or high.
    Is(bool),
    /// Hundredths of a battery's capacity.
    Percent(u32),
    /// Thousandths of a degree Celsius.
    MilliCelsius(i64),
    /// Bytes.
    Bytes(u64),
    /// The text of a file.
    Text(String),
    /// Why the machine was started, as far as that is known.
    Started(Vec<BootReason>),
    /// The time by the device's clock.
    Time(UnixTime),
}

/// Decides whether a condition holds. Where it does not, the text says what was read and what is needed.
pub fn decide(condition: &Condition, reading: &Reading) -> Result<(), String> {
    let unless = |holds: bool, why: &dyn Fn() -> String| if holds { Ok(()) } else { Err(why()) };
    match (condition, reading) {
        (Condition::Supply { name }, Reading::Is(online)) => unless(*online, &|| {
            let name = name.as_deref().unwrap_or("external power");
            format!("{name} is off; connect it")
        }),
        (Condition::Battery { at_least_percent, .. }, Reading::Percent(percent)) => {
            unless(percent >= at_least_percent, &|| {
                format!("the battery has {percent} %, {at_least_percent} % are needed; charge it")
            })
        }
        (
            Condition::Temperature { chip, at_least_celsius, at_most_celsius, .. },
            Reading::MilliCelsius(now),
        ) => {
            let milli = |celsius: &Option<i32>| celsius.map(|celsius| i64::from(celsius) * 1000);
            let celsius = |milli: i64| {
                let (sign, milli) = (if milli < 0 { "-" } else { "" }, milli.unsigned_abs());
                format!("{sign}{}.{}", milli / 1000, milli % 1000 / 100)
            };
            if let Some(least) = milli(at_least_celsius).filter(|least| now < least) {
                let (now, least) = (celsius(*now), celsius(least));
                return Err(format!("{chip} has {now} C, {least} C at least are needed; let it warm up"));
            }
            if let Some(most) = milli(at_most_celsius).filter(|most| now > most) {
                let (now, most) = (celsius(*now), celsius(most));
                return Err(format!("{chip} has {now} C, {most} C at most are allowed; let it cool down"));
            }
            Ok(())
        }
        (Condition::FreeSpace { at_least_mib }, Reading::Bytes(free)) => {
            unless(*free >= at_least_mib.bytes(), &|| {
                format!("data has {} MiB left, {at_least_mib} MiB are needed; make room", free >> 20)
            })
        }
        (Condition::Gpio { chip, line, high }, Reading::Is(level)) => unless(level == high, &|| {
            let name = |high: bool| if high { "high" } else { "low" };
            format!("line {line} of {chip} is {}, it must be {}", name(*level), name(*high))
        }),
        (Condition::File { path, is }, Reading::Text(text)) => {
            unless(text == is, &|| format!("{path} has `{text}`, it must have `{is}`"))
        }
        (Condition::BootReason { not }, Reading::Started(reasons)) => {
            let named = reasons.iter().find(|reason| not.contains(reason));
            let why = match named {
                None => return Ok(()),
                Some(BootReason::Watchdog) => {
                    "a watchdog has reset the machine; see why, and switch it off and on"
                }
                Some(BootReason::Panic) => {
                    "the kernel has panicked; see its log in /sys/fs/pstore, and remove it"
                }
            };
            Err(why.into())
        }
        (Condition::Clock { not_before }, Reading::Time(now)) => {
            unless(now.0 >= not_before.begins(), &|| {
                format!("the clock is before {not_before}, which is over ({} s since 1970); set it", now.0)
            })
        }
        (Condition::Window { utc }, Reading::Time(now)) => {
            let minute = u16::try_from(now.0 / 60 % (24 * 60)).unwrap_or(0);
            unless(utc.opens_in(minute) == 0, &|| {
                let (hour, rest) = (minute / 60, minute % 60);
                format!("it is {hour:02}:{rest:02} UTC, and only from {utc} may it be done")
            })
        }
        // Nobody reads that for it.
        (_, reading) => Err(format!("{reading:?} says nothing of it")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_config::Mib;

    fn says(condition: &str, reading: Reading) -> Result<(), String> {
        decide(&serde_json::from_str(condition).unwrap(), &reading)
    }

    #[test]
    fn a_limit_itself_is_good_enough_and_one_step_beyond_is_told_with_what_is_needed() {
        let battery = r#"{"battery":{"at_least_percent":30}}"#;
        says(battery, Reading::Percent(30)).unwrap();
        assert_eq!(
            says(battery, Reading::Percent(29)).unwrap_err(),
            "the battery has 29 %, 30 % are needed; charge it"
        );
        let temperature = r#"{"temperature":{"chip":"cpu","at_least_celsius":-10,"at_most_celsius":60}}"#;
        for good in [-10_000, 0, 60_000] {
            says(temperature, Reading::MilliCelsius(good)).unwrap();
        }
        assert!(
            says(temperature, Reading::MilliCelsius(-10_100))
                .unwrap_err()
                .contains("-10.1 C, -10.0 C at least")
        );
        assert!(
            says(temperature, Reading::MilliCelsius(60_500)).unwrap_err().contains("60.5 C, 60.0 C at most")
        );
        let space = r#"{"free-space":{"at_least_mib":8}}"#;
        says(space, Reading::Bytes(Mib(8).bytes())).unwrap();
        assert!(says(space, Reading::Bytes(Mib(8).bytes() - 1)).unwrap_err().contains("7 MiB left, 8 MiB"));
    }

    #[test]
    fn levels_files_and_supplies_say_yes_or_what_they_are() {
        says(r#"{"supply":{}}"#, Reading::Is(true)).unwrap();
        assert!(
            says(r#"{"supply":{"name":"ac"}}"#, Reading::Is(false)).unwrap_err().starts_with("ac is off")
        );
        let gpio = r#"{"gpio":{"chip":"gpiochip0","line":3,"high":false}}"#;
        says(gpio, Reading::Is(false)).unwrap();
        assert!(says(gpio, Reading::Is(true)).unwrap_err().contains("is high, it must be low"));
        let file = r#"{"file":{"path":"/sys/x","is":"idle"}}"#;
        says(file, Reading::Text("idle".into())).unwrap();
        assert!(says(file, Reading::Text("busy".into())).unwrap_err().contains("has `busy`"));
    }

    #[test]
    fn only_reasons_that_are_named_count() {
        let not_watchdog = r#"{"boot-reason":{"not":["watchdog"]}}"#;
        says(not_watchdog, Reading::Started(vec![])).unwrap();
        says(not_watchdog, Reading::Started(vec![BootReason::Panic])).unwrap();
        assert!(
            says(not_watchdog, Reading::Started(vec![BootReason::Watchdog]))
                .unwrap_err()
                .contains("watchdog")
        );
    }

    #[test]
    fn time_is_judged_by_the_clock() {
        let clock = r#"{"clock":{"not_before":"2026-11-27"}}"#;
        says(clock, Reading::Time(UnixTime(1_795_737_600))).unwrap();
        assert!(
            says(clock, Reading::Time(UnixTime(1_795_737_599))).unwrap_err().contains("before 2026-11-27")
        );
        let window = r#"{"window":{"utc":"22:00-04:30"}}"#;
        says(window, Reading::Time(UnixTime(23 * 3600))).unwrap();
        assert!(says(window, Reading::Time(UnixTime(12 * 3600))).unwrap_err().contains("12:00 UTC"));
    }

    #[test]
    fn a_reading_of_another_kind_is_no_yes() {
        assert!(says(r#"{"supply":{}}"#, Reading::Percent(100)).is_err());
    }
}
