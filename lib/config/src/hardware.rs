//! Which revision of the hardware this is.

use serde::{Deserialize, Serialize};

/// Where the revision of the hardware is read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Hardware {
    /// A property of the device tree's root, which may hold several words.
    DeviceTree {
        /// Its name. Default: `compatible`.
        #[serde(default = "compatible")]
        property: String,
    },
    /// A field that the firmware tells by DMI.
    Dmi {
        /// Its name below `/sys/class/dmi/id`. Default: `board_version`.
        #[serde(default = "board_version")]
        field: String,
    },
    /// A file: what a driver tells of an EEPROM, for instance.
    File {
        /// Its path. Its first line counts.
        path: String,
    },
}

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
