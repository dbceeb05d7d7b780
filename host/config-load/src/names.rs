//! Whether a configuration leaves drydock's own names of partitions and mappings alone. No I/O.

use crate::problems::{Problems, is_word};
use drydock_config::{Config, DATA_MAPPING, ROOT_MAPPING, Role, VOLUME_MAPPING, proof_mapping};

/// Partitions that every disk has, beside those of the slots.
const RESERVED_LABELS: [&str; 10] = [
    "bios",
    "esp",
    "bootenv",
    "bootenv-2",
    "u-boot",
    "state",
    "stash",
    "recovery-a",
    "recovery-b",
    "factory",
];

/// Adds what is wrong with a partition's label.
pub(crate) fn check_label(label: &str, at: &str, problems: &mut Problems) {
    problems.unless(is_word(label, 36, "._-", true), at, "must be 1 to 36 characters of A-Z a-z 0-9 . _ -");
}

/// Whether a partition of this label has a purpose already, other than `data`.
pub(crate) fn is_taken(config: &Config, label: &str) -> bool {
    let class = label.strip_suffix("-a").or(label.strip_suffix("-b"));
    RESERVED_LABELS.contains(&label) || config.slots.iter().any(|slot| class == Some(slot.partition()))
}

/// What has the name that the image of this class would be mapped as, if anything has.
pub(crate) fn mapped_otherwise(config: &Config, class: &str) -> Option<String> {
    let fixed = [
        (ROOT_MAPPING, "the root image"),
        (DATA_MAPPING, "the data volume"),
        (VOLUME_MAPPING, "a volume that is made new"),
        // A node of this name is in /dev/mapper before anything is mapped.
        ("control", "device-mapper itself"),
    ];
    if let Some((_, what)) = fixed.iter().find(|(name, _)| *name == class) {
        return Some((*what).to_owned());
    }
    config.slots.iter().filter(|slot| slot.role != Role::Recovery).find_map(|slot| {
        let labels = ["a", "b"].map(|set| format!("{}-{set}", slot.partition()));
        let label = labels.iter().find(|label| slot.encrypted && *label == class);
        let proven = labels.iter().find(|label| proof_mapping(label) == class);
        let inside = label.map(|label| format!("the inside of the encrypted slot {label}"));
        inside.or(proven.map(|label| format!("the slot {label} while it is proven")))
    })
}
