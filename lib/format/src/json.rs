//! A look at JSON before it means anything: is it JSON, and does any object name a key twice?
//!
//! `serde_json` keeps the last of two equal keys and other readers keep the first, so a manifest with
//! duplicates would mean different things to different tools.

use crate::Error;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeSet;
use std::fmt;

/// Checks that `bytes` are one JSON text in which no object, at any depth, names a key twice. Keys are
/// compared after unescaping.
pub fn check(bytes: &[u8]) -> Result<(), Error> {
    let mut duplicate = None;
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let walked = Walk { duplicate: &mut duplicate }.deserialize(&mut json).and_then(|()| json.end());
    match (walked, duplicate) {
        (Ok(()), _) => Ok(()),
        (Err(_), Some(key)) => Err(Error::DuplicateKey { key }),
        (Err(reason), None) => Err(Error::NotJson { reason: reason.to_string() }),
    }
}

struct Walk<'a> {
    duplicate: &'a mut Option<String>,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Walk { duplicate: self.duplicate })?.is_some() {}
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = BTreeSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if let Some(key) = seen.replace(key) {
                *self.duplicate = Some(key);
                return Err(A::Error::custom("duplicate key"));
            }
            map.next_value_seed(Walk { duplicate: self.duplicate })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicates_are_found_at_any_depth_and_in_any_spelling() {
        for (json, key) in [
            (r#"{"a":1,"a":1}"#, "a"),
            (r#"{"x":[{"y":{"b":null,"c":2,"b":[]}}]}"#, "b"),
            (r#"{"size":1,"s\u0069ze":2}"#, "size"),
            (r#"[1,{"":0,"":0}]"#, ""),
        ] {
            let found = check(json.as_bytes());
            assert!(matches!(&found, Err(Error::DuplicateKey { key: k }) if k == key), "{json}: {found:?}");
        }
    }

    #[test]
    fn equal_keys_of_different_objects_are_fine() {
        assert!(check(br#"{"a":{"a":[{"a":1},{"a":1.5}]},"b":{"a":true}}"#).is_ok());
    }

    #[test]
    fn what_is_not_one_json_text_is_refused() {
        let deep = "[".repeat(100_000);
        for text in ["", "{", "{}{}", "{\"a\":01}", "{a:1}", "\"\u{1}\"", "nul", &deep] {
            assert!(matches!(check(text.as_bytes()), Err(Error::NotJson { .. })), "{:.20}", text);
        }
        assert!(matches!(check(b"{\"\xff\":1}"), Err(Error::NotJson { .. })));
    }
}
