//! Holds a program's JSON against the schemas of `docs/schema/`, more strictly than they are for others.
//!
//! For whoever reads drydock's output the schemas are open: a later version may add fields and words. Here nothing may be
//! there that they do not list, and nothing may be listed that no output has shown: so a new field without its documentation
//! fails, and so does documentation of a field that is gone. The part of JSON Schema 2020-12 that the schemas use is known
//! here, any other keyword is refused.

use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The schemas of a folder, and which of their fields and words an output has shown so far.
pub struct Schemas {
    files: BTreeMap<String, Value>,
    seen: BTreeSet<String>,
}

/// What has been looked at, and where in it, for messages.
type Checked = Result<(), String>;

impl Schemas {
    /// Reads every schema of a folder.
    pub fn read(folder: &Path) -> Result<Self, String> {
        let mut files = BTreeMap::new();
        let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        for path in entries.flatten().map(|entry| entry.path()) {
            let said = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
            let text = fs::read(&path).map_err(|error| said(&error))?;
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.insert(name, serde_json::from_slice(&text).map_err(|error| said(&error))?);
        }
        Ok(Self { files, seen: BTreeSet::new() })
    }

    /// Holds an output against a schema; an error says where they differ.
    pub fn check(&mut self, schema: &str, output: &Value) -> Checked {
        self.check_at(schema, "", output, "")
    }

    /// Returns the fields, and the words of open lists, that a schema has and that no output has shown.
    pub fn unseen(&self, schema: &str) -> Vec<String> {
        let mut listed = BTreeSet::new();
        if let Some(value) = self.files.get(schema) {
            list(schema, "", value, &mut listed);
        }
        listed.difference(&self.seen).cloned().collect()
    }

    fn check_at(&mut self, file: &str, pointer: &str, output: &Value, at: &str) -> Checked {
        let value = self.files.get(file).and_then(|file| file.pointer(pointer));
        let Some(Value::Object(schema)) = value.cloned() else {
            return Err(format!("there is no schema {file}#{pointer}"));
        };
        let here = if at.is_empty() { "the whole" } else { at };
        for (keyword, rule) in &schema {
            let holds = match keyword.as_str() {
                "$schema" | "$defs" | "title" | "description" => true,
                "required" => required(rule, output)?,
                "type" => alternatives(rule).any(|kind| is_of(kind, output)),
                "enum" => rule.as_array().is_some_and(|words| words.contains(output)),
                "minimum" => output.is_null() || output.as_u64() >= rule.as_u64(),
                "examples" => {
                    self.seen.insert(format!("{file}#{pointer}/examples: {output}"));
                    rule.as_array().is_some_and(|words| words.contains(output))
                }
                "$ref" => {
                    let (other, inside) =
                        rule.as_str().and_then(|link| link.split_once('#')).unwrap_or_default();
                    let other = if other.is_empty() { file } else { other };
                    self.check_at(other, inside, output, at)?;
                    true
                }
                "items" => {
                    for (number, item) in output.as_array().into_iter().flatten().enumerate() {
                        self.check_at(file, &format!("{pointer}/items"), item, &format!("{at}[{number}]"))?;
                    }
                    true
                }
                "properties" | "additionalProperties" => {
                    self.check_fields(file, pointer, &schema, output, at)?;
                    true
                }
                other => return Err(format!("{file}#{pointer}: `{other}` is not known here")),
            };
            if !holds {
                return Err(format!("{here} is {output}, and {file}#{pointer} has `{keyword}`: {rule}"));
            }
        }
        Ok(())
    }

    fn check_fields(
        &mut self,
        file: &str,
        pointer: &str,
        schema: &Map<String, Value>,
        output: &Value,
        at: &str,
    ) -> Checked {
        let known = schema.get("properties").and_then(Value::as_object);
        for (field, value) in output.as_object().into_iter().flatten() {
            let below = if known.is_some_and(|known| known.contains_key(field)) {
                format!("{pointer}/properties/{field}")
            } else if schema.contains_key("additionalProperties") {
                format!("{pointer}/additionalProperties")
            } else {
                return Err(format!("the field `{field}` of {at:?} is not in {file}#{pointer}"));
            };
            self.seen.insert(format!("{file}#{below}"));
            self.check_at(file, &below, value, &format!("{at}.{field}"))?;
        }
        Ok(())
    }
}

fn required(rule: &Value, output: &Value) -> Result<bool, String> {
    let Some(fields) = output.as_object() else { return Ok(true) };
    let lacking = alternatives(rule).find(|field| !fields.contains_key(*field));
    lacking.map_or(Ok(true), |field| Err(format!("{output} has no field `{field}`")))
}

/// One word, or an array of them.
fn alternatives(rule: &Value) -> impl Iterator<Item = &str> {
    let words = rule.as_array().map_or(std::slice::from_ref(rule), Vec::as_slice);
    words.iter().filter_map(Value::as_str)
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => false,
    }
}

/// Lists the fields and the words of a schema by their places.
fn list(file: &str, at: &str, value: &Value, listed: &mut BTreeSet<String>) {
    for (keyword, inner) in value.as_object().into_iter().flatten() {
        match keyword.as_str() {
            "properties" => {
                for (field, inner) in inner.as_object().into_iter().flatten() {
                    let below = format!("{at}/properties/{field}");
                    listed.insert(format!("{file}#{below}"));
                    list(file, &below, inner, listed);
                }
            }
            "$defs" => {
                for (name, inner) in inner.as_object().into_iter().flatten() {
                    list(file, &format!("{at}/$defs/{name}"), inner, listed);
                }
            }
            "additionalProperties" => {
                listed.insert(format!("{file}#{at}/additionalProperties"));
                list(file, &format!("{at}/additionalProperties"), inner, listed);
            }
            "items" => list(file, &format!("{at}/items"), inner, listed),
            "examples" => {
                listed.extend(
                    inner
                        .as_array()
                        .into_iter()
                        .flatten()
                        .map(|word| format!("{file}#{at}/examples: {word}")),
                );
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schemas() -> Schemas {
        let files = [
            (
                "all.json",
                json!({
                    "type": "object", "required": ["one"],
                    "properties": {
                        "one": { "type": ["integer", "null"], "minimum": 1 },
                        "two": { "$ref": "other.json#/$defs/word" },
                        "map": { "type": "object", "additionalProperties": { "type": "boolean" } },
                    },
                }),
            ),
            ("other.json", json!({ "$defs": { "word": { "type": "string", "examples": ["x", "y"] } } })),
            ("odd.json", json!({ "pattern": "x" })),
        ];
        Schemas { files: files.map(|(name, value)| (name.to_owned(), value)).into(), seen: BTreeSet::new() }
    }

    #[test]
    fn what_is_listed_passes_and_everything_else_is_told() {
        let mut schemas = schemas();
        let mut check = |output: Value| schemas.check("all.json", &output).err().unwrap_or_default();
        assert_eq!(check(json!({ "one": 1, "two": "x", "map": { "any": true } })), "");
        assert_eq!(check(json!({ "one": null })), "");
        for (output, words) in [
            (json!({ "two": "x" }), "no field `one`"),
            (json!({ "one": 1, "three": 3 }), "the field `three`"),
            (json!({ "one": 0 }), "`minimum`"),
            (json!({ "one": "1" }), ".one is \"1\""),
            (json!({ "one": 1, "two": "z" }), "other.json#/$defs/word has `examples`"),
            (json!({ "one": 1, "map": { "any": 1 } }), ".map.any is 1"),
            (json!([]), "the whole is []"),
        ] {
            let said = check(output);
            assert!(said.contains(words), "{said}");
        }
        assert!(schemas.check("odd.json", &json!(1)).unwrap_err().contains("`pattern` is not known"));
        assert!(schemas.check("none.json", &json!(1)).unwrap_err().contains("no schema none.json"));
    }

    #[test]
    fn what_no_output_has_shown_is_named() {
        let mut schemas = schemas();
        schemas.check("all.json", &json!({ "one": 1, "two": "x" })).unwrap();
        assert_eq!(
            schemas.unseen("all.json"),
            ["all.json#/properties/map", "all.json#/properties/map/additionalProperties"]
        );
        assert_eq!(schemas.unseen("other.json"), ["other.json#/$defs/word/examples: \"y\""]);
    }
}
