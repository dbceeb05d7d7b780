//! Which revision of the hardware this is.

use crate::words::words;
use serde::{Deserialize, Serialize};

/// Where the revision of the hardware is read. It is no enum with its fields in the variants: what serde makes of one is ten times as
/// large.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Hardware {
    /// The kind of place.
    pub kind: HardwareKind,
    /// For the device tree: the name of a property of its root, which may hold several words. Default: `compatible`.
    #[serde(default = "compatible")]
    pub property: String,
    /// For DMI: a name below `/sys/class/dmi/id`. Default: `board_version`.
    #[serde(default = "board_version")]
    pub field: String,
    /// For a file: its path. Each of its lines counts.
    #[serde(default)]
    pub path: Option<String>,
}

/// Kinds of places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HardwareKind {
    /// A property of the device tree's root.
    DeviceTree,
    /// A field that the firmware tells by DMI.
    Dmi,
    /// A file: what a driver tells of an EEPROM, for instance.
    File,
}
words!(HardwareKind: DeviceTree = "device-tree", Dmi = "dmi", File = "file");

/// What is known of the hardware. It is found anew at each start, and never written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revision {
    /// What was read; several words where a device tree has them, and none where nothing could be.
    pub found: Vec<String>,
    /// Why nothing could be read.
    pub trouble: Option<String>,
}

fn compatible() -> String {
    "compatible".into()
}

fn board_version() -> String {
    "board_version".into()
}
