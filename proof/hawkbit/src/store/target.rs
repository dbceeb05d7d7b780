//! A device, as the server knows it.

use super::{Denied, MAX_ATTRIBUTES, Store};
use std::collections::BTreeMap;

/// The longest key, and value, of an attribute.
const MAX_ATTRIBUTE: usize = 128;

/// A device.
#[derive(Clone, Debug, Default)]
pub(crate) struct Target {
    pub(crate) number: u64,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    /// What it logs in with.
    pub(crate) token: String,
    /// `unknown`, `registered`, `pending`, `in_sync` or `error`.
    pub(crate) status: &'static str,
    pub(crate) attributes: BTreeMap<String, String>,
    /// It is asked for its attributes.
    pub(crate) attributes_wanted: bool,
    pub(crate) metadata: BTreeMap<String, String>,
    /// The set that it is to have.
    pub(crate) assigned: Option<u64>,
    /// The set that it has.
    pub(crate) installed: Option<u64>,
    /// When it came to it, as the device has said.
    pub(crate) installed_at: Option<u64>,
    pub(crate) last_poll: Option<u64>,
    /// Orders are taken for confirmed: who has said so, and why, and when.
    pub(crate) auto_confirm: Option<(Option<String>, Option<String>, u64)>,
    /// Its orders, the oldest first.
    pub(crate) actions: Vec<u64>,
    pub(crate) created: u64,
}

/// What is done with the attributes that a device sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Merge,
    Replace,
    Remove,
}

impl Store {
    /// Adds a device.
    pub(crate) fn add_target(
        &mut self,
        id: &str,
        token: Option<&str>,
        status: &'static str,
        now: u64,
    ) -> Result<&mut Target, Denied> {
        if self.targets.contains_key(id) {
            return Err(Denied::Exists("Target"));
        }
        self.next_target += 1;
        let number = self.next_target;
        let target = Target {
            number,
            id: id.to_owned(),
            name: id.to_owned(),
            token: token.map_or_else(|| new_token(id, number, now), str::to_owned),
            status,
            attributes_wanted: true,
            created: now,
            ..Target::default()
        };
        Ok(self.targets.entry(id.to_owned()).or_insert(target))
    }

    /// Finds a device that has logged in, or registers it, and notes that it has polled.
    pub(crate) fn polled(&mut self, id: &str, now: u64) -> Result<&Target, Denied> {
        if !self.targets.contains_key(id) {
            if id.chars().count() > MAX_ATTRIBUTE || id.contains(char::is_whitespace) {
                return Err(Denied::Invalid("controllerId"));
            }
            let target = self.add_target(id, None, "registered", now)?;
            target.description = Some(format!("Plug and Play target: {id}"));
        }
        let target = self.target_mut(id)?;
        if target.status == "unknown" {
            target.status = "registered";
        }
        target.last_poll = Some(now);
        Ok(target)
    }

    /// Forgets a device, with its orders.
    pub(crate) fn delete_target(&mut self, id: &str) -> Result<(), Denied> {
        let target = self.targets.remove(id).ok_or(Denied::Unknown("Target"))?;
        self.unsettled = true;
        for action in target.actions {
            self.actions.remove(&action);
        }
        for group in self.rollouts.values_mut().flat_map(|rollout| &mut rollout.groups) {
            group.targets.retain(|known| known != id);
        }
        Ok(())
    }

    /// Takes a device's attributes. One that is bad has all of them refused; `None` takes one away.
    pub(crate) fn set_attributes(
        &mut self,
        id: &str,
        mode: Mode,
        data: &BTreeMap<String, Option<String>>,
    ) -> Result<(), Denied> {
        let fits = |text: &str| text.chars().count() <= MAX_ATTRIBUTE && text.chars().all(is_taken);
        if !data.iter().all(|(key, value)| fits(key) && value.as_deref().is_none_or(fits)) {
            return Err(Denied::Invalid("attributes"));
        }
        let target = self.target_mut(id)?;
        let mut attributes = target.attributes.clone();
        if mode == Mode::Replace {
            attributes.clear();
        }
        for (key, value) in data {
            match value {
                Some(value) if mode != Mode::Remove => drop(attributes.insert(key.clone(), value.clone())),
                _ => drop(attributes.remove(key)),
            }
        }
        if attributes.len() > MAX_ATTRIBUTES {
            return Err(Denied::TooMany("Attribute"));
        }
        target.attributes = attributes;
        target.attributes_wanted &= mode == Mode::Remove;
        Ok(())
    }
}

/// What an attribute may be made of: printable ASCII but for a tilde and a backtick, and blanks of all kinds.
fn is_taken(letter: char) -> bool {
    (letter.is_ascii_graphic() && letter != '~' && letter != '`') || matches!(letter, ' ' | '\t'..='\r')
}

/// A token that no other device of the server has.
fn new_token(id: &str, number: u64, now: u64) -> String {
    use md5::Digest as _;
    super::content::hex(&md5::Md5::digest(format!("{id} {number} {now}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_comes_back_has_another_token() {
        let mut store = Store::default();
        let first = store.add_target("a", None, "unknown", 7).unwrap().token.clone();
        assert_eq!(store.add_target("a", None, "unknown", 7).unwrap_err(), Denied::Exists("Target"));
        store.delete_target("a").unwrap();
        assert_ne!(store.add_target("a", None, "unknown", 7).unwrap().token, first);
    }
}
