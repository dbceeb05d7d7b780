//! Names that drydock gives itself, device-mapper's and partitions', and whether a configuration leaves them alone. No
//! I/O.

#[cfg(feature = "toml")]
use crate::{Config, Role};

/// The mapping of a set's root image. Every image of the role `other` is mapped by its class.
pub const ROOT_MAPPING: &str = "root";
/// The mapping of an encrypted `data` volume.
pub const DATA_MAPPING: &str = "data";
/// The mapping of a volume that a factory reset or a wipe makes.
pub const VOLUME_MAPPING: &str = "drydock-volume";

/// The mapping of an image while it is proven. An encrypted slot is mapped by its label.
pub fn proof_mapping(label: &str) -> String {
    format!("prove-{label}")
}

/// Partitions that every disk has, beside those of the slots.
#[cfg(feature = "toml")]
const RESERVED_LABELS: [&str; 8] =
    ["bios", "esp", "bootenv", "state", "stash", "recovery-a", "recovery-b", "factory"];

/// Whether a partition of this label has a purpose already, other than `data`.
#[cfg(feature = "toml")]
pub(crate) fn is_taken(config: &Config, label: &str) -> bool {
    let class = label.strip_suffix("-a").or(label.strip_suffix("-b"));
    RESERVED_LABELS.contains(&label) || config.slots.iter().any(|slot| class == Some(slot.class.as_str()))
}

/// What has the name that the image of this class would be mapped as, if anything has.
#[cfg(feature = "toml")]
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
        let labels = ["a", "b"].map(|set| format!("{}-{set}", slot.class));
        let label = labels.iter().find(|label| slot.encrypted && *label == class);
        let proven = labels.iter().find(|label| proof_mapping(label) == class);
        let inside = label.map(|label| format!("the inside of the encrypted slot {label}"));
        inside.or(proven.map(|label| format!("the slot {label} while it is proven")))
    })
}
