//! From one document of a channel to the next.

use super::{TypedWave, When};
use crate::Error;
use drydock_bundle::open_file;
use drydock_channel::{Condition, Document, Format, Release};
use drydock_format::{Bundle, signature};
use drydock_state::UnixTime;
use std::path::{Path, PathBuf};

/// Where a release lies and whom it is for. What is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Placement {
    /// Where the bundle lies.
    pub url: Option<String>,
    /// What must hold of a device.
    pub conditions: Option<Vec<Condition>>,
    /// Who has it from when on.
    pub waves: Option<Vec<TypedWave>>,
}

/// What is done to the list of releases.
#[derive(Clone, Debug)]
pub enum Change {
    /// Nothing.
    None,
    /// The release of this bundle comes to stand first.
    Add(PathBuf, Placement),
    /// This one is placed anew.
    Place(String, Placement),
    /// This one goes.
    Remove(String),
}

/// A change of a channel.
#[derive(Clone, Debug)]
pub struct Edit {
    /// What is done to its releases.
    pub change: Change,
    /// Whether it is halted from then on, if that changes.
    pub halt: Option<bool>,
    /// When the new document expires.
    pub expires: When,
}

/// A channel without releases, which has had no document yet. Its sequence number is the last one that was used elsewhere.
pub fn begin(name: &str, sequence: u64) -> Document {
    Document {
        drydock: Format::V1,
        channel: name.into(),
        sequence,
        made: UnixTime(0),
        expires: UnixTime(1),
        halt: false,
        releases: Vec::new(),
        critical: Vec::new(),
    }
}

impl Edit {
    /// Returns the next document of a channel. It keeps every rule of the format.
    pub fn apply(&self, old: &Document, now: UnixTime) -> Result<Document, Error> {
        let mut new = Document { sequence: old.sequence + 1, made: now, ..old.clone() };
        if now < old.made {
            let problem = format!(
                "it was made at {}, and by this machine's clock it is {now}; set the clock, or no device takes it for new",
                old.made
            );
            return Err(Error::Input { what: format!("changing the channel {}", old.channel), problem });
        }
        new.expires = self.expires.at(now);
        new.halt = self.halt.unwrap_or(old.halt);
        match &self.change {
            Change::None => {}
            Change::Add(path, placement) => {
                let release = release(path, placement, now)?;
                let same = |other: &&Release| {
                    other.manifest == release.manifest && other.conditions == release.conditions
                };
                if let Some(there) = new.releases.iter().find(same) {
                    let problem =
                        format!("{} is in the channel already, for the same devices", there.version);
                    return Err(Error::Input { what: format!("adding {}", path.display()), problem });
                }
                new.releases.insert(0, release);
            }
            Change::Place(which, placement) => {
                let at = pick(old, which)?;
                if let Some(release) = new.releases.get_mut(at) {
                    place(release, placement, now);
                }
            }
            Change::Remove(which) => {
                let at = pick(old, which)?;
                new.releases.remove(at);
            }
        }
        Ok(Document::parse(&new.to_bytes())?)
    }
}

fn place(release: &mut Release, placement: &Placement, now: UnixTime) {
    let Placement { url, conditions, waves } = placement;
    if let Some(url) = url {
        release.url.clone_from(url);
    }
    if let Some(conditions) = conditions {
        release.conditions.clone_from(conditions);
    }
    if let Some(waves) = waves {
        release.waves = waves.iter().map(|wave| wave.at(now)).collect();
    }
}

/// What a bundle says of itself. No device will take one that nobody has signed.
fn release(path: &Path, placement: &Placement, now: UnixTime) -> Result<Release, Error> {
    let wrong =
        |problem: &str| Error::Input { what: format!("adding {}", path.display()), problem: problem.into() };
    let bundle = Bundle::open_unverified(open_file(path)?)?;
    if signature::parse(bundle.signature_bytes())?.is_empty() {
        return Err(wrong("it is not signed; sign it first (drydock-bundle sign)"));
    }
    let manifest = bundle.manifest();
    let name = path.file_name().and_then(|name| name.to_str());
    let plain =
        |name: &&str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-+~".contains(&byte));
    let url = match (&placement.url, name.filter(plain)) {
        (Some(url), _) => url.clone(),
        (None, Some(name)) => name.to_owned(),
        (None, None) => return Err(wrong("its name can't stand in an address as it is; say --url")),
    };
    let mut release = Release {
        version: manifest.version.clone(),
        security_version: manifest.security_version,
        manifest: bundle.manifest_digest(),
        url,
        compatible: manifest.compatible.clone(),
        conditions: Vec::new(),
        waves: Vec::new(),
    };
    place(&mut release, placement, now);
    Ok(release)
}

/// Returns which release of a channel is meant by a version, or by a number like `#1`.
///
/// # Errors
/// None is, or several are.
pub fn pick(document: &Document, which: &str) -> Result<usize, Error> {
    let wrong = |problem: String| Error::Input { what: format!("looking for release {which}"), problem };
    let count = document.releases.len();
    if let Some(number) = which.strip_prefix('#') {
        let number = number.parse().ok().filter(|number| (1..=count).contains(number));
        return number.map(|number: usize| number - 1).ok_or_else(|| {
            wrong(format!("the channel has {count} releases; `drydock-fleet channel show` lists them"))
        });
    }
    let mut found =
        (0..count).filter(|at| document.releases.get(*at).is_some_and(|one| one.version == which));
    match (found.next(), found.next()) {
        (Some(at), None) => Ok(at),
        (Some(first), Some(second)) => {
            Err(wrong(format!("several have this version; say which one: #{} or #{}", first + 1, second + 1)))
        }
        (None, _) => {
            Err(wrong("it is not in the channel; `drydock-fleet channel show` lists what is".into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_format::sha256;

    fn one(version: &str) -> Release {
        Release {
            version: version.into(),
            security_version: 0,
            manifest: sha256(version.as_bytes()),
            url: version.into(),
            compatible: "acme-pump".into(),
            conditions: Vec::new(),
            waves: Vec::new(),
        }
    }

    fn edit(change: Change) -> Edit {
        Edit { change, halt: None, expires: "90d".parse().unwrap() }
    }

    #[test]
    fn each_change_is_the_next_document() {
        let begun = Document { releases: vec![one("2"), one("1")], ..begin("stable", 6) };
        let now = UnixTime(1_000_000);
        let next = edit(Change::Remove("#1".into())).apply(&begun, now).unwrap();
        assert_eq!((next.sequence, next.made, next.releases.len()), (7, now, 1));
        assert_eq!(next.expires, UnixTime(1_000_000 + 90 * 86_400));
        let halted = Edit { halt: Some(true), ..edit(Change::None) }.apply(&next, now).unwrap();
        let later = edit(Change::None).apply(&halted, now).unwrap();
        assert_eq!((halted.halt, later.halt, later.sequence), (true, true, 9));
        let placement = Placement { waves: Some(vec!["5%".parse().unwrap()]), ..Placement::default() };
        let placed = edit(Change::Place("1".into(), placement)).apply(&later, now).unwrap();
        assert_eq!(placed.releases[0].waves[0].from, now);
        assert!(edit(Change::None).apply(&placed, UnixTime(999_999)).is_err());
    }

    #[test]
    fn what_breaks_the_formats_rules_is_not_made() {
        let begun = Document { releases: vec![one("1")], ..begin("stable", 0) };
        let waves = |waves: &[&str]| {
            let waves = waves.iter().map(|wave| wave.parse().unwrap()).collect();
            edit(Change::Place("1".into(), Placement { waves: Some(waves), ..Placement::default() }))
        };
        let now = UnixTime(1000);
        assert!(waves(&["5%", "100%@+1d"]).apply(&begun, now).is_ok());
        assert!(waves(&["100%", "5%@+1d"]).apply(&begun, now).is_err());
        assert!(waves(&["5%@+1d", "100%"]).apply(&begun, now).is_err());
        let past = Edit { expires: "1970-01-01".parse().unwrap(), ..edit(Change::None) };
        assert!(past.apply(&begun, now).is_err());
    }

    #[test]
    fn a_release_is_named_by_its_version_or_its_place() {
        let document = Document { releases: vec![one("2"), one("1"), one("2")], ..begin("stable", 0) };
        assert_eq!((pick(&document, "1").unwrap(), pick(&document, "#3").unwrap()), (1, 2));
        let several = pick(&document, "2").unwrap_err().to_string();
        assert!(several.contains("#1 or #3"), "{several}");
        for wrong in ["3", "#0", "#4", "#", "#x"] {
            assert!(pick(&document, wrong).is_err(), "{wrong}");
        }
    }
}
