//! Conditions on what a device says of itself: data, not a language.

use crate::Error;
use crate::fields::Fields;
use crate::limits::{MAX_TEXT, MAX_VALUES};
use serde::Serialize;

/// A condition on one attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// The attribute; `id` is the device's id.
    pub attribute: String,
    /// What must hold of it.
    #[serde(flatten)]
    pub test: Test,
}

/// What must hold of an attribute. An attribute that a device does not have is equal to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Test {
    /// It is this.
    Equals(String),
    /// It is one of these.
    OneOf(Vec<String>),
    /// It is none of these, or is not there.
    NoneOf(Vec<String>),
    /// It is there, or is not.
    Exists(bool),
}

impl Condition {
    /// A condition of a form that is not known is refused, and with it the document: to pass it over would be to guess.
    pub(crate) fn read(fields: &Fields) -> Result<Self, Error> {
        let attribute = fields.text("attribute", MAX_TEXT)?;
        let values = |name| {
            let values = fields.texts(name, MAX_VALUES, MAX_TEXT)?;
            match values.is_empty() {
                true => Err(fields.wrong(name, "it has no values")),
                false => Ok(values),
            }
        };
        let names = ["equals", "one_of", "none_of", "exists"];
        let mut there = names.into_iter().filter(|name| fields.get(name).is_some());
        let test = match (there.next(), there.next()) {
            (Some("equals"), None) => Test::Equals(fields.text("equals", MAX_TEXT)?),
            (Some("one_of"), None) => Test::OneOf(values("one_of")?),
            (Some("none_of"), None) => Test::NoneOf(values("none_of")?),
            (Some(_), None) => Test::Exists(fields.truth("exists")?),
            _ => {
                let problem = format!("it has not exactly one of {}", names.join(", "));
                return Err(fields.wrong("attribute", problem));
            }
        };
        Ok(Self { attribute, test })
    }

    /// Whether it holds for what the attribute is.
    pub(crate) fn holds(&self, value: Option<&str>) -> bool {
        let among = |values: &[String]| value.is_some_and(|value| values.iter().any(|one| one == value));
        match &self.test {
            Test::Equals(wanted) => value == Some(wanted),
            Test::OneOf(values) => among(values),
            Test::NoneOf(values) => !among(values),
            Test::Exists(wanted) => value.is_some() == *wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_that_is_not_there_is_equal_to_nothing() {
        let of = |test| Condition { attribute: "region".into(), test };
        let list = || vec!["eu".to_owned(), "us".to_owned()];
        for (test, eu, asia, none) in [
            (Test::Equals("eu".into()), true, false, false),
            (Test::OneOf(list()), true, false, false),
            (Test::NoneOf(list()), false, true, true),
            (Test::Exists(true), true, true, false),
            (Test::Exists(false), false, false, true),
        ] {
            let condition = of(test);
            let found = [Some("eu"), Some("asia"), None].map(|value| condition.holds(value));
            assert_eq!(found, [eu, asia, none], "{condition:?}");
        }
    }
}
