//! Ways to a key.

use crate::units::Seconds;
use crate::words::words;
use serde::{Deserialize, Serialize};

/// The longest LUKS key in bytes, in whatever way a device gets it: what cryptsetup takes from a file (8 MiB). The build
/// host refuses longer ones, and a device reads no more.
pub const MAX_KEY: u32 = 8 << 20;

/// A way to get a LUKS key.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", try_from = "Fields")]
pub enum Unlock {
    /// A file inside the initramfs. For demos: whoever can read the boot partition has the key.
    Initramfs {
        /// Path of the key file: in TOML on the build host, in the initramfs below `/etc/drydock`.
        file: String,
    },
    /// A file on a filesystem of our own disk, or raw bytes at the start of a partition.
    Partition {
        /// The partition's label.
        label: String,
        /// Path within its filesystem; without it the partition's first `length` bytes are the key.
        file: Option<String>,
        /// Number of bytes for a raw key.
        length: Option<u32>,
    },
    /// A file on a removable medium.
    Medium {
        /// Path within the medium's filesystem.
        file: String,
        /// How long to wait for the medium. Default: 10.
        wait_seconds: Seconds,
    },
    /// Ask at the console.
    Passphrase {
        /// Number of tries. Default: 3.
        tries: u32,
        /// How long to wait for each. Default: 60.
        wait_seconds: Seconds,
    },
}

/// All that any of them may say. It is read so because what serde makes of an enum with fields is five times as large.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    kind: Kind,
    file: Option<String>,
    label: Option<String>,
    length: Option<u32>,
    wait_seconds: Option<Seconds>,
    tries: Option<u32>,
}

#[derive(Clone, Copy)]
enum Kind {
    Initramfs,
    Partition,
    Medium,
    Passphrase,
}
words!(Kind: Initramfs = "initramfs", Partition = "partition", Medium = "medium", Passphrase = "passphrase");

impl TryFrom<Fields> for Unlock {
    type Error = &'static str;

    fn try_from(all: Fields) -> Result<Self, &'static str> {
        let Fields { kind, file, label, length, wait_seconds, tries } = all;
        let (has_label, has_length) = (label.is_some(), length.is_some());
        let is_strange = match kind {
            Kind::Initramfs => has_label || has_length || wait_seconds.is_some() || tries.is_some(),
            Kind::Partition => wait_seconds.is_some() || tries.is_some(),
            Kind::Medium => has_label || has_length || tries.is_some(),
            Kind::Passphrase => has_label || has_length || file.is_some(),
        };
        if is_strange {
            return Err("a key here belongs to another `kind`");
        }
        let needed = |file: Option<String>| file.ok_or("missing field `file`");
        Ok(match kind {
            Kind::Initramfs => Self::Initramfs { file: needed(file)? },
            Kind::Partition => Self::Partition { label: label.ok_or("missing field `label`")?, file, length },
            Kind::Medium => {
                Self::Medium { file: needed(file)?, wait_seconds: wait_seconds.unwrap_or(Seconds(10)) }
            }
            Kind::Passphrase => Self::Passphrase {
                tries: tries.unwrap_or(3),
                wait_seconds: wait_seconds.unwrap_or(Seconds(60)),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Unlock, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn each_kind_takes_its_own_keys_with_their_defaults_and_comes_back() {
        for (json, said) in [
            (r#"{"kind":"initramfs","file":"k"}"#, r#"Initramfs { file: "k" }"#),
            (r#"{"kind":"partition","label":"p"}"#, r#"Partition { label: "p", file: None, length: None }"#),
            (r#"{"kind":"medium","file":"k"}"#, r#"Medium { file: "k", wait_seconds: Seconds(10) }"#),
            (r#"{"kind":"passphrase"}"#, "Passphrase { tries: 3, wait_seconds: Seconds(60) }"),
        ] {
            let way = read(json).unwrap();
            assert_eq!(format!("{way:?}"), said);
            let again = read(&serde_json::to_string(&way).unwrap()).unwrap();
            assert_eq!(format!("{again:?}"), said);
        }
    }

    #[test]
    fn what_is_missing_unknown_or_anothers_is_refused() {
        for (json, why) in [
            (r#"{"kind":"medium"}"#, "missing field `file`"),
            (r#"{"kind":"partition","file":"k"}"#, "missing field `label`"),
            (r#"{"kind":"initramfs","file":"k","tries":2}"#, "belongs to another `kind`"),
            (r#"{"kind":"passphrase","file":"k"}"#, "belongs to another `kind`"),
            (r#"{"kind":"tpm"}"#, "unknown variant `tpm`"),
            (r#"{"kind":"passphrase","x":1}"#, "unknown field `x`"),
            (r#"{"file":"k"}"#, "missing field `kind`"),
        ] {
            assert!(read(json).unwrap_err().contains(why), "{json}: {}", read(json).unwrap_err());
        }
    }
}
