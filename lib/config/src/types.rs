//! The configuration of a device, and its parts that have no file of their own.

#[cfg(feature = "fleet")]
use crate::fleet::Fleet;
#[cfg(feature = "hooks")]
use crate::gates::Gate;
use crate::hardware::{Hardware, Revision};
#[cfg(feature = "hooks")]
use crate::hooks::Hook;
#[cfg(not(all(feature = "fleet", feature = "lan", feature = "files")))]
use crate::ignored::Ignored;
#[cfg(not(feature = "hooks"))]
use crate::ignored::Lacked;
#[cfg(feature = "lan")]
use crate::lan::Lan;
use crate::layout::{Initramfs, Layout};
#[cfg(feature = "network")]
use crate::network::Network;
use crate::reset::{FactoryReset, Watchdog, Wipe};
#[cfg(feature = "service")]
use crate::service::Service;
#[cfg(feature = "files")]
use crate::tree::Tree;
use crate::units::{Kib, Seconds};
use serde::{Deserialize, Serialize};

/// The whole configuration of a device.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Bundles for another `compatible` are refused.
    pub compatible: String,
    /// Which disk is ours.
    #[serde(default)]
    pub disk: Disk,
    /// Where the revision of the hardware is read, for the classes that only some have.
    #[serde(default)]
    pub hardware: Option<Hardware>,
    /// What was read there.
    #[serde(skip)]
    pub revision: Revision,
    /// The slot classes, in the order in which they are written, also those that this hardware does not have.
    #[serde(rename = "slot")]
    pub slots: Vec<SlotClass>,
    /// Who may sign.
    pub signatures: Signatures,
    /// The `data` volume, if the device has one.
    #[serde(default)]
    pub data: Option<Data>,
    /// Ways to get the key of the LUKS volumes, tried in order.
    #[serde(default, rename = "unlock")]
    pub unlock: Vec<Unlock>,
    /// What recovery does, and how often it tries.
    #[serde(default)]
    pub recovery: Recovery,
    /// What a factory reset does.
    #[serde(default)]
    pub factory_reset: FactoryReset,
    /// Partitions that `drydock wipe` may wipe.
    #[serde(default, rename = "wipe")]
    pub wipes: Vec<Wipe>,
    /// How a set is started.
    #[serde(default)]
    pub boot: Boot,
    /// The hardware watchdog.
    #[serde(default)]
    pub watchdog: Watchdog,
    /// The network: the recovery's way into it, and how bundles are fetched.
    #[cfg(feature = "network")]
    #[serde(default)]
    pub network: Network,
    /// What is said of it to a build that has none.
    #[cfg(not(feature = "network"))]
    #[serde(default, rename = "network", skip_serializing)]
    _network: Ignored,
    /// The fleet that this device belongs to, if the agent follows one.
    #[cfg(feature = "fleet")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fleet: Option<Fleet>,
    /// What is said of it to a build that has no agent.
    #[cfg(not(feature = "fleet"))]
    #[serde(default, rename = "fleet", skip_serializing)]
    _fleet: Ignored,
    /// What a person at a console may do, if the recovery has a menu.
    #[cfg(feature = "service")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,
    /// What is said of it to a build that has none.
    #[cfg(not(feature = "service"))]
    #[serde(default, rename = "service", skip_serializing)]
    _service: Ignored,
    /// The page on the LAN, if the device has one.
    #[cfg(feature = "lan")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lan: Option<Lan>,
    /// What is said of it to a build that has none.
    #[cfg(not(feature = "lan"))]
    #[serde(default, rename = "lan", skip_serializing)]
    _lan: Ignored,
    /// How the trees are made that classes of the role `files` are for.
    #[cfg(feature = "files")]
    #[serde(default, rename = "tree", skip_serializing_if = "Vec::is_empty")]
    pub trees: Vec<Tree>,
    /// What is said of them to a build that makes none.
    #[cfg(not(feature = "files"))]
    #[serde(default, rename = "tree", skip_serializing)]
    _trees: Ignored,
    /// Programs of the integrator's that take part in a job.
    #[cfg(feature = "hooks")]
    #[serde(default, rename = "hook", skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<Hook>,
    /// What must hold before a job destroys anything.
    #[cfg(feature = "hooks")]
    #[serde(default, rename = "gate", skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<Gate>,
    /// Whether it has hooks, for a build that can't call any.
    #[cfg(not(feature = "hooks"))]
    #[serde(default, rename = "hook", skip_serializing)]
    hooks: Lacked,
    /// Whether it has gates, for a build that can't ask any.
    #[cfg(not(feature = "hooks"))]
    #[serde(default, rename = "gate", skip_serializing)]
    gates: Lacked,
    /// The initramfs that carries this configuration.
    #[serde(default)]
    pub initramfs: Initramfs,
    /// Partition sizes, only for `drydock-bundle disk`.
    #[serde(default)]
    pub layout: Layout,
}

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
}

/// What a slot class is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataFailure {
    /// Stay in recovery and say why.
    #[default]
    Recovery,
    /// Boot with a temporary, empty volume; the set is then degraded and never marked good.
    Temporary,
}

/// The longest LUKS key in bytes, in whatever way a device gets it: what cryptsetup takes from a file (8 MiB). The build
/// host refuses longer ones, and a device reads no more.
pub const MAX_KEY: u32 = 8 << 20;

/// A way to get a LUKS key.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
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
        #[serde(default)]
        file: Option<String>,
        /// Number of bytes for a raw key.
        #[serde(default)]
        length: Option<u32>,
    },
    /// A file on a removable medium.
    Medium {
        /// Path within the medium's filesystem.
        file: String,
        /// How long to wait for the medium. Default: 10.
        #[serde(default = "defaults::medium_wait")]
        wait_seconds: Seconds,
    },
    /// Ask at the console.
    Passphrase {
        /// Number of tries. Default: 3.
        #[serde(default = "defaults::tries")]
        tries: u32,
        /// How long to wait for each. Default: 60.
        #[serde(default = "defaults::passphrase_wait")]
        wait_seconds: Seconds,
    },
}

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Handover {
    /// Reset the machine and let the bootloader choose. Always right, because the bootloader's choice is proven.
    Reboot,
    /// Start the new root with the kernel that is running. Needs kernel and root of one release.
    SwitchRoot,
}

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

impl Config {
    /// A configuration with these slots, trusting one key, and the default for all else.
    pub fn new(compatible: &str, slots: Vec<SlotClass>, key: String) -> Self {
        Self {
            compatible: compatible.into(),
            disk: Disk::default(),
            hardware: None,
            revision: Revision::default(),
            slots,
            signatures: Signatures { keys: vec![key], threshold: defaults::one() },
            data: None,
            unlock: vec![],
            recovery: Recovery::default(),
            factory_reset: FactoryReset::default(),
            wipes: vec![],
            boot: Boot::default(),
            watchdog: Watchdog::default(),
            #[cfg(feature = "network")]
            network: Network::default(),
            #[cfg(not(feature = "network"))]
            _network: Ignored,
            #[cfg(feature = "fleet")]
            fleet: None,
            #[cfg(not(feature = "fleet"))]
            _fleet: Ignored,
            #[cfg(feature = "service")]
            service: None,
            #[cfg(not(feature = "service"))]
            _service: Ignored,
            #[cfg(feature = "lan")]
            lan: None,
            #[cfg(not(feature = "lan"))]
            _lan: Ignored,
            #[cfg(feature = "files")]
            trees: vec![],
            #[cfg(not(feature = "files"))]
            _trees: Ignored,
            #[cfg(feature = "hooks")]
            hooks: vec![],
            #[cfg(feature = "hooks")]
            gates: vec![],
            #[cfg(not(feature = "hooks"))]
            hooks: Lacked::Nothing,
            #[cfg(not(feature = "hooks"))]
            gates: Lacked::Nothing,
            initramfs: Initramfs::default(),
            layout: Layout::default(),
        }
    }

    /// How the tree of a class of the role `files` is made.
    #[cfg(feature = "files")]
    pub fn tree(&self, class: &str) -> Tree {
        let named = self.trees.iter().find(|tree| tree.class == class).cloned();
        named.unwrap_or_else(|| Tree::of(class))
    }

    /// Whether there are hooks or gates, which a build may be able to hear or not.
    pub fn has_hooks(&self) -> bool {
        #[cfg(feature = "hooks")]
        return !self.hooks.is_empty() || !self.gates.is_empty();
        #[cfg(not(feature = "hooks"))]
        return self.hooks == Lacked::Something || self.gates == Lacked::Something;
    }
}

mod defaults {
    use super::{Kib, Seconds};

    pub(super) fn one() -> u32 {
        1
    }
    pub(super) fn tries() -> u32 {
        3
    }
    pub(super) fn medium_wait() -> Seconds {
        Seconds(10)
    }
    pub(super) fn passphrase_wait() -> Seconds {
        Seconds(60)
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
