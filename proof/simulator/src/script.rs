//! How hooks answer, and what sensors read.

use drydock_config::{Hook, HookPlace, Mib, Seconds};
use drydock_engine::machine::Ended;
use std::collections::BTreeMap;

/// How hooks answer, and what sensors read.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// How a hook of this name ends. The others say yes.
    pub ends: BTreeMap<String, Ended>,
    /// What a hook of this name says.
    pub says: BTreeMap<String, Vec<u8>>,
    /// What is in the kernel's files.
    pub files: BTreeMap<String, String>,
    /// The lines of GPIO chips that can be read, and whether they are high.
    pub lines: BTreeMap<(String, u32), bool>,
    /// How many bytes are free on `data`.
    pub free: u64,
}

/// A hook of the configuration's at a place, whose program is a file of a root.
pub fn file_at(at: HookPlace) -> Hook {
    Hook {
        name: at.to_string(),
        at,
        file: Some("/usr/lib/hook".into()),
        builtin: None,
        arguments: Vec::new(),
        time_limit_seconds: Seconds(60),
        memory_mib: Mib(64),
        network: false,
        wait_seconds: Seconds(0),
    }
}
