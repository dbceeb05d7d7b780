//! The types of modules and sets: those that a new server has, and no others.

use super::shape;
use crate::answer::{Answer, Asked};
use crate::store::{MODULE_TYPES, SET_TYPES};
use serde_json::{Value, json};

/// The types of modules.
pub(super) fn modules(asked: &Asked<'_>) -> Answer {
    list(asked, "softwaremoduletypes", MODULE_TYPES)
}

/// The types of sets.
pub(super) fn sets(asked: &Asked<'_>) -> Answer {
    list(asked, "distributionsettypes", SET_TYPES)
}

fn list(asked: &Asked<'_>, what: &str, types: &[(&str, &str)]) -> Answer {
    let shown = |(number, (key, name)): (usize, &(&str, &str))| -> Value {
        let id = number + 1;
        let href = format!("{}/rest/v1/{what}/{id}", asked.base);
        json!({
            "id": id, "key": key, "name": name, "deleted": false, "createdBy": "system", "createdAt": 0,
            "lastModifiedBy": "system", "lastModifiedAt": 0, "_links": {"self": {"href": href}},
        })
    };
    shape::page(asked, types.iter().enumerate().map(shown).collect(), "id:ASC")
}
