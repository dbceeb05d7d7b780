//! Conditions, waves and devices as they are typed.

use super::When;
use drydock_channel::{Condition, PLACES, Test, Wave};
use drydock_state::UnixTime;
use std::collections::BTreeMap;
use std::str::FromStr;

/// Reads a condition: `region=eu`, `region=eu,us` (one of them), `region!=eu,us` (none of them), `region` (it is there) or
/// `!region` (it is not).
///
/// # Errors
/// It has no name of an attribute, or no value.
pub fn condition(text: &str) -> Result<Condition, &'static str> {
    let list = |values: &str| -> Vec<String> { values.split(',').map(str::to_owned).collect() };
    let (name, test) = match (text.split_once("!="), text.split_once('=')) {
        (Some((name, values)), _) => (name, Test::NoneOf(list(values))),
        (None, Some((name, values))) if values.contains(',') => (name, Test::OneOf(list(values))),
        (None, Some((name, value))) => (name, Test::Equals(value.into())),
        (None, None) => match text.strip_prefix('!') {
            Some(name) => (name, Test::Exists(false)),
            None => (text, Test::Exists(true)),
        },
    };
    if name.is_empty() || name.contains('!') {
        return Err("it has no attribute's name: region=eu, region=eu,us, region!=eu, region or !region");
    }
    Ok(Condition { attribute: name.into(), test })
}

/// A wave as it is typed: `5%`, from now on, or `5%@2026-12-01T08:00`, or `100%@+3d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypedWave {
    share: u32,
    from: When,
}

impl TypedWave {
    /// Returns the wave, by what time it is now.
    pub fn at(self, now: UnixTime) -> Wave {
        Wave { share: self.share, from: self.from.at(now) }
    }
}

impl FromStr for TypedWave {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (share, from) = text.split_once('@').unwrap_or((text, "now"));
        let wrong = "it is no share like 5% or 0.25%, of 0.01% to 100%";
        let (whole, part) = {
            let percent = share.strip_suffix('%').ok_or(wrong)?;
            percent.split_once('.').unwrap_or((percent, ""))
        };
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > 3 || part.len() > 2 || !digits(whole) || !digits(part) {
            return Err(wrong.into());
        }
        let share: u32 = format!("{whole}{part:0<2}").parse().map_err(|_| wrong)?;
        if !(1..=PLACES).contains(&share) {
            return Err(wrong.into());
        }
        Ok(Self { share, from: from.parse()? })
    }
}

/// Reads what a device is: `id=pump-7,region=eu`.
///
/// # Errors
/// A part of it is no pair, or a name is there twice.
pub fn device(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut pairs = BTreeMap::new();
    for part in text.split(',') {
        let (name, value) = part.split_once('=').ok_or_else(|| format!("`{part}` is not NAME=VALUE"))?;
        if pairs.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(format!("`{name}` is there twice"));
        }
    }
    match pairs.contains_key("id") {
        true => Ok(pairs),
        false => Err("it has no id: id=pump-7,region=eu".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read_as_they_are_typed() {
        let list = || vec!["eu".to_owned(), "us".to_owned()];
        for (text, test) in [
            ("region=eu", Test::Equals("eu".into())),
            ("region=", Test::Equals(String::new())),
            ("region=eu,us", Test::OneOf(list())),
            ("region!=eu,us", Test::NoneOf(list())),
            ("region", Test::Exists(true)),
            ("!region", Test::Exists(false)),
        ] {
            assert_eq!(condition(text), Ok(Condition { attribute: "region".into(), test }), "{text}");
        }
        for wrong in ["", "!", "=eu", "!=eu", "!region=eu"] {
            assert!(condition(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn waves_are_read_as_they_are_typed() {
        let now = UnixTime(1000);
        for (text, share, from) in [
            ("5%", 500, 1000),
            ("0.25%@now", 25, 1000),
            ("0.5%@+1h", 50, 4600),
            ("100%@2026-11-23T05:19:59Z", 10_000, 1_795_411_199),
        ] {
            let wave = text.parse::<TypedWave>().unwrap().at(now);
            assert_eq!(wave, Wave { share, from: UnixTime(from) }, "{text}");
        }
        for wrong in ["", "5", "%", "0%", "101%", "5.123%", "-5%", "5%@", "5%@never", "5 %", "1000%"] {
            assert!(wrong.parse::<TypedWave>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_device_has_an_id() {
        assert_eq!(device("id=pump-7,region=eu").unwrap().len(), 2);
        for wrong in ["", "region=eu", "id", "id=a,id=b"] {
            assert!(device(wrong).is_err(), "{wrong}");
        }
    }
}
