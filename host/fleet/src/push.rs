//! A release goes to the server: as one software module with the bundle, and a distribution set that has it.
//!
//! The set is made last, so that what is not whole can't be given to a device; whatever has ended on the way is gone on with.

use crate::model::{Artifact, Entry, Module, Set};
use crate::query::{all, encode, equals};
use crate::upload::upload;
use crate::{Client, Error, Name, Release, Watch, sets};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

/// hawkBit's own type of software modules and of distribution sets that are a whole system.
const TYPE: &str = "os";

/// What a push came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// The release is new on the server.
    New,
    /// It was there in part, and is whole now.
    Mended,
    /// It was there. Nothing was changed.
    There,
    /// It was there, in a file of other bytes: signed by others, or with other deltas. Nothing was changed.
    ThereInOtherBytes,
}

/// Where a release is on the server.
#[derive(Clone, Debug)]
pub struct Place {
    /// What was done.
    pub pushed: Pushed,
    /// The number of the distribution set.
    pub set: u64,
    /// The number of the software module.
    pub module: u64,
    /// The name of the file.
    pub file_name: String,
}

/// Uploads a release under this name and its own version. On return the server has all of it. An error that is
/// [`Error::Conflict`]: the server has something else under that name and version, and keeps it.
pub fn push(client: &Client, release: &Release, name: &Name, watch: &dyn Watch) -> Result<Place, Error> {
    let version = Name::new("the version", &release.version)?;
    let doing = format!("uploading {name} {version}");
    let mut job = Job { client, release, name, version, doing, changes: 0 };
    let set = sets::of_version(client, &job.version, Some(name))?.into_iter().next();
    let found = job.module()?;
    if let Some(set) = &set {
        job.check_set(set, found.as_ref())?;
    }
    let is_new = found.is_none();
    let module = match found {
        Some(module) => module.id,
        None => job.make_module()?.id,
    };
    let file = job.fill(module, watch)?;
    let set = job.hold(set, module)?;
    let pushed = match (is_new, job.changes, file.is_same) {
        (true, ..) => Pushed::New,
        (false, 1.., _) => Pushed::Mended,
        (false, 0, true) => Pushed::There,
        (false, 0, false) => Pushed::ThereInOtherBytes,
    };
    Ok(Place { pushed, set, module, file_name: file.name })
}

/// A push on its way.
struct Job<'a> {
    client: &'a Client,
    release: &'a Release,
    name: &'a Name,
    version: Name,
    doing: String,
    /// How many things were changed that were there in part.
    changes: usize,
}

/// The file that a module has.
struct Held {
    name: String,
    /// Whether it is the one that is pushed, to the byte.
    is_same: bool,
}

impl Job<'_> {
    fn conflict(&self, problem: String) -> Error {
        Error::Conflict { doing: self.doing.clone(), problem }
    }

    /// Returns the module of the release, if there is one.
    fn module(&self) -> Result<Option<Module>, Error> {
        let (name, version) = (self.name.as_str(), self.version.as_str());
        let query = all(&[equals("name", name), equals("version", version), equals("type.key", TYPE)]);
        let path = format!("/softwaremodules?q={}&sort=ID:ASC", encode(&query));
        let modules: Vec<Module> = self.client.list("looking for the release", &path)?;
        let is_it = |one: &Module| !one.deleted && one.name == name && one.version == version;
        Ok(modules.into_iter().find(is_it))
    }

    /// Refuses a set that has software, and not ours.
    fn check_set(&self, set: &Set, module: Option<&Module>) -> Result<(), Error> {
        let own = module.map(|own| own.id);
        if set.modules.iter().any(|one| Some(one.id) == own) {
            return Ok(());
        }
        let Some(other) = set.modules.first() else { return Ok(()) };
        let other = crate::printable(&format!("{} {}", other.name, other.version));
        Err(self.conflict(format!(
            "the server has other software under that version ({other}); choose another version"
        )))
    }

    fn make_module(&self) -> Result<Module, Error> {
        let (name, version) = (self.name.as_str(), self.version.as_str());
        let body =
            json!([{"name": name, "version": version, "type": TYPE, "description": "A drydock bundle"}]);
        only(&self.doing, self.client.post(&self.doing, "/softwaremodules", &body))
    }

    /// Puts into a module what it lacks.
    fn fill(&mut self, module: u64, watch: &dyn Watch) -> Result<Held, Error> {
        let path = format!("/softwaremodules/{module}");
        let metadata: Vec<Entry> = self.client.list(&self.doing, &format!("{path}/metadata?"))?;
        let said =
            |key: &str| metadata.iter().find(|entry| entry.key == key).and_then(|entry| entry.value.clone());
        let manifest = self.release.manifest.to_string();
        if let Some(other) = said("manifest").filter(|other| *other != manifest) {
            let other = crate::printable(&other);
            return Err(self.conflict(format!(
                "the server has another bundle under that version (manifest {other}, not {manifest}); a release keeps its version: give this one a new one"
            )));
        }
        let artifacts: Vec<Artifact> = self.client.get(&self.doing, &format!("{path}/artifacts"))?;
        let with = |sha256: &String| artifacts.iter().find(|one| one.hashes.sha256.as_ref() == Some(sha256));
        if let Some(ours) = with(&self.release.sha256.to_string()) {
            self.describe(&path, &metadata)?;
            return Ok(Held { name: ours.file_name.clone(), is_same: true });
        }
        // The metadata says of its file that it is of this very manifest.
        let same_release = said("manifest").and_then(|_| said("sha256"));
        if let Some(other) = same_release.and_then(|sha256| with(&sha256)) {
            return Ok(Held { name: other.file_name.clone(), is_same: false });
        }
        if let Some(other) = artifacts.first() {
            let file = crate::printable(&other.file_name);
            return Err(self.conflict(format!("the server has another file under that version ({file})")));
        }
        // What names the release comes before it, so that nobody else's bundle can be taken for the rest of this one.
        self.describe(&path, &metadata)?;
        let name = self.release.file_name(self.name.as_str());
        upload(self.client, &self.doing, module, self.release, &name, watch)?;
        self.changes += 1;
        Ok(Held { name, is_same: true })
    }

    /// Writes what the manifest says into the module's metadata, where devices see it.
    fn describe(&mut self, module: &str, there: &[Entry]) -> Result<(), Error> {
        let release = self.release;
        let facts = [
            ("manifest", release.manifest.to_string()),
            ("compatible", release.compatible.clone()),
            ("version", release.version.clone()),
            ("security_version", release.security_version.to_string()),
            ("sha256", release.sha256.to_string()),
            ("size", release.size.to_string()),
        ];
        let is_there = |(key, value): &&(&str, String)| {
            there
                .iter()
                .any(|entry| entry.key == *key && entry.value.as_ref() == Some(value) && entry.visible)
        };
        let lacking = facts.iter().filter(|fact| !is_there(fact));
        let entries: Vec<Value> =
            lacking.map(|(key, value)| json!({"key": key, "value": value, "targetVisible": true})).collect();
        if !entries.is_empty() {
            self.changes += entries.len();
            self.client.post::<IgnoredAny>(&self.doing, &format!("{module}/metadata"), &entries.into())?;
        }
        Ok(())
    }

    /// Makes the set, or has it hold the module. Returns its number.
    fn hold(&mut self, set: Option<Set>, module: u64) -> Result<u64, Error> {
        let modules = json!([{"id": module}]);
        match set {
            Some(set) if set.modules.iter().any(|one| one.id == module) => Ok(set.id),
            Some(set) => {
                self.changes += 1;
                let path = format!("/distributionsets/{}/assignedSM", set.id);
                self.client.post::<IgnoredAny>(&self.doing, &path, &modules)?;
                Ok(set.id)
            }
            None => {
                self.changes += 1;
                let (name, version) = (self.name.as_str(), self.version.as_str());
                let body = json!([{"name": name, "version": version, "type": TYPE,
                    "description": "A drydock release", "modules": modules}]);
                let made: Set = only(&self.doing, self.client.post(&self.doing, "/distributionsets", &body))?;
                Ok(made.id)
            }
        }
    }
}

/// Returns the one thing that was made.
fn only<T>(doing: &str, made: Result<Vec<T>, Error>) -> Result<T, Error> {
    let nothing = || Error::Refused { doing: doing.into(), status: 201, problem: "it made nothing".into() };
    match made {
        Err(Error::Conflict { doing, problem }) => {
            let hint = "what devices were told of stays taken when it is deleted; choose another version, or try again if another push is at work";
            Err(Error::Conflict { doing, problem: format!("{problem}: {hint}") })
        }
        other => other?.into_iter().next().ok_or_else(nothing),
    }
}
