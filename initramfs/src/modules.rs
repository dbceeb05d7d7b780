//! A kernel's modules: what they need, what loads them, and in which order.
//!
//! Read from the lists that `depmod` writes, described in modules.dep(5), and by kmod's source where that page
//! is silent: names use `-` and `_` alike; a soft dependency may be the name of a module or an alias.

use crate::Error;
use crate::packed::{plain_name, unpack};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The module folder of one kernel version, `/lib/modules/VERSION`.
#[derive(Debug)]
pub struct Modules {
    folder: PathBuf,
    version: String,
    modules: BTreeMap<String, Module>,
    builtin: BTreeSet<String>,
    /// Pattern and module, in the file's order.
    aliases: Vec<(String, String)>,
}

#[derive(Debug)]
struct Module {
    /// Path below the folder.
    path: String,
    /// Modules to load before, the last one first.
    needs: Vec<String>,
    /// Names or aliases of modules to load before, where there are such.
    likes: Vec<String>,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// A module, or an alias of one.
    Module,
    /// Part of the kernel itself: nothing to load.
    Builtin,
    /// Nothing in this kernel.
    Unknown,
}

impl Modules {
    /// Reads the lists in `folder`, which is named after the kernel's version.
    ///
    /// # Errors
    /// The folder's name can be no version, `modules.dep` is missing (the message tells how to make it), or a list
    /// can't be read.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let folder = folder.canonicalize().map_err(Error::io("open the module folder", folder))?;
        let version = folder.file_name().and_then(|name| name.to_str()).map(str::to_owned);
        let version =
            version.ok_or_else(|| Error::unusable(&folder, "is not named after a kernel's version"))?;
        let mut modules = BTreeMap::new();
        for line in read_list(&folder, "modules.dep", IfMissing::Fail)?.lines() {
            if let Some((path, needs)) = line.split_once(':') {
                let needs = needs.split_whitespace().map(module_name).collect();
                modules.insert(module_name(path), Module { path: path.to_owned(), needs, likes: vec![] });
            }
        }
        for line in read_list(&folder, "modules.softdep", IfMissing::Empty)?.lines() {
            let Some(line) = line.strip_prefix("softdep ") else { continue };
            let mut words = line.split_whitespace();
            let Some(module) = words.next().and_then(|name| modules.get_mut(&normal(name))) else { continue };
            let before = words.skip_while(|word| *word != "pre:").skip(1).take_while(|word| *word != "post:");
            module.likes.extend(before.map(normal));
        }
        let mut aliases = Vec::new();
        for line in read_list(&folder, "modules.alias", IfMissing::Empty)?.lines() {
            let words: Vec<_> = line.split_whitespace().collect();
            if let ["alias", pattern, module] = words[..] {
                aliases.push((pattern.to_owned(), normal(module)));
            }
        }
        let builtin =
            read_list(&folder, "modules.builtin", IfMissing::Empty)?.lines().map(module_name).collect();
        Ok(Self { folder, version, modules, builtin, aliases })
    }

    /// The kernel's version, as `uname -r` will tell it.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What `name` stands for in this kernel.
    pub fn known(&self, name: &str) -> Known {
        let name = normal(name);
        if !self.named(&name).is_empty() {
            Known::Module
        } else if self.builtin.contains(&name) {
            Known::Builtin
        } else {
            Known::Unknown
        }
    }

    /// Adds the module `name`, and before it what it depends on, to the load order `order`. What is there
    /// already stays where it is. A name that is no module adds nothing.
    pub fn add(&self, name: &str, order: &mut Vec<String>) {
        let mut entered: BTreeSet<String> = order.iter().cloned().collect();
        self.add_name(&normal(name), &mut entered, order);
    }

    fn add_name(&self, name: &str, entered: &mut BTreeSet<String>, order: &mut Vec<String>) {
        for name in self.named(name) {
            let Some(module) = self.modules.get(&name) else { continue };
            // Soft dependencies may go round in circles.
            if !entered.insert(name.clone()) {
                continue;
            }
            for need in module.likes.iter().chain(module.needs.iter().rev()) {
                self.add_name(need, entered, order);
            }
            order.push(name);
        }
    }

    /// The module of that (normal) name, or else the modules that have it as an alias.
    fn named(&self, name: &str) -> Vec<String> {
        if self.modules.contains_key(name) {
            return vec![name.to_owned()];
        }
        if self.builtin.contains(name) {
            return vec![];
        }
        let of_alias = self.aliases.iter().filter(|(pattern, _)| normal(pattern) == name);
        let found: BTreeSet<_> = of_alias.map(|(_, module)| module.clone()).collect();
        found.into_iter().filter(|module| self.modules.contains_key(module)).collect()
    }

    /// The patterns of the devices that `module`, a name out of a load order, drives.
    pub fn patterns(&self, module: &str) -> impl Iterator<Item = &str> {
        self.aliases.iter().filter(move |(_, name)| name == module).map(|(pattern, _)| pattern.as_str())
    }

    /// Where the device finds a module out of a load order: `/lib/modules/VERSION/….ko`.
    pub fn device_path(&self, module: &str) -> String {
        let path = self.modules.get(module).map_or("", |module| module.path.as_str());
        format!("/lib/modules/{}/{}", self.version, plain_name(path))
    }

    /// The content of a module out of a load order, decompressed: the device loads it as it is.
    ///
    /// # Errors
    /// The file is missing or damaged.
    pub fn read(&self, module: &str) -> Result<Vec<u8>, Error> {
        let path = self.folder.join(self.modules.get(module).map_or("", |module| module.path.as_str()));
        unpack(&path, std::fs::read(&path).map_err(Error::io("read the kernel module", &path))?)
    }
}

/// The firmware files that a module says it may ask for (`modinfo -F firmware`), in its order.
pub fn firmware_of(module: &[u8]) -> Vec<String> {
    const KEY: &[u8] = b"firmware=";
    let mut found = Vec::new();
    for at in 0..module.len().saturating_sub(KEY.len()) {
        // .modinfo is a run of NUL-terminated KEY=VALUE strings; `xfirmware=` is another key.
        let starts = module[at..].starts_with(KEY) && (at == 0 || !module[at - 1].is_ascii_graphic());
        let value = module[at + KEY.len()..].split(|byte| *byte == 0).next().filter(|_| starts);
        if let Some(Ok(name)) = value.map(std::str::from_utf8) {
            found.push(name.to_owned());
        }
    }
    found
}

fn normal(name: &str) -> String {
    name.replace('-', "_")
}

/// `kernel/drivers/block/virtio_blk.ko.zst` is `virtio_blk`.
fn module_name(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    normal(file.split(".ko").next().unwrap_or(file))
}

/// What a list that is not there means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum IfMissing {
    /// That the folder is not ready for use.
    Fail,
    /// That there is nothing in it.
    Empty,
}

fn read_list(folder: &Path, name: &str, if_missing: IfMissing) -> Result<String, Error> {
    let path = folder.join(name);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && if_missing == IfMissing::Empty => {
            Ok(String::new())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let version = folder.file_name().unwrap_or_default().to_string_lossy();
            // ROOT/lib/modules/VERSION
            let root = folder.ancestors().nth(3).unwrap_or(Path::new("/"));
            let why = format!("is missing; make it with: depmod -b {} {version}", root.display());
            Err(Error::unusable(&path, why))
        }
        Err(error) => Err(Error::io("read the module list", &path)(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::firmware_of;

    #[test]
    fn firmware_names_come_from_modinfo() {
        let module = b"\x7fELF\x01firmware=a/b.bin\0license=GPL\0xfirmware=no\0firmware=c.fw\0rest";
        assert_eq!(firmware_of(module), ["a/b.bin", "c.fw"]);
        assert!(firmware_of(b"firmware").is_empty());
    }
}
