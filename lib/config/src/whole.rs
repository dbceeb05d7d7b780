//! The configuration of a device.

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
use crate::types::{Boot, Data, Disk, Recovery, Signatures, SlotClass, defaults};
use crate::u_boot::UBoot;
use crate::unlock::Unlock;
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
    /// What it was read from. To write that on is a hundredth of the code that writes it anew.
    #[serde(skip)]
    pub json: Vec<u8>,
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
    /// Where U-Boot keeps its environment, where that is the bootloader.
    #[serde(default)]
    pub u_boot: UBoot,
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

impl Config {
    /// A configuration with these slots, trusting one key, and the default for all else.
    pub fn new(compatible: &str, slots: Vec<SlotClass>, key: String) -> Self {
        Self {
            compatible: compatible.into(),
            disk: Disk::default(),
            hardware: None,
            revision: Revision::default(),
            json: Vec::new(),
            slots,
            signatures: Signatures { keys: vec![key], threshold: defaults::one() },
            data: None,
            unlock: vec![],
            recovery: Recovery::default(),
            factory_reset: FactoryReset::default(),
            wipes: vec![],
            boot: Boot::default(),
            watchdog: Watchdog::default(),
            u_boot: UBoot::default(),
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
