//! A release goes to the server: as one software module with the bundle, and a distribution set that has it.
//!
//! The set is made last, so that what is not whole can't be given to a device; whatever has ended on the way is gone on with.

use crate::model::{Artifact, Entry, Module, Set};
use crate::query::{all, encode, equals};
use crate::upload::upload;
use crate::{Client, Error, Name, Release, Watch, sets};
use serde::de::IgnoredAny;
use serde_json::json;

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
    let title = format!("uploading {name} {version}");
    let conflict = |problem: String| Error::Conflict { doing: title.clone(), problem };
    let set = sets::of_version(client, &version, Some(name))?.into_iter().next();
    let found = module(client, &version, name)?;
    if let Some(set) = &set
        && let Some(other) = set.modules.iter().find(|one| Some(one.id) != found.as_ref().map(|own| own.id))
        && !set.modules.iter().any(|one| Some(one.id) == found.as_ref().map(|own| own.id))
    {
        let (name, version) = (&other.name, &other.version);
        return Err(conflict(format!(
            "the server has other software under that version ({name} {version}); choose another version"
        )));
    }
    let mut done = Steps { is_new: found.is_none(), changes: 0 };
    let module = match found {
        Some(module) => module,
        None => make_module(client, &title, &version, name)?,
    };
    let module_path = format!("/softwaremodules/{}", module.id);

    let metadata: Vec<Entry> = client.list(&title, &format!("{module_path}/metadata?"))?;
    let manifest = release.manifest.to_string();
    let signed_as =
        metadata.iter().find(|entry| entry.key == "manifest").and_then(|entry| entry.value.as_deref());
    if let Some(other) = signed_as.filter(|other| *other != manifest) {
        return Err(conflict(format!(
            "the server has another bundle under that version (manifest {}, not {manifest}); a release keeps its version: give this one a new one",
            crate::printable(other)
        )));
    }
    let artifacts: Vec<Artifact> = client.get(&title, &format!("{module_path}/artifacts"))?;
    let sha256 = release.sha256.to_string();
    let ours = artifacts.iter().find(|one| one.hashes.sha256.as_ref() == Some(&sha256));
    let same_release = artifacts.first().filter(|_| signed_as.is_some());
    let file_name = match (ours, same_release, artifacts.first()) {
        (Some(ours), ..) => {
            done.changes += describe(client, &title, &module_path, release, &metadata)?;
            ours.file_name.clone()
        }
        (None, Some(other), _) => other.file_name.clone(),
        (None, None, Some(other)) => {
            let file = crate::printable(&other.file_name);
            return Err(conflict(format!("the server has another file under that version ({file})")));
        }
        (None, None, None) => {
            // What names the release comes before it, so that nobody else's bundle can be taken for the rest of this one.
            done.changes += describe(client, &title, &module_path, release, &metadata)?;
            let file_name = release.file_name(name.as_str());
            upload(client, &title, module.id, release, &file_name, watch)?;
            done.changes += 1;
            file_name
        }
    };

    let set = match set {
        Some(set) => {
            if !set.modules.iter().any(|one| one.id == module.id) {
                let path = format!("/distributionsets/{}/assignedSM", set.id);
                client.post::<IgnoredAny>(&title, &path, &json!([{"id": module.id}]))?;
                done.changes += 1;
            }
            set
        }
        None => {
            done.changes += 1;
            make_set(client, &title, &version, name, module.id)?
        }
    };
    let pushed = match done {
        Steps { is_new: true, .. } => Pushed::New,
        Steps { changes: 1.., .. } => Pushed::Mended,
        _ if ours.is_none() => Pushed::ThereInOtherBytes,
        _ => Pushed::There,
    };
    Ok(Place { pushed, set: set.id, module: module.id, file_name })
}

/// What was done.
struct Steps {
    is_new: bool,
    changes: usize,
}

/// Returns the module of a release, if there is one.
fn module(client: &Client, version: &Name, name: &Name) -> Result<Option<Module>, Error> {
    let parts =
        [equals("name", name.as_str()), equals("version", version.as_str()), equals("type.key", TYPE)];
    let path = format!("/softwaremodules?q={}&sort=ID:ASC", encode(&all(&parts)));
    let modules: Vec<Module> = client.list("looking for the release", &path)?;
    let is_it = |one: &Module| !one.deleted && one.name == name.as_str() && one.version == version.as_str();
    Ok(modules.into_iter().find(is_it))
}

fn make_module(client: &Client, doing: &str, version: &Name, name: &Name) -> Result<Module, Error> {
    let body = json!([{"name": name.as_str(), "version": version.as_str(), "type": TYPE, "description": "A drydock bundle"}]);
    only(doing, client.post(doing, "/softwaremodules", &body))
}

fn make_set(client: &Client, doing: &str, version: &Name, name: &Name, module: u64) -> Result<Set, Error> {
    let body = json!([{"name": name.as_str(), "version": version.as_str(), "type": TYPE, "description": "A drydock release",
        "modules": [{"id": module}]}]);
    only(doing, client.post(doing, "/distributionsets", &body))
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

/// Writes what the manifest says into the module's metadata, where devices see it. Returns how many entries it lacked.
fn describe(
    client: &Client,
    doing: &str,
    module: &str,
    release: &Release,
    there: &[Entry],
) -> Result<usize, Error> {
    let facts = [
        ("manifest", release.manifest.to_string()),
        ("compatible", release.compatible.clone()),
        ("version", release.version.clone()),
        ("security_version", release.security_version.to_string()),
        ("sha256", release.sha256.to_string()),
        ("size", release.size.to_string()),
    ];
    let is_there = |(key, value): &(&str, String)| {
        there.iter().any(|entry| entry.key == *key && entry.value.as_ref() == Some(value) && entry.visible)
    };
    let lacking: Vec<_> = facts.iter().filter(|fact| !is_there(fact)).collect();
    if lacking.is_empty() {
        return Ok(0);
    }
    let entry = |(key, value): &&(&str, String)| json!({"key": key, "value": value, "targetVisible": true});
    let body = lacking.iter().map(entry).collect();
    client.post::<IgnoredAny>(doing, &format!("{module}/metadata"), &body)?;
    Ok(lacking.len())
}
