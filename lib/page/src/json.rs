//! As much of JSON (RFC 8259) as the page is told.

/// A JSON object that is being written.
#[derive(Debug, Default)]
pub(crate) struct Object(String);

impl Object {
    /// Adds a member whose value is JSON already.
    pub(crate) fn raw(mut self, name: &str, value: &str) -> Self {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        string(&mut self.0, name);
        self.0.push(':');
        self.0.push_str(value);
        self
    }

    /// Adds a text.
    pub(crate) fn text(self, name: &str, text: &str) -> Self {
        let mut value = String::new();
        string(&mut value, text);
        self.raw(name, &value)
    }

    /// Adds a text, or `null`.
    pub(crate) fn maybe(self, name: &str, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.text(name, text),
            None => self.raw(name, "null"),
        }
    }

    /// Adds a list of texts.
    pub(crate) fn texts(self, name: &str, texts: &mut dyn Iterator<Item = &str>) -> Self {
        let mut list = String::from("[");
        for text in texts {
            if list.len() > 1 {
                list.push(',');
            }
            string(&mut list, text);
        }
        list.push(']');
        self.raw(name, &list)
    }

    /// Adds a number.
    pub(crate) fn number(self, name: &str, number: u64) -> Self {
        self.raw(name, &number.to_string())
    }

    /// Adds whether something is so.
    pub(crate) fn truth(self, name: &str, is_so: bool) -> Self {
        self.raw(name, if is_so { "true" } else { "false" })
    }

    /// Returns all of it. It has one member at least.
    pub(crate) fn end(self) -> String {
        self.0 + "}"
    }
}

/// Adds a text in quotes. What must not be in one as it is, is escaped.
fn string(to: &mut String, text: &str) {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    to.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => to.extend(['\\', c]),
            '\0'..='\x1f' => {
                let [high, low] = [c as usize >> 4, c as usize & 15].map(|digit| DIGITS.get(digit).copied());
                to.push_str("\\u00");
                to.extend([high, low].into_iter().flatten());
            }
            c => to.push(c),
        }
    }
    to.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn an_object_is_what_others_read_it_as() {
        let texts = ["a", "b\"c"];
        let object = Object::default()
            .text("text", "x\\y")
            .maybe("some", Some("\u{1b}[2J"))
            .maybe("none", None)
            .texts("texts", &mut texts.into_iter())
            .texts("empty", &mut std::iter::empty())
            .number("number", u64::MAX)
            .truth("truth", true);
        let read: Value = serde_json::from_str(&object.end()).unwrap();
        let expected = serde_json::json!({
            "text": "x\\y", "some": "\u{1b}[2J", "none": null, "texts": ["a", "b\"c"], "empty": [],
            "number": u64::MAX, "truth": true,
        });
        assert_eq!(read, expected);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_text_is_read_as_it_was(name in any::<String>(), text in any::<String>()) {
            let read: Value = serde_json::from_str(&Object::default().text(&name, &text).end()).unwrap();
            prop_assert_eq!(read[&name].as_str(), Some(text.as_str()));
        }
    }
}
