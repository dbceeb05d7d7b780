//! What can be installed: artifacts in modules, modules in distribution sets.

use super::Denied;
use md5::Digest as _;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A file of a module.
#[derive(Clone, Debug)]
pub(crate) struct Artifact {
    pub(crate) id: u64,
    /// Its name.
    pub(crate) name: String,
    /// What is in it.
    pub(crate) bytes: Arc<Vec<u8>>,
    pub(crate) sha1: String,
    pub(crate) md5: String,
    pub(crate) sha256: String,
    /// When it came, in milliseconds since 1970.
    pub(crate) created: u64,
}

/// A software module.
#[derive(Clone, Debug)]
pub(crate) struct Module {
    pub(crate) id: u64,
    /// Its type's key, such as `os`.
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) description: Option<String>,
    pub(crate) vendor: Option<String>,
    pub(crate) artifacts: Vec<Artifact>,
    /// Values by their keys, and whether devices see them.
    pub(crate) metadata: BTreeMap<String, (String, bool)>,
    /// It was assigned: nothing of it may change.
    pub(crate) locked: bool,
    pub(crate) deleted: bool,
    pub(crate) created: u64,
}

/// A distribution set.
#[derive(Clone, Debug)]
pub(crate) struct Set {
    pub(crate) id: u64,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) description: Option<String>,
    /// Its modules.
    pub(crate) modules: Vec<u64>,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) locked: bool,
    pub(crate) deleted: bool,
    /// It is not to be assigned any more.
    pub(crate) invalid: bool,
    pub(crate) created: u64,
}

/// All that can be installed.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// Software modules.
    pub(crate) modules: BTreeMap<u64, Module>,
    /// Distribution sets.
    pub(crate) sets: BTreeMap<u64, Set>,
    artifacts: u64,
    numbers: u64,
}

/// The types of modules that a new server knows, with their names.
pub(crate) const MODULE_TYPES: &[(&str, &str)] = &[("os", "OS"), ("application", "Application")];
/// The types of sets that a new server knows, with their names.
pub(crate) const SET_TYPES: &[(&str, &str)] =
    &[("os", "OS only"), ("app", "App(s) only"), ("os_app", "OS with app(s)")];

impl Contents {
    /// A module that was not deleted.
    pub(crate) fn module(&self, id: u64) -> Result<&Module, Denied> {
        self.modules.get(&id).filter(|module| !module.deleted).ok_or(Denied::Unknown("SoftwareModule"))
    }

    /// A module, to change what is written to it.
    pub(crate) fn module_mut(&mut self, id: u64) -> Result<&mut Module, Denied> {
        let module = self.modules.get_mut(&id).filter(|module| !module.deleted);
        module.ok_or(Denied::Unknown("SoftwareModule"))
    }

    /// A set that was not deleted.
    pub(crate) fn set(&self, id: u64) -> Result<&Set, Denied> {
        self.sets.get(&id).filter(|set| !set.deleted).ok_or(Denied::Unknown("DistributionSet"))
    }

    /// A set, to change what is written to it.
    pub(crate) fn set_mut(&mut self, id: u64) -> Result<&mut Set, Denied> {
        self.sets.get_mut(&id).filter(|set| !set.deleted).ok_or(Denied::Unknown("DistributionSet"))
    }

    /// Adds a module.
    pub(crate) fn add_module(&mut self, module: Module) -> Result<&Module, Denied> {
        if !MODULE_TYPES.iter().any(|(key, _)| *key == module.kind) {
            return Err(Denied::Unknown("SoftwareModuleType"));
        }
        let same = |known: &&Module| {
            (&known.name, &known.version, &known.kind) == (&module.name, &module.version, &module.kind)
        };
        // What a device was given is only hidden when it is deleted.
        if self.modules.values().filter(|known| !known.deleted || known.locked).any(|known| same(&known)) {
            return Err(Denied::Exists("SoftwareModule"));
        }
        self.numbers += 1;
        let id = self.numbers;
        Ok(self.modules.entry(id).or_insert(Module { id, ..module }))
    }

    /// Adds a set.
    pub(crate) fn add_set(&mut self, set: Set) -> Result<&Set, Denied> {
        if !SET_TYPES.iter().any(|(key, _)| *key == set.kind) {
            return Err(Denied::Unknown("DistributionSetType"));
        }
        for module in &set.modules {
            self.module(*module)?;
        }
        let same = |known: &&Set| (&known.name, &known.version) == (&set.name, &set.version);
        if self.sets.values().filter(|known| !known.deleted || known.locked).any(|known| same(&known)) {
            return Err(Denied::Exists("DistributionSet"));
        }
        self.numbers += 1;
        let id = self.numbers;
        Ok(self.sets.entry(id).or_insert(Set { id, ..set }))
    }

    /// Whether a set has what its type asks for.
    pub(crate) fn is_complete(&self, set: &Set) -> bool {
        let has = |kind: &str| {
            set.modules.iter().filter_map(|id| self.modules.get(id)).any(|module| module.kind == kind)
        };
        match set.kind.as_str() {
            "app" => has("application"),
            _ => has("os"),
        }
    }

    /// Forgets a module; one that is in a set is only hidden, and one in a set that was assigned stays.
    pub(crate) fn delete_module(&mut self, id: u64) -> Result<(), Denied> {
        self.module(id)?;
        let mut sets = self.sets.values().filter(|set| set.modules.contains(&id)).peekable();
        let kept = sets.peek().is_some();
        if sets.any(|set| set.locked && !set.deleted) {
            return Err(Denied::Locked);
        }
        if kept {
            self.module_mut(id)?.deleted = true;
        } else {
            self.modules.remove(&id);
        }
        Ok(())
    }

    /// Forgets a set; one that was assigned is only hidden, and orders for it go on.
    pub(crate) fn delete_set(&mut self, id: u64) -> Result<(), Denied> {
        if self.set(id)?.locked {
            self.set_mut(id)?.deleted = true;
        } else {
            self.sets.remove(&id);
        }
        Ok(())
    }

    /// From a set's first assignment on it and its modules may not change.
    pub(crate) fn lock(&mut self, set: u64) {
        let Some(set) = self.sets.get_mut(&set) else { return };
        set.locked = true;
        for module in &set.modules {
            if let Some(module) = self.modules.get_mut(module) {
                module.locked = true;
            }
        }
    }

    /// Puts a file into a module.
    pub(crate) fn add_artifact(
        &mut self,
        module: u64,
        name: &str,
        bytes: Vec<u8>,
        created: u64,
    ) -> Result<&Artifact, Denied> {
        self.artifacts += 1;
        let id = self.artifacts;
        let module = self.module_mut(module)?;
        if module.locked {
            return Err(Denied::Locked);
        }
        if module.artifacts.iter().any(|known| known.name == name) {
            return Err(Denied::Exists("Artifact"));
        }
        let artifact = Artifact {
            id,
            name: name.to_owned(),
            sha1: hex(&sha1::Sha1::digest(&bytes)),
            md5: hex(&md5::Md5::digest(&bytes)),
            sha256: hex(&sha2::Sha256::digest(&bytes)),
            bytes: Arc::new(bytes),
            created,
        };
        let at = module.artifacts.len();
        module.artifacts.push(artifact);
        Ok(&module.artifacts[at])
    }
}

/// Bytes as digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
