//! Which slot classes this hardware has.

use crate::types::{Role, SlotClass};
use crate::whole::Config;

impl Config {
    /// The slot classes that make up a set on this hardware, in the order in which they are written.
    pub fn set_classes(&self) -> impl Iterator<Item = &SlotClass> {
        self.slots.iter().filter(|slot| slot.role != Role::Recovery && self.has(slot))
    }

    /// The class with the given role on this hardware, if there is one.
    pub fn class_with_role(&self, role: Role) -> Option<&SlotClass> {
        self.slots.iter().find(|slot| slot.role == role && self.has(slot))
    }

    /// Returns whether this hardware has the slots of a class.
    pub fn has(&self, slot: &SlotClass) -> bool {
        slot.only_if.is_empty() || slot.only_if.iter().any(|revision| self.revision.found.contains(revision))
    }

    /// Returns the revisions that the classes name, each once, in their order.
    pub fn known_revisions(&self) -> Vec<&str> {
        let mut known = Vec::new();
        for revision in self.slots.iter().flat_map(|slot| &slot.only_if) {
            if !known.contains(&revision.as_str()) {
                known.push(revision.as_str());
            }
        }
        known
    }

    /// Returns why no update is possible on this hardware, where the classes name revisions and it is none of them.
    pub fn foreign_hardware(&self) -> Option<String> {
        let all = || self.slots.iter().flat_map(|slot| &slot.only_if);
        if all().next().is_none() || all().any(|revision| self.revision.found.contains(revision)) {
            return None;
        }
        let mut known = String::new();
        for revision in self.known_revisions() {
            known += revision;
            known += ", ";
        }
        let found = self.revision.trouble.as_deref().or(self.revision.found.last().map(String::as_str));
        Some(format!(
            "this hardware is of the revision `{}`, and the configuration knows {known}no others; name it in `slot.only_if`",
            found.unwrap_or_default()
        ))
    }
}

impl SlotClass {
    /// A class whose partitions are called like it, on every hardware.
    pub fn new(class: &str, role: Role) -> Self {
        Self {
            class: class.into(),
            role,
            encrypted: false,
            partition: None,
            only_if: vec![],
            #[cfg(feature = "files")]
            carry: vec![],
            #[cfg(not(feature = "files"))]
            _carry: crate::ignored::Ignored,
        }
    }

    /// Returns what its partitions are called, without `-a` and `-b`.
    pub fn partition(&self) -> &str {
        self.partition.as_deref().unwrap_or(&self.class)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(found: &[&str]) -> Config {
        let only = |class, revisions: &[&str]| SlotClass {
            partition: Some("boot".into()),
            only_if: revisions.iter().map(|revision| (*revision).to_owned()).collect(),
            ..SlotClass::new(class, Role::Boot)
        };
        let slots =
            vec![only("boot-1", &["1", "1.1"]), only("boot-2", &["2"]), SlotClass::new("root", Role::Root)];
        let mut config = Config::new("demo", slots, "k".into());
        config.revision.found = found.iter().map(|word| (*word).to_owned()).collect();
        config
    }

    #[test]
    fn a_class_is_there_only_on_the_hardware_that_it_names() {
        let classes =
            |found: &[&str]| config(found).set_classes().map(|slot| slot.class.clone()).collect::<Vec<_>>();
        assert_eq!(classes(&["1.1"]), ["boot-1", "root"]);
        assert_eq!(classes(&["acme,pump", "2"]), ["boot-2", "root"]);
        assert_eq!(classes(&["3"]), ["root"]);
        assert_eq!(config(&["2"]).class_with_role(Role::Boot).unwrap().partition(), "boot");
        assert!(config(&["2"]).foreign_hardware().is_none());
    }

    #[test]
    fn hardware_that_nobody_has_named_is_told_with_those_that_are() {
        let why = config(&["3"]).foreign_hardware().unwrap();
        assert!(why.contains("revision `3`") && why.contains("knows 1, 1.1, 2, no others"), "{why}");
        let mut unread = config(&[]);
        unread.revision.trouble = Some("no such file".into());
        assert!(unread.foreign_hardware().unwrap().contains("`no such file`"));
    }
}
