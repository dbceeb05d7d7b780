//! Where U-Boot keeps its environment.

use serde::{Deserialize, Serialize};

/// What no board's environment is larger than, in bytes.
pub const MOST_ENVIRONMENT: u32 = 1 << 20;

/// Where U-Boot keeps its environment: as it was built for the board, and as `fw_env.config` says it. In bytes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct UBoot {
    /// The partition that the offsets count from. Empty: the whole disk.
    pub partition: String,
    /// Where the first copy begins.
    pub offset: u64,
    /// Whether there is a second copy (`CONFIG_SYS_REDUNDAND_ENVIRONMENT`).
    pub redundant: bool,
    /// Where the second copy begins, if there is one.
    pub second_offset: u64,
    /// The size of each copy (`CONFIG_ENV_SIZE`).
    pub size: u32,
}

impl Default for UBoot {
    fn default() -> Self {
        Self {
            partition: "bootenv".into(),
            offset: 0,
            redundant: true,
            second_offset: 0x1_0000,
            size: 0x4000,
        }
    }
}

impl UBoot {
    /// Where the second copy begins, if there is one.
    pub fn second(&self) -> Option<u64> {
        self.redundant.then_some(self.second_offset)
    }
}
