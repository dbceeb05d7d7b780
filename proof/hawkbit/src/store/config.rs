//! The tenant's settings.

use serde_json::{Value, json};
use std::collections::BTreeMap;

type Make = fn() -> Value;

/// A new server's settings: nothing may log in as a device.
const DEFAULTS: &[(&str, Make)] = &[
    ("authentication.targettoken.enabled", || json!(false)),
    ("authentication.gatewaytoken.enabled", || json!(false)),
    ("authentication.gatewaytoken.key", || json!("")),
    ("authentication.header.enabled", || json!(false)),
    ("authentication.header.authority", || json!("")),
    ("pollingTime", || json!("00:05:00")),
    ("pollingOverdueTime", || json!("00:05:00")),
    ("maintenanceWindowPollCount", || json!(3)),
    ("repository.actions.autoclose.enabled", || json!(false)),
    ("user.confirmation.flow.enabled", || json!(false)),
    ("rollout.approval.enabled", || json!(false)),
    ("multi.assignments.enabled", || json!(false)),
];

/// Settings by their keys.
#[derive(Debug, Default)]
pub(crate) struct Configs {
    changed: BTreeMap<String, Value>,
}

impl Configs {
    /// A setting's value, and whether nobody has changed it. `None` for a key that is none.
    pub(crate) fn get(&self, key: &str) -> Option<(Value, bool)> {
        let (_, default) = DEFAULTS.iter().find(|(known, _)| *known == key)?;
        Some(match self.changed.get(key) {
            Some(value) => (value.clone(), false),
            None => (default(), true),
        })
    }

    /// All keys.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'static str> {
        DEFAULTS.iter().map(|(key, _)| *key)
    }

    /// Changes a setting. Whether there is such a key, and the value is of its type.
    pub(crate) fn set(&mut self, key: &str, value: Value) -> bool {
        let Some((_, default)) = DEFAULTS.iter().find(|(known, _)| *known == key) else { return false };
        let same = std::mem::discriminant(&default()) == std::mem::discriminant(&value);
        let fits = same && (!key.starts_with("polling") || value.as_str().is_some_and(is_polling_time));
        if fits {
            self.changed.insert(key.to_owned(), value);
        }
        fits
    }

    /// Takes a change back.
    pub(crate) fn reset(&mut self, key: &str) {
        self.changed.remove(key);
    }

    /// Whether something is switched on.
    pub(crate) fn on(&self, key: &str) -> bool {
        self.get(key).is_some_and(|(value, _)| value == json!(true))
    }

    /// A setting that is text.
    pub(crate) fn text(&self, key: &str) -> String {
        self.get(key).and_then(|(value, _)| value.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// From 30 seconds to a day less one second, as `HH:MM:SS`.
fn is_polling_time(text: &str) -> bool {
    let parts: Option<Vec<u32>> = text.split(':').map(|part| part.parse().ok()).collect();
    matches!(parts.as_deref(), Some([hours, minutes, seconds])
        if *hours < 24 && *minutes < 60 && *seconds < 60 && hours * 3600 + minutes * 60 + seconds >= 30)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_must_be_of_its_keys_type() {
        let mut configs = Configs::default();
        assert!(!configs.on("authentication.targettoken.enabled"));
        assert!(configs.set("authentication.targettoken.enabled", json!(true)));
        assert!(configs.on("authentication.targettoken.enabled"));
        assert!(!configs.set("authentication.targettoken.enabled", json!("true")));
        assert!(!configs.set("other", json!(true)));
        configs.reset("authentication.targettoken.enabled");
        assert_eq!(configs.get("authentication.targettoken.enabled"), Some((json!(false), true)));
    }

    #[test]
    fn devices_are_asked_to_poll_no_oftener_than_every_half_minute() {
        let mut configs = Configs::default();
        for (time, fits) in
            [("00:00:30", true), ("23:59:59", true), ("00:00:29", false), ("24:00:00", false), ("30", false)]
        {
            assert_eq!(configs.set("pollingTime", json!(time)), fits, "{time}");
        }
    }
}
