//! Fields of JSON objects, read with limits and with words for what is wrong.

use crate::Error;
use crate::limits::MAX_NUMBER;
use drydock_format::{Digest, Error as Json, json};
use drydock_state::UnixTime;
use serde_json::{Map, Value};

/// An object, and where in which text it stands.
#[derive(Clone)]
pub(crate) struct Fields<'v> {
    of: &'static str,
    at: String,
    map: &'v Map<String, Value>,
}

/// Reads a text of JSON in which no object names a key twice. `serde_json` goes no deeper than 127 levels.
pub(crate) fn read(of: &'static str, bytes: &[u8]) -> Result<Value, Error> {
    json::check(bytes).map_err(|why| Error::NotJson {
        of,
        reason: match why {
            Json::DuplicateKey { key } => format!("an object names the key {key:?} twice"),
            Json::NotJson { reason } => reason,
            other => other.to_string(),
        },
    })?;
    serde_json::from_slice(bytes).map_err(|error| Error::NotJson { of, reason: error.to_string() })
}

impl<'v> Fields<'v> {
    /// The object that is a whole text.
    pub(crate) fn of(of: &'static str, value: &'v Value) -> Result<Self, Error> {
        Self::at(of, String::new(), value)
    }

    fn at(of: &'static str, at: String, value: &'v Value) -> Result<Self, Error> {
        match value.as_object() {
            Some(map) => Ok(Self { of, at, map }),
            None => Err(Error::Field { of, field: at, problem: "it is no object".into() }),
        }
    }

    /// The error for a field of it.
    pub(crate) fn wrong(&self, field: &str, problem: impl Into<String>) -> Error {
        let dot = if self.at.is_empty() { "" } else { "." };
        Error::Field { of: self.of, field: format!("{}{dot}{field}", self.at), problem: problem.into() }
    }

    /// The field, if it is there.
    pub(crate) fn get(&self, field: &str) -> Option<&'v Value> {
        self.map.get(field)
    }

    fn need(&self, field: &str) -> Result<&'v Value, Error> {
        self.get(field).ok_or_else(|| self.wrong(field, "it is missing"))
    }

    /// A number from 0 to `most`.
    pub(crate) fn number(&self, field: &str, most: u64) -> Result<u64, Error> {
        let number = self.need(field)?.as_u64().filter(|number| *number <= most);
        number.ok_or_else(|| self.wrong(field, format!("it is no number from 0 to {most}")))
    }

    /// Seconds since 1970.
    pub(crate) fn time(&self, field: &str) -> Result<UnixTime, Error> {
        self.number(field, MAX_NUMBER).map(UnixTime)
    }

    /// A truth value, false where it is not there.
    pub(crate) fn truth(&self, field: &str) -> Result<bool, Error> {
        match self.get(field) {
            None => Ok(false),
            Some(value) => value.as_bool().ok_or_else(|| self.wrong(field, "it is neither true nor false")),
        }
    }

    /// A text of up to `most` bytes without control characters.
    pub(crate) fn text(&self, field: &str, most: usize) -> Result<String, Error> {
        self.plain(field, self.need(field)?, most)
    }

    fn plain(&self, field: &str, value: &Value, most: usize) -> Result<String, Error> {
        let good = |text: &&str| text.len() <= most && !text.chars().any(char::is_control);
        let text = value.as_str().filter(good).map(str::to_owned);
        text.ok_or_else(|| {
            self.wrong(field, format!("it is no text of up to {most} bytes without control characters"))
        })
    }

    /// A text of 1 to `most` bytes: letters, digits and those in `also`.
    pub(crate) fn word(&self, field: &str, most: usize, also: &[u8]) -> Result<String, Error> {
        let text = self.text(field, most)?;
        match is_word(&text, most, also) {
            true => Ok(text),
            false => {
                let also = String::from_utf8_lossy(also);
                Err(self.wrong(field, format!("it is not 1 to {most} letters, digits and `{also}`")))
            }
        }
    }

    /// A digest.
    pub(crate) fn digest(&self, field: &str) -> Result<Digest, Error> {
        let digest = self.need(field)?.as_str().and_then(|text| text.parse().ok());
        digest.ok_or_else(|| self.wrong(field, "it is not 64 lower-case hex digits"))
    }

    /// A list of up to `most` values; an empty one where it is not there.
    pub(crate) fn list(&self, field: &str, most: usize) -> Result<&'v [Value], Error> {
        let Some(value) = self.get(field) else { return Ok(&[]) };
        let list = value.as_array().filter(|list| list.len() <= most).map(Vec::as_slice);
        list.ok_or_else(|| self.wrong(field, format!("it is no list of up to {most}")))
    }

    /// A list of up to `most` texts.
    pub(crate) fn texts(&self, field: &str, most: usize, length: usize) -> Result<Vec<String>, Error> {
        self.list(field, most)?.iter().map(|text| self.plain(field, text, length)).collect()
    }

    /// The objects of a list of up to `most`.
    pub(crate) fn objects(&self, field: &str, most: usize) -> Result<Vec<Self>, Error> {
        let dot = if self.at.is_empty() { "" } else { "." };
        let object = |(number, value)| Self::at(self.of, format!("{}{dot}{field}[{number}]", self.at), value);
        self.list(field, most)?.iter().enumerate().map(object).collect()
    }
}

/// Whether it is 1 to `most` letters, digits and those in `also`.
fn is_word(text: &str, most: usize, also: &[u8]) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || also.contains(&byte);
    (1..=most).contains(&text.len()) && text.bytes().all(good)
}
