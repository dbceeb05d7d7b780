//! What a device reports: one small JSON object, sent to an address once for each thing that has happened.

use crate::Error;
use crate::fields::{Fields, read};
use crate::limits::{MAX_ATTRIBUTES, MAX_ID, MAX_NUMBER, MAX_REASON, MAX_REPORT, MAX_TEXT};
use drydock_format::Digest;
use drydock_state::UnixTime;
use serde::Serialize;
use serde::ser::Serializer;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

const OF: &str = "report";

/// What has become of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was installed, and said that it is well.
    Good,
    /// It was installed, and was not well: the old one runs again.
    RolledBack,
    /// It could not be installed.
    Failed,
    /// The device did not take it.
    Refused,
    /// A word of a later version: 1 to 32 of `a-z -`.
    Other(String),
}

impl Outcome {
    /// The outcome of that name. `None`: it can't be one.
    pub fn named(word: &str) -> Option<Self> {
        Some(match word {
            "good" => Self::Good,
            "rolled-back" => Self::RolledBack,
            "failed" => Self::Failed,
            "refused" => Self::Refused,
            word => {
                let good = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
                let fits = (1..=32).contains(&word.len()) && word.bytes().all(good);
                return fits.then(|| Self::Other(word.into()));
            }
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Good => "good",
            Self::RolledBack => "rolled-back",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Other(word) => word,
        })
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What names it among those of its device, whenever it is sent again: 1 to 128 of `A-Z a-z 0-9 . _ : -`.
    pub id: String,
    /// The device's id.
    pub device: String,
    /// The channel that it follows.
    pub channel: String,
    /// The number of the document by which the release was meant.
    pub sequence: u64,
    /// The release's version.
    pub version: String,
    /// The digest of its manifest.
    pub manifest: Digest,
    /// What has become of it.
    pub outcome: Outcome,
    /// Why, for people.
    pub reason: String,
    /// When, by the device's clock.
    pub time: UnixTime,
    /// What the device says of itself.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
}

impl Report {
    /// Returns the body of the request, which [`Report::parse`] takes: what is too long is cut, control characters become
    /// `?`, and what are too many attributes left out.
    pub fn to_json(&self) -> String {
        let mut report = self.clone();
        report.device = fit(&self.device, MAX_ID);
        report.reason = fit(&self.reason, MAX_REASON);
        let pairs = self.attributes.iter().take(MAX_ATTRIBUTES);
        report.attributes = pairs.map(|(name, value)| (fit(name, MAX_TEXT), fit(value, MAX_TEXT))).collect();
        serde_json::to_string(&report).unwrap_or_default()
    }

    /// Reads a report, with limits. Fields that are not known are passed by.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_REPORT {
            let reason = format!("it has more than {MAX_REPORT} bytes");
            return Err(Error::NotJson { of: OF, reason });
        }
        let value = read(OF, bytes)?;
        let fields = Fields::of(OF, &value)?;
        let outcome = Outcome::named(&fields.text("outcome", 32)?);
        let device = fields.text("device", MAX_ID)?;
        if device.is_empty() {
            return Err(fields.wrong("device", "it is empty"));
        }
        Ok(Self {
            id: fields.word("id", MAX_ID, b"._:-")?,
            device,
            channel: fields.word("channel", 64, b"._-")?,
            sequence: fields.number("sequence", MAX_NUMBER)?,
            version: fields.word("version", 64, b".+~_-")?,
            manifest: fields.digest("manifest")?,
            outcome: outcome.ok_or_else(|| fields.wrong("outcome", "it is no word of `a-z -`"))?,
            reason: fields.text("reason", MAX_REASON)?,
            time: fields.time("time")?,
            attributes: attributes(&fields)?,
        })
    }
}

fn attributes(fields: &Fields) -> Result<BTreeMap<String, String>, Error> {
    let wrong = || {
        let problem = format!("it is no object of up to {MAX_ATTRIBUTES} short texts");
        fields.wrong("attributes", problem)
    };
    let Some(value) = fields.get("attributes") else { return Ok(BTreeMap::new()) };
    let map = value.as_object().filter(|map| map.len() <= MAX_ATTRIBUTES).ok_or_else(wrong)?;
    let plain = |text: &str| text.len() <= MAX_TEXT && !text.chars().any(char::is_control);
    let pair = |(name, value): (&String, &Value)| {
        let value = value.as_str().filter(|value| plain(value) && plain(name))?;
        Some((name.clone(), value.to_owned()))
    };
    map.iter().map(|entry| pair(entry).ok_or_else(wrong)).collect()
}

fn fit(text: &str, most: usize) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or_default()).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn report(device: &str, reason: &str, attributes: BTreeMap<String, String>) -> Report {
        Report {
            id: "1f:good".into(),
            device: device.into(),
            channel: "stable".into(),
            sequence: 7,
            version: "2.0.1".into(),
            manifest: Digest([7; 32]),
            outcome: Outcome::RolledBack,
            reason: reason.into(),
            time: UnixTime(1_795_411_199),
            attributes,
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let attributes = BTreeMap::from([("region".to_owned(), "eu".to_owned())]);
        let report = report("pump-7", "health check failed: ü", attributes);
        assert_eq!(Report::parse(report.to_json().as_bytes()).unwrap(), report);
    }

    #[test]
    fn what_a_later_version_says_is_read_as_far_as_it_can_be() {
        let text = report("pump-7", "", BTreeMap::new()).to_json();
        let later = text.replace("rolled-back", "kept-for-later").replace(r#""id""#, r#""more":[1],"id""#);
        let outcome = Outcome::Other("kept-for-later".into());
        assert_eq!(Report::parse(later.as_bytes()).unwrap().outcome, outcome);
        for word in ["good", "rolled-back", "failed", "refused", "kept-for-later"] {
            assert_eq!(Outcome::named(word).unwrap().to_string(), word);
        }
    }

    #[test]
    fn what_is_no_report_is_refused() {
        let text = report("pump-7", "why", BTreeMap::from([("a".to_owned(), "b".to_owned())])).to_json();
        for (old, new) in [
            (r#""pump-7""#, r#""""#),
            (r#""pump-7""#, "7"),
            (r#""why""#, r#""w\u0007hy""#),
            ("1f:good", "1f good"),
            ("rolled-back", "Rolled back"),
            (r#""sequence":7"#, r#""sequence":7.5"#),
            (r#"{"a":"b"}"#, r#"{"a":1}"#),
            (r#"{"a":"b"}"#, "[]"),
            ("0707", "07x7"),
        ] {
            assert!(text.contains(old), "{old}");
            assert!(Report::parse(text.replacen(old, new, 1).as_bytes()).is_err(), "{new}");
        }
        assert!(Report::parse(&vec![b' '; MAX_REPORT + 1]).is_err());
    }

    proptest! {
        /// Whatever a device is called and says.
        #[test]
        fn every_report_that_is_written_can_be_read(
            device in "\\PC{1,200}", reason in "(?s).{0,900}",
            attributes in proptest::collection::btree_map("(?s).{0,200}", "(?s).{0,200}", 0..40),
        ) {
            let json = report(&device, &reason, attributes).to_json();
            prop_assert!(Report::parse(json.as_bytes()).is_ok(), "{json}");
        }

        #[test]
        fn no_bytes_break_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Report::parse(&bytes);
        }
    }
}
