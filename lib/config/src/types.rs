//! The parts of a configuration that have no file of their own.

use crate::units::{Kib, Seconds};
use crate::words::words;
use serde::{Deserialize, Serialize};

/// Which disk is ours. Every condition that is given must hold, and exactly one disk may remain.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Disk {
    /// A part of the disk's path below `/sys/devices`, as in `0000:00:04.0`.
    pub bus: Option<String>,
    /// The GUID in the disk's GPT header.
    pub guid: Option<String>,
    /// Whether the disk may be one that the kernel calls removable.
    pub removable: bool,
    /// How long to wait for the disk to appear. Default: 30.
    pub wait_seconds: Seconds,
}

impl Default for Disk {
    fn default() -> Self {
        Self { bus: None, guid: None, removable: false, wait_seconds: Seconds(30) }
    }
}

/// One class of slots: `PARTITION-a` and `PARTITION-b` on the disk.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SlotClass {
    /// The class that a manifest names.
    pub class: String,
    /// What the class is for.
    pub role: Role,
    /// Whether the slots are LUKS2 containers with the image inside.
    #[serde(default)]
    pub encrypted: bool,
    /// What the partitions are called, without `-a` and `-b`. Default: as the class.
    #[serde(default)]
    pub partition: Option<String>,
    /// The revisions of the hardware that have such slots. Default: all.
    #[serde(default)]
    pub only_if: Vec<String>,
    /// Files of the old root that the new one has as well, as patterns: kept in a layer on `data`.
    #[cfg(feature = "files")]
    #[serde(default)]
    pub carry: Vec<drydock_tree::Pattern>,
    /// What is said of them to a build that carries none.
    #[cfg(not(feature = "files"))]
    #[serde(default, rename = "carry", skip_serializing)]
    pub(crate) _carry: crate::ignored::Ignored,
}

/// What a slot class is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Kernel and initramfs, read by the bootloader.
    Boot,
    /// The root filesystem, mounted through dm-verity.
    Root,
    /// Anything else that is updated along: mounted through dm-verity at the path given by the live system.
    Other,
    /// Files that a tree on `data` is made of: the slot holds the image, and is never mounted.
    Files,
    /// The recovery's own kernel and initramfs: not part of a set, has two copies of its own.
    Recovery,
}
words!(Role: Boot = "boot", Root = "root", Other = "other", Files = "files", Recovery = "recovery");

/// Who may sign, and how many of them must.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Signatures {
    /// In TOML: paths of PEM files with Ed25519 public keys. In the initramfs: the keys, 64 hex digits each.
    pub keys: Vec<String>,
    /// How many distinct keys must have signed. Default: 1.
    #[serde(default = "defaults::one")]
    pub threshold: u32,
}

/// argon2id's memory for volumes formatted on the device, where the configuration names none.
pub const KDF_MEMORY: Kib = Kib(32 * 1024);
/// argon2id's iterations for volumes formatted on the device, where the configuration names none.
pub const KDF_ITERATIONS: u32 = 4;

/// The volume that survives updates, mounted at `/var`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// The partition's label. Default: `data`.
    #[serde(default = "defaults::data_label")]
    pub label: String,
    /// Whether it is a LUKS2 container.
    pub encrypted: bool,
    /// Whether a blank partition (its first MiB is all zeros, or all ones) may be formatted by itself. Default: no.
    #[serde(default)]
    pub provision: bool,
    /// Where the live system finds it. Default: `/var`.
    #[serde(default = "defaults::data_mount")]
    pub mount: String,
    /// What to do when it can't be opened.
    #[serde(default)]
    pub on_failure: DataFailure,
    /// argon2id's memory for volumes formatted on the device. Default: 32768.
    #[serde(default = "defaults::kdf_memory")]
    pub kdf_memory_kib: Kib,
    /// argon2id iterations for volumes formatted on the device. Default: 4.
    #[serde(default = "defaults::kdf_iterations")]
    pub kdf_iterations: u32,
}

/// What to do when `data` can't be opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DataFailure {
    /// Stay in recovery and say why.
    #[default]
    Recovery,
    /// Boot with a temporary, empty volume; the set is then degraded and never marked good.
    Temporary,
}
words!(DataFailure: Recovery = "recovery", Temporary = "temporary");

/// What recovery does, and how often it tries.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recovery {
    /// How often a recovery may be started for one intent before it is given up.
    pub starts: u32,
    /// How to go on afterwards.
    pub handover: Handover,
    /// How long to wait for a removable medium that an intent names.
    pub medium_wait_seconds: Seconds,
    /// When no set is bootable: path of a bundle on a removable medium that is looked for again and again.
    /// Empty: none is.
    pub rescue_file: String,
}

impl Default for Recovery {
    fn default() -> Self {
        Self {
            starts: 20,
            handover: Handover::Reboot,
            medium_wait_seconds: Seconds(60),
            rescue_file: "rescue.drydock".into(),
        }
    }
}

/// How recovery hands over to the system that it has prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handover {
    /// Reset the machine and let the bootloader choose. Always right, because the bootloader's choice is proven.
    Reboot,
    /// Start the new root with the kernel that is running. Needs kernel and root of one release.
    SwitchRoot,
}
words!(Handover: Reboot = "reboot", SwitchRoot = "switch-root");

/// How a set is started.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Boot {
    /// How often a set may be started without being marked good. 1 to 9.
    pub attempts: u8,
    /// The live system's init, looked up in the new root.
    pub init: String,
    /// Filesystem of the root slot.
    pub root_filesystem: String,
    /// Keeps a machine id on `data`, and gives it to systemd on first boot.
    pub machine_id: bool,
}

impl Default for Boot {
    fn default() -> Self {
        Self { attempts: 3, init: "/sbin/init".into(), root_filesystem: "erofs".into(), machine_id: true }
    }
}

pub(crate) mod defaults {
    use super::Kib;

    pub(crate) fn one() -> u32 {
        1
    }
    pub(super) fn data_label() -> String {
        "data".into()
    }
    pub(super) fn data_mount() -> String {
        "/var".into()
    }
    pub(super) fn kdf_memory() -> Kib {
        super::KDF_MEMORY
    }
    pub(super) fn kdf_iterations() -> u32 {
        super::KDF_ITERATIONS
    }
}
