//! How a release is to be installed: what assignments and rollouts have in common.

use crate::Error;
use serde_json::{Map, Value, json};

/// How much a device has to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Force {
    /// It installs.
    #[default]
    Forced,
    /// It may put it off.
    Soft,
    /// It fetches, and does not install.
    DownloadOnly,
    /// It may put it off until this moment, in milliseconds since 1970.
    TimeForced(i64),
}

/// When a device may install.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    schedule: String,
    duration: String,
    zone: String,
}

impl Window {
    /// Reads `SCHEDULE,DURATION,ZONE`: a Quartz cron expression, which may have commas itself, `HH:MM:SS`, and `+HH:MM`. The server
    /// checks what they say.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut parts = text.rsplitn(3, ',').map(str::trim);
        let mut next = || parts.next().filter(|part| !part.is_empty()).map(str::to_owned);
        match (next(), next(), next()) {
            (Some(zone), Some(duration), Some(schedule)) => Ok(Self { schedule, duration, zone }),
            _ => Err(Error::Input {
                what: format!("the window {text:?}"),
                problem: "not SCHEDULE,DURATION,ZONE, as \"0 0 2 ? * SUN,02:00:00,+01:00\"".into(),
            }),
        }
    }
}

/// An order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// How much the device has to say.
    pub force: Force,
    /// When it may install; whenever it likes where nothing is said. Rollouts have none.
    pub window: Option<Window>,
    /// Whether someone at the device must confirm; as the server is set up where nothing is said.
    pub confirm: Option<bool>,
}

impl Order {
    /// Writes the order into the body of a request.
    pub(crate) fn write(&self, body: &mut Map<String, Value>) {
        let word = match self.force {
            Force::Forced => "forced",
            Force::Soft => "soft",
            Force::DownloadOnly => "downloadonly",
            Force::TimeForced(_) => "timeforced",
        };
        body.insert("type".into(), word.into());
        if let Force::TimeForced(at) = self.force {
            body.insert("forcetime".into(), at.into());
        }
        if let Some(Window { schedule, duration, zone }) = &self.window {
            let window = json!({"schedule": schedule, "duration": duration, "timezone": zone});
            body.insert("maintenanceWindow".into(), window);
        }
        if let Some(confirm) = self.confirm {
            body.insert("confirmationRequired".into(), confirm.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_may_have_commas() {
        let window = Window::parse("0 0 2,3 ? * SUN,MON, 01:00:00,+01:00").unwrap();
        let mut body = Map::new();
        Order { window: Some(window), confirm: Some(false), force: Force::TimeForced(5) }.write(&mut body);
        let expected = json!({
            "type": "timeforced", "forcetime": 5, "confirmationRequired": false,
            "maintenanceWindow": {"schedule": "0 0 2,3 ? * SUN,MON", "duration": "01:00:00", "timezone": "+01:00"},
        });
        assert_eq!(Value::Object(body), expected);
        for bad in ["", "0 0 2 ? * *", "0 0 2 ? * *,01:00:00", "0 0 2 ? * *,,+01:00"] {
            assert!(Window::parse(bad).unwrap_err().to_string().contains("SCHEDULE"), "{bad}");
        }
    }
}
