//! Enums whose values are words. What serde derives for each is ten times as large as what is here for all of them.

use serde::de::{Error, Visitor};
use std::fmt;

/// Reads one of these words, and returns which one.
pub(crate) struct OneOf(pub(crate) &'static [&'static str]);

impl Visitor<'_> for OneOf {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<usize, E> {
        let found = self.0.iter().position(|word| *word == text);
        found.ok_or_else(|| E::unknown_variant(text, self.0))
    }
}

/// Says which word of the configuration each value of an enum is.
macro_rules! words {
    ($type:ident: $first:ident = $word:literal $(, $variant:ident = $other:literal)*) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let index = deserializer.deserialize_str($crate::words::OneOf(&[$word $(, $other)*]))?;
                Ok([Self::$first $(, Self::$variant)*].get(index).copied().unwrap_or(Self::$first))
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.word())
            }
        }

        impl $type {
            /// Returns its word in configurations.
            pub(crate) const fn word(&self) -> &'static str {
                match self {
                    Self::$first => $word,
                    $(Self::$variant => $other,)*
                }
            }
        }
    };
}
pub(crate) use words;

#[cfg(test)]
mod tests {
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Size {
        Small,
        VeryLarge,
    }
    words!(Size: Small = "small", VeryLarge = "very-large");

    #[test]
    fn each_word_comes_back_and_another_one_is_told_with_those_that_there_are() {
        for size in [Size::Small, Size::VeryLarge] {
            let text = serde_json::to_string(&size).unwrap();
            assert_eq!(serde_json::from_str::<Size>(&text).unwrap(), size);
        }
        assert_eq!(serde_json::to_string(&Size::VeryLarge).unwrap(), "\"very-large\"");
        let said = serde_json::from_str::<Size>("\"huge\"").unwrap_err().to_string();
        assert!(said.starts_with("unknown variant `huge`, expected `small` or `very-large`"), "{said}");
        assert!(serde_json::from_str::<Size>("7").unwrap_err().to_string().contains("expected a word"));
    }
}
