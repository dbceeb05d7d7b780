//! The document: all that the signatures cover.

use crate::fields::{Fields, read};
use crate::limits::{MAX_NUMBER, MAX_RELEASES, PREFIX};
use crate::{Error, Release};
use drydock_state::UnixTime;
use serde::Serialize;

/// The top-level fields that this version understands, which a channel may therefore call critical.
const FIELDS: [&str; 8] =
    ["drydock", "channel", "sequence", "made", "expires", "halt", "releases", "critical"];

/// The name of the format, the first field of every channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Format {
    /// The only one there is.
    #[default]
    #[serde(rename = "channel/1")]
    V1,
}

/// What a channel says. One that comes from [`Document::parse`] keeps every rule of the format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Document {
    /// The format.
    pub drydock: Format,
    /// The channel's name.
    pub channel: String,
    /// The number of this document: a later one has a higher one.
    pub sequence: u64,
    /// When it was made: it can't be earlier than that.
    pub made: UnixTime,
    /// When it ends to mean anything.
    pub expires: UnixTime,
    /// Nobody starts anything.
    pub halt: bool,
    /// The releases, the most wanted one first.
    pub releases: Vec<Release>,
    /// What a reader must understand or else refuse the channel.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub critical: Vec<String>,
}

impl Document {
    /// Takes a document apart and checks every rule of the format. Only for bytes whose signatures hold, or that are shown to
    /// a person as not verified.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if !bytes.starts_with(PREFIX.as_bytes()) {
            return Err(Error::NotAChannel);
        }
        let value = read("channel", bytes)?;
        let fields = Fields::of("channel", &value)?;
        let critical = fields.texts("critical", 64, 64)?;
        if let Some(field) = critical.iter().find(|name| !FIELDS.contains(&name.as_str())) {
            return Err(Error::UnknownCritical { field: field.clone() });
        }
        if fields.get("drydock").and_then(|format| format.as_str()) != Some("channel/1") {
            return Err(Error::NotAChannel);
        }
        let document = Self {
            drydock: Format::V1,
            channel: fields.word("channel", 64, b"._-")?,
            sequence: fields.number("sequence", MAX_NUMBER)?,
            made: fields.time("made")?,
            expires: fields.time("expires")?,
            halt: fields.truth("halt")?,
            releases: fields
                .objects("releases", MAX_RELEASES)?
                .iter()
                .map(Release::read)
                .collect::<Result<_, _>>()?,
            critical,
        };
        if fields.get("releases").is_none() {
            return Err(fields.wrong("releases", "it is missing"));
        }
        if document.expires <= document.made {
            return Err(fields.wrong("expires", "it is not later than `made`"));
        }
        Ok(document)
    }

    /// Returns the bytes of the document: one line, with its newline.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{Condition, Test, Wave};
    use drydock_format::sha256;
    use proptest::prelude::*;

    /// Two releases: the new one for a tenth from 2000 on and for all from 3000 on, in Europe; the old one for all.
    pub(crate) fn sample() -> Document {
        let release = |version: &str| Release {
            version: version.into(),
            security_version: 1,
            manifest: sha256(version.as_bytes()),
            url: format!("acme-{version}.drydock"),
            compatible: "acme-pump".into(),
            conditions: Vec::new(),
            waves: Vec::new(),
        };
        let wave = |share, from| Wave { share, from: UnixTime(from) };
        let new = Release {
            conditions: vec![Condition { attribute: "region".into(), test: Test::Equals("eu".into()) }],
            waves: vec![wave(1000, 2000), wave(10_000, 3000)],
            ..release("2.0")
        };
        Document {
            drydock: Format::V1,
            channel: "stable".into(),
            sequence: 7,
            made: UnixTime(1000),
            expires: UnixTime(9000),
            halt: false,
            releases: vec![new, release("1.0")],
            critical: Vec::new(),
        }
    }

    fn changed(old: &str, new: &str) -> Result<Document, Error> {
        let text = String::from_utf8(sample().to_bytes()).unwrap();
        assert!(text.contains(old), "{old}");
        Document::parse(text.replacen(old, new, 1).as_bytes())
    }

    #[test]
    fn what_was_written_is_read() {
        assert_eq!(Document::parse(&sample().to_bytes()).unwrap(), sample());
    }

    #[test]
    fn what_a_later_version_adds_is_passed_by_unless_it_is_critical() {
        assert_eq!(changed(r#""halt":false"#, r#""halt":false,"later":[{"x":1}]"#).unwrap(), sample());
        assert_eq!(changed(r#""url""#, r#""later":1,"url""#).unwrap(), sample());
        let critical = changed(r#""halt":false"#, r#""halt":7,"critical":["region"]"#);
        assert!(matches!(critical, Err(Error::UnknownCritical { field }) if field == "region"));
        assert!(changed(r#""halt":false"#, r#""halt":false,"critical":["halt"]"#).is_ok());
    }

    #[test]
    fn what_breaks_a_rule_is_refused() {
        for (old, new) in [
            (r#""sequence":7"#, r#""sequence":-7"#),
            (r#""sequence":7"#, r#""sequence":9007199254740992"#),
            (r#""sequence":7"#, r#""sequence":"7""#),
            (r#""expires":9000"#, r#""expires":1000"#),
            (r#""halt":false"#, r#""halt":"no""#),
            (r#""releases""#, r#""x""#),
            (r#""channel":"stable""#, r#""channel":"""#),
            (r#""channel":"stable""#, r#""channel":"sta\nble""#),
        ] {
            assert!(matches!(changed(old, new), Err(Error::Field { .. })), "{new}");
        }
        for (old, new) in [
            (r#""halt":false"#, r#""halt":false,"h\u0061lt":true"#),
            (r#""equals":"eu""#, r#""equals":"eu","equals":"us""#),
            (r#""halt":false"#, r#""halt":false,}"#),
        ] {
            assert!(matches!(changed(old, new), Err(Error::NotJson { .. })), "{new}");
        }
        assert!(matches!(changed("channel/1", "channel/2"), Err(Error::NotAChannel)));
        assert!(matches!(changed(r#""channel/1""#, r#""channel/1"_"#), Err(Error::NotJson { .. })));
        let deep = format!(r#""later":{}{},"halt""#, "[".repeat(127), "]".repeat(127));
        assert!(matches!(changed(r#""halt""#, &deep), Err(Error::NotJson { .. })));
        let deep = format!(r#""later":{}{},"halt""#, "[".repeat(126), "]".repeat(126));
        assert!(changed(r#""halt""#, &deep).is_ok());
    }

    #[test]
    fn no_list_is_longer_than_its_limit() {
        let mut document = sample();
        document.releases = vec![document.releases[1].clone(); MAX_RELEASES];
        assert!(Document::parse(&document.to_bytes()).is_ok());
        document.releases.push(document.releases[0].clone());
        assert!(Document::parse(&document.to_bytes()).is_err());
        let mut document = sample();
        document.releases[0].waves = (1..=33).map(|share| Wave { share, from: UnixTime(0) }).collect();
        assert!(Document::parse(&document.to_bytes()).is_err());
        document.releases[0].waves.pop();
        assert!(Document::parse(&document.to_bytes()).is_ok());
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Document::parse(&bytes);
            let _ = Document::parse(&[PREFIX.as_bytes(), &bytes].concat());
        }

        /// Whatever is put in place of a part of it; and what is accepted is written as it was understood.
        #[test]
        fn no_change_breaks_the_reader(at in any::<prop::sample::Index>(), with in "[\\[\\]{}\",:0-9a-z]{0,8}") {
            let mut bytes = sample().to_bytes();
            let at = at.index(bytes.len());
            let end = (at + with.len()).min(bytes.len());
            bytes.splice(at..end, with.bytes());
            if let Ok(document) = Document::parse(&bytes) {
                prop_assert_eq!(Document::parse(&document.to_bytes()).unwrap(), document);
            }
        }
    }
}
