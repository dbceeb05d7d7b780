//! What somebody wants to be done.

use crate::limits::MAX_VERSION;
use crate::refusal::Refusal;
use core::fmt;

/// A release, as the page names the one that it is about to bring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Its version, as its manifest says: 1 to 64 printable characters of ASCII without spaces.
    pub version: String,
    /// The SHA-256 of its manifest, 64 hex digits.
    pub manifest: String,
}

/// What somebody wants to be done. As text it is a line: a word, and what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To see what there is, where that is not free.
    View,
    /// To bring this release, and have it installed.
    Install(Release),
    /// To start the other set.
    RollBack,
    /// To have all data made new.
    FactoryReset,
    /// To start the device anew.
    Restart,
    /// To switch it off.
    PowerOff,
}

impl Wish {
    /// Reads a line.
    ///
    /// # Errors
    /// It is none of the known ones, or what belongs to it is missing or too long.
    pub fn parse(line: &str) -> Result<Self, Refusal> {
        let mut words = line.split(' ');
        let wish = match words.next().unwrap_or_default() {
            "view" => Self::View,
            "install" => {
                let version = words.next().unwrap_or_default();
                let manifest = words.next().unwrap_or_default();
                let good = (1..=MAX_VERSION).contains(&version.len())
                    && version.bytes().all(|byte| byte.is_ascii_graphic())
                    && manifest.len() == 64
                    && manifest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
                if !good {
                    return Err(Refusal::Nonsense);
                }
                Self::Install(Release { version: version.into(), manifest: manifest.into() })
            }
            "roll-back" => Self::RollBack,
            "factory-reset" => Self::FactoryReset,
            "restart" => Self::Restart,
            "power-off" => Self::PowerOff,
            _ => return Err(Refusal::Nonsense),
        };
        words.next().map_or(Ok(wish), |_| Err(Refusal::Nonsense))
    }

    /// Returns the verb that a key must have for it.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Install(_) => "install",
            Self::RollBack => "roll-back",
            Self::FactoryReset => "factory-reset",
            Self::Restart | Self::PowerOff => "power",
        }
    }

    /// Returns what the verb is about, as whoever answers sees it in the challenge.
    pub fn what(&self) -> String {
        match self {
            // Sixteen digits are enough to tell releases that are signed from each other.
            Self::Install(Release { version, manifest }) => {
                format!("{version} {}", manifest.get(..16).unwrap_or(manifest))
            }
            Self::View | Self::RollBack | Self::FactoryReset => String::new(),
            Self::Restart => "restart".into(),
            Self::PowerOff => "off".into(),
        }
    }
}

impl fmt::Display for Wish {
    /// For a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::View => f.write_str("see the status"),
            Self::Install(release) => write!(f, "install {}", release.version),
            Self::RollBack => f.write_str("roll back"),
            Self::FactoryReset => f.write_str("factory reset"),
            Self::Restart => f.write_str("restart"),
            Self::PowerOff => f.write_str("power off"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_a_word_and_what_belongs_to_it() {
        let manifest = "0f".repeat(32);
        let install = Wish::parse(&format!("install 1.2.3 {manifest}")).unwrap();
        assert_eq!((install.verb(), install.what().as_str()), ("install", "1.2.3 0f0f0f0f0f0f0f0f"));
        assert_eq!(Wish::parse("roll-back").unwrap(), Wish::RollBack);
        assert_eq!(Wish::parse("power-off").unwrap().what(), "off");
        let long = "9".repeat(65);
        for wrong in [
            "",
            "install",
            "install 1",
            "install 1 0f",
            &format!("install {long} {manifest}"),
            &format!("install 1\u{1b}[2J {manifest}"),
            &format!("install 1 {}", manifest.to_uppercase()),
            &format!("install 1 {manifest} more"),
            "roll-back now",
            "Roll-Back",
            "view\n",
            " view",
        ] {
            assert_eq!(Wish::parse(wrong), Err(Refusal::Nonsense), "{wrong:?}");
        }
    }
}
