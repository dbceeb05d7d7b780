//! What a kernel must be able to do, and whether a given kernel configuration says so.

mod needs;

use crate::Compression;
use drydock_architecture::Architecture;
use drydock_config::Config;
pub use needs::NEEDS;
use std::collections::BTreeMap;

/// One option that a kernel needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// The option's name, without `CONFIG_`.
    pub option: &'static str,
    /// The module that has it, where a module will do.
    pub module: Option<&'static str>,
    /// How bad it is to lack it.
    pub severity: Severity,
    /// Which devices need it.
    pub when: When,
    /// What in the device's sources asks for it: system calls, ioctls, filesystems, device-mapper targets, ciphers,
    /// files of the kernel. `tests/all/kernel_uses.rs` says how each is written, and finds those that are in no list.
    /// Empty for what the way to process 1 or the live system needs.
    pub uses: &'static [&'static str],
    /// What it is for.
    pub why: &'static str,
}

/// How bad it is to lack an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Without it the device does not boot or can't update.
    Must,
    /// Without it something that most devices want is missing.
    Should,
}

/// Which devices need an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// All of them.
    Always,
    /// Those that have a LUKS volume.
    Encrypted,
    /// Those that have a `data` volume.
    Data,
    /// Those whose root slot has this filesystem.
    Root(&'static str),
    /// Those whose initramfs is compressed in this way.
    Compressed(Compression),
    /// Those whose initramfs is compressed with xz and its filter for programs.
    Filtered,
    /// Those that load modules.
    Modules,
    /// Those whose recovery uses a network.
    Network,
    /// Those whose recovery uses a network with tags.
    Vlan,
    /// Those that call hooks or ask gates.
    Hooks,
    /// Those that carry files from root to root.
    Carry,
    /// Those whose kernel reads names on FAT in this character set (`CONFIG_FAT_DEFAULT_IOCHARSET`).
    FatNames(&'static str),
}

/// In which form a kernel may have what is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Built in: the initramfs carries no modules.
    BuiltIn,
    /// Built in, or, where that will do, as a module that the initramfs carries.
    BuiltInOrModule,
}

/// What a kernel configuration lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lacking {
    /// The options that are missing.
    pub needs: Vec<Need>,
    /// Modules that the kernel has outside itself, in the order of a boot: the initramfs must or should carry them
    /// (`initramfs.modules`).
    pub as_modules: Vec<(&'static str, Severity)>,
}

/// The character set of names on FAT of a kernel whose configuration does not say which.
const FAT_NAMES: &str = "iso8859-1";

/// Compares a kernel configuration (`.config`) with what drydock needs; with `config`, with what that device
/// needs, and an initramfs that is compressed in this way. Returns what is not there in that form.
pub fn check_kernel(kernel: &str, config: Option<&Config>, form: Form, compression: Compression) -> Lacking {
    let options: BTreeMap<_, _> =
        kernel.lines().filter_map(|line| line.trim().strip_prefix("CONFIG_")?.split_once('=')).collect();
    let mut lacking = Lacking { needs: Vec::new(), as_modules: Vec::new() };
    let names = options.get("FAT_DEFAULT_IOCHARSET").map_or(FAT_NAMES, |names| names.trim_matches('"'));
    for need in NEEDS.iter().filter(|need| applies(need.when, config, form, compression, names)) {
        match (options.get(need.option).copied(), need.module) {
            (Some("y"), _) => {}
            (Some("m"), Some(module)) if form == Form::BuiltInOrModule => {
                if lacking.as_modules.iter().all(|(known, _)| *known != module) {
                    lacking.as_modules.push((module, need.severity));
                }
            }
            _ => lacking.needs.push(*need),
        }
    }
    lacking
}

/// Without a config the reference device is meant: encrypted `data`, EROFS root, no network in recovery.
fn applies(
    when: When,
    config: Option<&Config>,
    form: Form,
    compression: Compression,
    fat_names: &str,
) -> bool {
    match when {
        When::FatNames(set) => set == fat_names,
        When::Always => true,
        When::Compressed(with) => compression == with,
        When::Filtered => {
            let device = config.map_or(Architecture::REFERENCE, |config| config.layout.architecture);
            compression == Compression::Xz && device.xz_filters_programs()
        }
        When::Modules => form == Form::BuiltInOrModule,
        When::Data => config.is_none_or(|config| config.data.is_some()),
        When::Encrypted => config.is_none_or(|config| {
            config.data.as_ref().is_some_and(|data| data.encrypted)
                || config.slots.iter().any(|slot| slot.encrypted)
        }),
        When::Network => config.is_some_and(|config| !config.network.interfaces.is_empty()),
        When::Vlan => {
            config.is_some_and(|config| config.network.interfaces.iter().any(|one| one.vlan.is_some()))
        }
        When::Hooks => config.is_some_and(Config::has_hooks),
        When::Carry => config.is_some_and(|config| config.slots.iter().any(|slot| !slot.carry.is_empty())),
        When::Root(filesystem) => {
            config.map_or("erofs", |config| config.boot.root_filesystem.as_str()) == filesystem
        }
    }
}
