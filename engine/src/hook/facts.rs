//! What a hook is told.

use drydock_format::hook::Place;
use drydock_state::{Intent, SetName};
use serde::Serialize;

/// The facts, as one JSON object on the hook's standard input.
#[derive(Clone, Debug, Serialize)]
pub struct Facts<'f> {
    /// The form of this object.
    pub drydock: &'static str,
    /// The hook's name.
    pub hook: &'f str,
    /// When it is called.
    pub place: Place,
    /// What is done.
    pub job: Job<'f>,
    /// The kind of device.
    pub compatible: &'f str,
    /// The version that is installed, or marked good; none where a job installs nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<&'f str>,
    /// The set that it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set: Option<SetName>,
    /// The version that is the last good one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub good_version: Option<&'f str>,
    /// The intent's number; none in the live system, and where nobody has asked for the job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<u64>,
    /// How often recovery was started for it, with this start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Job<'f> {
    /// An update.
    Update,
    /// The running set is marked good.
    MarkGood,
    /// A factory reset.
    FactoryReset,
    /// A wipe.
    Wipe {
        /// The partition's label.
        label: &'f str,
    },
}

/// The form of the facts.
pub const FORM: &str = "hook/1";

impl Facts<'_> {
    /// Adds what an intent says.
    #[must_use]
    pub fn of(self, intent: Option<&Intent>) -> Self {
        Self { intent: intent.map(|intent| intent.id), attempt: intent.map(|intent| intent.starts), ..self }
    }

    /// Returns them as one line.
    pub fn line(&self) -> String {
        // What is serialised has nothing that JSON does not have.
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_one_line_that_stays_as_it_is() {
        let facts = Facts {
            drydock: FORM,
            hook: "check",
            place: Place::BeforeWrite,
            job: Job::Wipe { label: "logs" },
            compatible: "demo",
            version: Some("2"),
            set: Some(SetName::B),
            good_version: None,
            intent: None,
            attempt: None,
        };
        assert_eq!(
            facts.line(),
            "{\"drydock\":\"hook/1\",\"hook\":\"check\",\"place\":\"before-write\",\"job\":{\"kind\":\"wipe\",\"label\":\"logs\"},\"compatible\":\"demo\",\"version\":\"2\",\"set\":\"b\"}\n"
        );
    }
}
