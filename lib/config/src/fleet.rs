//! The fleet: whom the agent asks for orders, who this device is there, and when it may restart.

use crate::units::Seconds;
use core::fmt;
use core::str::FromStr;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// What `drydock agent` follows: an Eclipse hawkBit server, or a channel.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fleet {
    /// The address of an Eclipse hawkBit server.
    pub server: Option<String>,
    /// The tenant there. Default: `DEFAULT`.
    pub tenant: String,
    /// The address of a channel, in place of a server.
    pub channel: Option<String>,
    /// Where results go of a device that follows a channel.
    pub report_to: Option<String>,
    /// File on the data volume with the device's name; its machine id is taken where none is configured.
    pub id_file: Option<String>,
    /// File on the data volume with the device's own token.
    pub token_file: Option<String>,
    /// File on the data volume with the token that all devices of a gateway have.
    pub gateway_token_file: Option<String>,
    /// Hosts, besides the server itself, that bundles may lie on.
    pub artifact_hosts: Vec<String>,
    /// How long to wait between two polls where the server does not say. Default: 300.
    pub poll_seconds: Seconds,
    /// When the device restarts for an update.
    pub reboot: Reboot,
    /// When it may, each day.
    pub window: Option<Window>,
    /// A program and its arguments that must end well before the device restarts.
    pub gate: Vec<String>,
    /// The program and its arguments that restart the device. Default: `systemctl reboot`.
    pub reboot_command: Vec<String>,
    /// Whether somebody at the device is asked where the server wants a confirmation.
    pub confirm: Confirm,
    /// What the server is told of this device besides what drydock knows.
    pub attributes: BTreeMap<String, String>,
}

impl Default for Fleet {
    fn default() -> Self {
        Self {
            server: None,
            tenant: "DEFAULT".into(),
            channel: None,
            report_to: None,
            id_file: None,
            token_file: None,
            gateway_token_file: None,
            artifact_hosts: vec![],
            poll_seconds: Seconds(300),
            reboot: Reboot::AtOnce,
            window: None,
            gate: vec![],
            reboot_command: vec!["systemctl".into(), "reboot".into()],
            confirm: Confirm::Ask,
            attributes: BTreeMap::new(),
        }
    }
}

/// When a device restarts for an update that waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reboot {
    /// As soon as the gate lets it.
    #[default]
    AtOnce,
    /// In the window only.
    InWindow,
    /// When somebody says `drydock confirm`, or restarts the device; at once where the order is forced.
    Ask,
}

/// Who answers where the server wants a confirmation before an update is installed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confirm {
    /// Somebody at the device, by `drydock confirm` or `drydock deny`.
    #[default]
    Ask,
    /// The device does, and always says yes.
    Always,
}

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
