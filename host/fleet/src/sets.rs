//! Releases on the server: distribution sets by name and version.

use crate::model::Set;
use crate::query::{all, encode, equals};
use crate::{Client, Error, Name};

/// Returns all sets of a version, of one name or of any.
pub(crate) fn of_version(client: &Client, version: &Name, name: Option<&Name>) -> Result<Vec<Set>, Error> {
    let version_is = equals("version", version.as_str());
    let query = match name {
        Some(name) => all(&[equals("name", name.as_str()), version_is]),
        None => version_is,
    };
    let path = format!("/distributionsets?q={}&sort=ID:ASC", encode(&query));
    let mut sets: Vec<Set> = client.list("looking for the release", &path)?;
    // Databases may take upper and lower case for the same.
    sets.retain(|set| set.version == version.as_str() && name.is_none_or(|name| set.name == name.as_str()));
    Ok(sets)
}

/// Returns the one set of a version. Where several names have that version, `name` says which is meant.
pub fn find(client: &Client, version: &Name, name: Option<&Name>) -> Result<Set, Error> {
    let mut sets = of_version(client, version, name)?;
    let what = format!("version {version}");
    match (sets.pop(), sets.as_slice()) {
        (Some(set), []) => Ok(set),
        (None, _) => {
            let problem = "the server has no such release; drydock-fleet push uploads one".into();
            Err(Error::Input { what, problem })
        }
        (Some(last), others) => {
            let names: Vec<&str> = others.iter().chain([&last]).map(|set| set.name.as_str()).collect();
            let problem = format!("several releases have it ({}); say which with --name", names.join(", "));
            Err(Error::Input { what, problem })
        }
    }
}
