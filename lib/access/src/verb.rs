//! What is asked for.

use crate::limits::MAX_WHAT;
use std::fmt;
use std::str::FromStr;

/// So many characters of it are shown.
const SHOWN: usize = 80;

macro_rules! verbs {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// What a person wants to do. A key may be limited to some of them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Verb {
            $($(#[$doc])* $name,)*
        }

        impl Verb {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Returns its name, as the configuration and a challenge have it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

verbs! {
    /// See the status, the history and the logs.
    View = "view",
    /// Take a file with all that, and more, away.
    Logs = "logs",
    /// Install a bundle, from wherever.
    Install = "install",
    /// Go back to the other set.
    RollBack = "roll-back",
    /// Give a set up.
    MarkBad = "mark-bad",
    /// Make `data` new.
    FactoryReset = "factory-reset",
    /// Wipe a partition.
    Wipe = "wipe",
    /// Set up the network for this boot, or test it.
    Network = "network",
    /// Check the disk or the memory.
    Check = "check",
    /// Restart the device, or switch it off.
    Power = "power",
}

impl Verb {
    /// Whether nothing is changed by it, so that it may be free.
    pub fn is_view(self) -> bool {
        matches!(self, Self::View | Self::Logs)
    }
}

impl fmt::Display for Verb {
    /// As the configuration has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Verb {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|verb| verb.name() == text).ok_or(UNKNOWN)
    }
}

/// What is said of a word that is no verb.
const UNKNOWN: &str = "there is no such verb; known are view, logs, install, roll-back, mark-bad, factory-reset, wipe, network, check, power";

/// What is asked for, and what about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What.
    pub verb: Verb,
    /// What about: a partition, a set, a bundle. What could be exchanged between the question and the act is named by its
    /// digest. Empty where there is nothing to name.
    pub what: String,
}

impl Request {
    /// A request.
    ///
    /// # Errors
    /// `what` is longer than [`MAX_WHAT`].
    pub fn new(verb: Verb, what: impl Into<String>) -> Result<Self, &'static str> {
        let what = what.into();
        if what.len() > MAX_WHAT {
            Err("what is asked for has too long a name")
        } else {
            Ok(Self { verb, what })
        }
    }
}

impl fmt::Display for Request {
    /// For a person: what is no printable ASCII is escaped, and a long text is cut.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.verb.fmt(f)?;
        let shown = self.what.chars().take(SHOWN).collect::<String>();
        let more = if shown.len() < self.what.len() { "..." } else { "" };
        if shown.is_empty() { Ok(()) } else { write!(f, " {}{more}", shown.escape_default()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_are_read_as_they_are_written() {
        for verb in Verb::ALL {
            assert_eq!(verb.to_string().parse::<Verb>().ok(), Some(*verb));
        }
        let all: Vec<_> = Verb::ALL.iter().map(|verb| verb.name()).collect();
        assert!(UNKNOWN.ends_with(&format!("known are {}", all.join(", "))));
        assert!("Install".parse::<Verb>().is_err() && "".parse::<Verb>().is_err());
    }

    #[test]
    fn what_a_request_is_about_is_shown_harmless() {
        let request = Request::new(Verb::Wipe, "a\u{1b}[2Jb").unwrap();
        assert_eq!(request.to_string(), "wipe a\\u{1b}[2Jb");
        let long = Request::new(Verb::Wipe, "é".repeat(MAX_WHAT / 2)).unwrap();
        assert_eq!(long.to_string().len(), "wipe ".len() + SHOWN * "\\u{e9}".len() + "...".len());
        assert!(Request::new(Verb::Wipe, "x".repeat(MAX_WHAT + 1)).is_err());
    }
}
