use crate::Error;
use crate::query::is_exact;
use std::fmt;

/// The longest name and version that hawkBit takes, in characters.
const MAX: usize = 128;

/// A name that can be asked for exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// Takes a name of 1 to 128 printable ASCII characters without quotes, backslash and asterisk.
    pub fn new(what: &str, text: &str) -> Result<Self, Error> {
        if text.len() <= MAX && is_exact(text) && text.trim() == text {
            return Ok(Self(text.into()));
        }
        let problem = "not 1 to 128 printable ASCII characters without quotes, backslash and asterisk".into();
        Err(Error::Input { what: format!("{what} {text:?}"), problem })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
