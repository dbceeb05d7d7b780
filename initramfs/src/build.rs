//! From a config file, the device binary and a kernel's modules to an initramfs.

use crate::cpio::Tree;
use crate::modules::{Known, Modules, firmware_of};
use crate::packed::{ENDINGS, unpack};
use crate::{Compression, Error, elf, keys};
use drydock_config::{
    Config, Network, Role, Unlock, WITHOUT_FILES, WITHOUT_FLEET, WITHOUT_HOOKS, WITHOUT_LAN, WITHOUT_NETWORK,
    WITHOUT_SERVICE,
};
use drydock_config_load::ConfigText;
use std::path::{Path, PathBuf};

/// Where the device looks for its configuration.
const CONFIG: &str = "etc/drydock/config.json";
const UNLOCK_KEY: &str = "etc/drydock/unlock.key";
const HOOKS: &str = "etc/drydock/hooks";
const MODULES: &str = "etc/drydock/modules";
const ALIASES: &str = "etc/drydock/aliases";
const MODULE_FOLDER: &str = "lib/modules";
const FIRMWARE_FOLDER: &str = "lib/firmware";

/// What an initramfs is made from.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The device's configuration, TOML.
    pub config: PathBuf,
    /// The device binary, static.
    pub drydock: PathBuf,
    /// The kernel's module folder, `…/lib/modules/VERSION`; needed where the config lists modules.
    pub modules: Option<PathBuf>,
    /// Folders to look for firmware in, the first one first.
    pub firmware: Vec<PathBuf>,
    /// How the initramfs is compressed.
    pub compression: Compression,
}

impl Inputs {
    /// Takes the modules and the firmware from `root`, where a kernel package was unpacked.
    ///
    /// # Errors
    /// There is not exactly one kernel version in it.
    pub fn add_kernel_root(&mut self, root: &Path) -> Result<(), Error> {
        let mut versions = Vec::new();
        for lib in ["lib", "usr/lib"].map(|lib| root.join(lib)) {
            // A merged /usr shows the same folder twice.
            if lib.is_symlink() {
                continue;
            }
            let entries = std::fs::read_dir(lib.join("modules")).into_iter().flatten().flatten();
            versions.extend(entries.map(|entry| entry.path()).filter(|path| path.is_dir()));
            self.firmware.extend(Some(lib.join("firmware")).filter(|folder| folder.is_dir()));
        }
        match <[PathBuf; 1]>::try_from(versions) {
            Ok([version]) => {
                self.modules = Some(version);
                Ok(())
            }
            Err(versions) => {
                let why = format!(
                    "has {} folders lib/modules/VERSION where one was expected; name one with --modules-dir",
                    versions.len()
                );
                Err(Error::unusable(root, why))
            }
        }
    }
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Built {
    /// The files, for whoever packs them differently (a unified kernel image takes the same archive).
    pub tree: Tree,
    /// The initramfs, ready for the bootloader: newc, compressed.
    pub initramfs: Vec<u8>,
    /// What the integrator should know, a sentence each.
    pub warnings: Vec<String>,
    /// Sizes in bytes.
    pub sizes: Sizes,
    /// Whether it holds a secret.
    pub secret: bool,
}

/// Sizes in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// The device binary.
    pub binary: u64,
    /// The initramfs as it would be with everything built into the kernel.
    pub without_modules: u64,
    /// The initramfs.
    pub whole: u64,
}

struct Builder {
    tree: Tree,
    warnings: Vec<String>,
}

/// Builds an initramfs. The same inputs always give the same bytes.
///
/// # Errors
/// The config is at fault (with its line), the kernel lacks a module that the config names, or a file can't
/// be read.
pub fn build(inputs: &Inputs) -> Result<Built, Error> {
    let (mut config, text) = drydock_config_load::load_with_text(&inputs.config)?;
    let mut builder = Builder { tree: Tree::default(), warnings: Vec::new() };
    for folder in ["dev", "proc", "sys", "run"] {
        builder.tree.folder(folder);
    }
    let binary = read("read the device binary", &inputs.drydock)?;
    elf::check_static(&binary).map_err(|why| Error::unusable(&inputs.drydock, why))?;
    if config.network != Network::default() && says(&binary, WITHOUT_NETWORK) {
        let message = "the device binary was built without the feature `network`, and would pass this over; take one that has it, or leave `[network]` out";
        return Err(Error::fault(&text, "network", message));
    }
    if config.fleet.is_some() && says(&binary, WITHOUT_FLEET) {
        let message = "the device binary was built without the feature `fleet`, and would pass this over; take one that has it, or leave `[fleet]` out";
        return Err(Error::fault(&text, "fleet", message));
    }
    if config.service.is_some() && says(&binary, WITHOUT_SERVICE) {
        let message = "the device binary was built without the feature `service`, and would pass this over; take one that has it, or leave `[service]` out";
        return Err(Error::fault(&text, "service", message));
    }
    if config.lan.is_some() && says(&binary, WITHOUT_LAN) {
        let message = "the device binary was built without the feature `lan`, and would pass this over; take one that has it, or leave `[lan]` out";
        return Err(Error::fault(&text, "lan", message));
    }
    let has_files = config.slots.iter().any(|slot| slot.role == Role::Files || !slot.carry.is_empty());
    if has_files && says(&binary, WITHOUT_FILES) {
        let message = "the device binary was built without the feature `files`, makes no trees and carries nothing; take one that has it, or leave classes of the role `files` and `carry` out";
        return Err(Error::fault(&text, "slot", message));
    }
    if config.has_hooks() && says(&binary, WITHOUT_HOOKS) {
        let message = "the device binary was built without the feature `hooks`, and would do nothing that is to be asked about; take one that has it, or leave `[[hook]]` and `[[gate]]` out";
        return Err(Error::fault(&text, if config.hooks.is_empty() { "gate" } else { "hook" }, message));
    }
    let binary_size = binary.len() as u64;
    let machine = elf::machine(&binary);
    let expected = config.layout.architecture;
    if let Some(other) = machine.filter(|&machine| machine != expected.elf_machine()) {
        builder.warn(format!(
            "the device binary is for {}, but layout.architecture is {expected}",
            elf::machine_name(other)
        ));
    }
    builder.tree.file("init", 0o755, binary);
    let secret = builder.add_unlock_key(&mut config)?;
    config.signatures.keys = keys::read_all(&config.signatures.keys, &text)?;
    builder.add_hooks(&mut config, &text)?;
    config.network.ca = keys::read_authorities(&config.network.ca, &text)?;
    if let Some(service) = &mut config.service {
        keys::read_service(&mut service.keys, &text)?;
    }
    builder.tree.file(CONFIG, 0o644, config.to_json()?);
    builder.add_modules(&config, &text, inputs, machine)?;

    let initramfs = inputs.compression.apply(&builder.tree.to_cpio(), expected)?;
    let bare = builder.tree.without(MODULE_FOLDER).without(FIRMWARE_FOLDER);
    let sizes = Sizes {
        binary: binary_size,
        without_modules: inputs.compression.apply(&bare.to_cpio(), expected)?.len() as u64,
        whole: initramfs.len() as u64,
    };
    Ok(Built { tree: builder.tree, initramfs, warnings: builder.warnings, sizes, secret })
}

impl Builder {
    fn warn(&mut self, warning: impl Into<String>) {
        self.warnings.push(warning.into());
    }

    fn add_unlock_key(&mut self, config: &mut Config) -> Result<bool, Error> {
        for unlock in &mut config.unlock {
            if let Unlock::Initramfs { file } = unlock {
                let key = read("read the key file", Path::new(file))?;
                self.tree.file(UNLOCK_KEY, 0o400, key);
                *file = format!("/{UNLOCK_KEY}");
                self.warn("the initramfs holds the key of the LUKS volumes: whoever can read the boot partition can unlock them; this is for demos");
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Puts the programs of hooks in that the initramfs is to carry, and gives the configuration their places there.
    fn add_hooks(&mut self, config: &mut Config, text: &ConfigText) -> Result<(), Error> {
        for (index, hook) in config.hooks.iter_mut().enumerate() {
            let Some(program) = &mut hook.builtin else { continue };
            let bytes = read("read the program of a hook", Path::new(program))?;
            elf::check_static(&bytes).map_err(|why| {
                Error::fault(text, &format!("hook.{index}.builtin"), &format!("{program} {why}"))
            })?;
            let place = format!("{HOOKS}/{}", hook.name);
            self.tree.file(&place, 0o755, bytes);
            *program = format!("/{place}");
        }
        Ok(())
    }

    /// `machine` is the processor that the device binary is for, if that can be told.
    fn add_modules(
        &mut self,
        config: &Config,
        text: &ConfigText,
        inputs: &Inputs,
        machine: Option<u16>,
    ) -> Result<(), Error> {
        let wanted = &config.initramfs;
        if !wanted.modules.is_empty() || !wanted.modules_by_alias.is_empty() {
            let Some(folder) = &inputs.modules else {
                let message =
                    "modules are listed, but no kernel is given; add --modules-dir or --kernel-root";
                return Err(Error::fault(text, "initramfs.modules", message));
            };
            let modules = Modules::open(folder)?;
            check_known(&modules, "modules", &wanted.modules, text)?;
            check_known(&modules, "modules_by_alias", &wanted.modules_by_alias, text)?;
            let loaded = self.add_loaded(&modules, &wanted.modules);
            let all = self.add_by_alias(&modules, &wanted.modules_by_alias, loaded);
            for module in all {
                let content = modules.read(&module)?;
                check_machine(inputs, machine, &modules.device_path(&module), elf::machine(&content))?;
                for name in firmware_of(&content) {
                    if !self.add_firmware(&name, &inputs.firmware)? {
                        self.warn(format!(
                            "firmware {name}, which the module {module} may ask for, was not found"
                        ));
                    }
                }
                self.tree.file(modules.device_path(&module).trim_start_matches('/'), 0o644, content);
            }
        }
        for (index, name) in wanted.firmware.iter().enumerate() {
            if !self.add_firmware(name, &inputs.firmware)? {
                let folders: Vec<_> =
                    inputs.firmware.iter().map(|folder| folder.display().to_string()).collect();
                let message = format!("there is no firmware file {name} in: {}", folders.join(", "));
                return Err(Error::fault(text, &format!("initramfs.firmware.{index}"), &message));
            }
        }
        Ok(())
    }

    fn add_loaded(&mut self, modules: &Modules, names: &[String]) -> Vec<String> {
        let mut order = Vec::new();
        for name in names {
            modules.add(name, &mut order);
        }
        let lines: String = order.iter().map(|module| modules.device_path(module) + "\n").collect();
        self.tree.file(MODULES, 0o644, lines.into_bytes());
        order
    }

    /// Returns all modules that are to go in: those loaded at start, then the others.
    fn add_by_alias(&mut self, modules: &Modules, names: &[String], loaded: Vec<String>) -> Vec<String> {
        let mut all = loaded.clone();
        let mut lines = String::new();
        for name in names {
            let mut order = loaded.clone();
            modules.add(name, &mut order);
            let new = &order[loaded.len()..];
            let Some(module) = new.last() else { continue };
            let paths: Vec<_> = new.iter().map(|module| modules.device_path(module)).collect();
            let before = lines.len();
            for pattern in modules.patterns(module) {
                lines.push_str(&format!("{pattern} {}\n", paths.join(",")));
            }
            if lines.len() == before {
                self.warn(format!("no device asks for the module {name}: list it under initramfs.modules"));
            }
            for module in new {
                if !all.contains(module) {
                    all.push(module.clone());
                }
            }
        }
        if !lines.is_empty() {
            self.tree.file(ALIASES, 0o644, lines.into_bytes());
        }
        all
    }

    /// Returns whether the file was found. Linux distributions also ship firmware packed, as `NAME.xz` for example.
    fn add_firmware(&mut self, name: &str, folders: &[PathBuf]) -> Result<bool, Error> {
        let endings = || std::iter::once("").chain(ENDINGS);
        let mut paths = folders
            .iter()
            .flat_map(|folder| endings().map(move |ending| folder.join(format!("{name}{ending}"))));
        let Some(path) = paths.find(|path| path.is_file()) else { return Ok(false) };
        let content = read("read the firmware", &path)?;
        // What is asked for by a packed name is wanted as it is.
        let content = if path.ends_with(name) { content } else { unpack(&path, content)? };
        self.tree.file(&format!("{FIRMWARE_FOLDER}/{name}"), 0o644, content);
        Ok(true)
    }
}

/// Refuses a device binary that is for another processor than the kernel's module at `path`, where both can be told.
fn check_machine(inputs: &Inputs, binary: Option<u16>, path: &str, module: Option<u16>) -> Result<(), Error> {
    let (Some(binary), Some(module)) = (binary, module) else { return Ok(()) };
    if binary == module {
        return Ok(());
    }
    let [ours, theirs] = [binary, module].map(elf::machine_name);
    let why = format!(
        "is for {ours}, but the kernel is for {theirs} (its module {path}); take both for the same device"
    );
    Err(Error::unusable(&inputs.drydock, why))
}

/// Whether a device binary has a text in it that only some have, by which it says what it lacks.
fn says(binary: &[u8], text: &str) -> bool {
    let text = text.as_bytes();
    binary.windows(text.len()).any(|window| window == text)
}

fn check_known(modules: &Modules, list: &str, names: &[String], text: &ConfigText) -> Result<(), Error> {
    let unknown = names.iter().enumerate().filter(|(_, name)| modules.known(name) == Known::Unknown);
    let faults: Vec<_> = unknown
        .map(|(index, name)| {
            let message = format!(
                "the kernel {} has no module `{name}`, and nothing of that name is built in",
                modules.version()
            );
            text.fault(&format!("initramfs.{list}.{index}"), message)
        })
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(drydock_config_load::Error::Invalid(faults).into()) }
}

fn read(doing: &'static str, path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(Error::io(doing, path))
}
