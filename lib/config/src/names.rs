//! Names that drydock gives its device-mapper mappings.

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

/// The mapping of an image while it is the base of a delta.
pub fn base_mapping(label: &str) -> String {
    format!("base-{label}")
}
