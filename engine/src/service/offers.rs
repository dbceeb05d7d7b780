//! Bundles that lie about on media and on `data`: which can be installed, and which is newer than what runs.

use crate::error::Error;
use crate::machine::{Machine, Shelf, Shelved};
use crate::release;
use crate::service::page::harmless;
use crate::update::plan;
use crate::volume::data;
use drydock_config::Config;
use drydock_format::{Bundle, Digest, Manifest, Trusted};
use drydock_state::{MediumSource, Record, SetInfo, Source};
use std::cmp::Ordering;

/// So many bundles are offered.
pub const MOST_OFFERS: usize = 64;

/// A bundle that lies about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Where it is, for a person.
    pub place: String,
    /// Its length in bytes.
    pub size: u64,
    /// What it is, or why it can't be installed.
    pub release: Result<Installable, String>,
}

/// A bundle whose manifest is signed, and for this device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installable {
    /// Where recovery finds it.
    pub source: Source,
    /// The digest of its manifest.
    pub digest: Digest,
    /// The version.
    pub version: String,
    /// The security version.
    pub security_version: u32,
    /// Whether it is newer than what runs, and was never tried here.
    pub is_newer: bool,
}

/// Looks for bundles on a shelf. What can't be used is among them, with the reason.
pub fn find(machine: &impl Machine, record: &Record, shelf: &Shelf) -> Result<Vec<Offer>, Error> {
    let on_data = matches!(shelf, Shelf::Data(_));
    if on_data {
        data::for_reading(machine)?;
    }
    let trusted = release::trusted(machine.config())?;
    let mut offers = Vec::new();
    let found = machine.bundles(shelf, &mut |shelved| {
        if offers.len() < MOST_OFFERS {
            offers.push(offer(machine.config(), record, &trusted, on_data, shelved));
        }
    });
    // Whatever is done next finds the volume as it was.
    let released = if on_data { data::release(machine) } else { Ok(()) };
    found.and(released).map(|()| offers)
}

fn offer(config: &Config, record: &Record, trusted: &Trusted, on_data: bool, shelved: Shelved) -> Offer {
    let Shelved { place, path, size, head } = shelved;
    let name = if path.is_empty() { place.clone() } else { format!("{path} on {place}") };
    let read = |head: Vec<u8>| -> Result<(Manifest, Digest), Error> {
        let (manifest, digest) = Bundle::release(head, trusted)?;
        plan::admit(config, record, &manifest)?;
        Ok((manifest, digest))
    };
    let release =
        head.and_then(|head| read(head).map_err(|error| error.to_string())).map(|(manifest, digest)| {
            let source = if on_data { Source::Data { path } } else { Source::Medium(MediumSource { path }) };
            let info = release::info(&manifest, digest);
            let is_newer = is_newer(record, &info);
            let SetInfo { version, security_version, .. } = info;
            Installable { source, digest, version, security_version, is_newer }
        });
    Offer { place: harmless(&name, 200), size, release }
}

/// The bundle that is installed without a question: the newest of those that are newer than what runs.
pub fn newest(offers: &[Offer]) -> Option<&Installable> {
    let newer = offers.iter().filter_map(|offer| offer.release.as_ref().ok()).filter(|offer| offer.is_newer);
    newer.max_by(|a, b| order((a.security_version, &a.version), (b.security_version, &b.version)))
}

/// Whether a release is newer than the set that is started first: its security version is higher, or that is the same and
/// its version is. Where no set can be started every release is. One that was ever staged here, or is in a set, is not:
/// so each release is tried once, and one that fails or falls back does not come again.
fn is_newer(record: &Record, release: &SetInfo) -> bool {
    let first = record.sets.get(record.first_set());
    let tried = record.history.iter().any(|entry| entry.version == release.version)
        || [&record.sets.a, &record.sets.b].iter().any(|set| set.version == release.version);
    let newer = !first.bootable()
        || order((release.security_version, &release.version), (first.security_version, &first.version))
            == Ordering::Greater;
    newer && !tried
}

fn order(a: (u32, &str), b: (u32, &str)) -> Ordering {
    a.0.cmp(&b.0).then_with(|| compare_versions(a.1, b.1))
}

/// Compares versions as people read them: digits by the number that they are, everything else byte by byte, and `~` before
/// the end, as Debian has it, so that `2.0~rc1` comes before `2.0`.
pub fn compare_versions(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (here, there) = (digits(a), digits(b));
        if here > 0 && there > 0 {
            let (left, right) = (a.split_at(here), b.split_at(there));
            let number = |digits: &[u8]| -> Vec<u8> {
                digits.iter().copied().skip_while(|digit| *digit == b'0').collect()
            };
            let (m, n) = (number(left.0), number(right.0));
            match m.len().cmp(&n.len()).then_with(|| m.cmp(&n)) {
                Ordering::Equal => (a, b) = (left.1, right.1),
                other => return other,
            }
            continue;
        }
        let rank = |text: &[u8]| match text.first() {
            Some(b'~') => 0,
            None => 1,
            Some(byte) => u16::from(*byte) + 2,
        };
        match rank(a).cmp(&rank(b)) {
            Ordering::Equal if a.is_empty() => return Ordering::Equal,
            Ordering::Equal => (a, b) = (a.get(1..).unwrap_or_default(), b.get(1..).unwrap_or_default()),
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_state::{SetName, UnixTime, transition};

    const NOW: UnixTime = UnixTime(0);

    fn release(version: &str, security_version: u32) -> SetInfo {
        SetInfo { version: version.into(), security_version, ..SetInfo::default() }
    }

    #[test]
    fn versions_are_compared_as_people_read_them() {
        for (older, newer) in [
            ("1.9", "1.10"),
            ("1.10", "2"),
            ("2.0~rc1", "2.0"),
            ("2.0~rc1", "2.0~rc2"),
            ("2.0", "2.0.1"),
            ("2.0", "2.0a"),
            ("", "0"),
            ("99999999999999999999", "100000000000000000000"),
        ] {
            assert_eq!(compare_versions(older, newer), Ordering::Less, "{older} {newer}");
            assert_eq!(compare_versions(newer, older), Ordering::Greater, "{older} {newer}");
        }
        assert_eq!(compare_versions("1.02", "1.2"), Ordering::Equal);
    }

    #[test]
    fn newer_is_more_secure_or_as_secure_and_a_higher_version() {
        let record = transition::flashed(release("1.4", 3), NOW);
        for (version, security_version, newer) in
            [("1.4", 3, false), ("1.5", 3, true), ("1.3", 3, false), ("1.3", 4, true), ("9", 2, false)]
        {
            assert_eq!(is_newer(&record, &release(version, security_version)), newer, "{version}");
        }
    }

    #[test]
    fn a_release_that_was_tried_here_is_not_newer_any_more() {
        let mut record = transition::flashed(release("1.4", 3), NOW);
        transition::installed(&mut record, SetName::B, release("1.5", 3), "", NOW);
        transition::roll_back(&mut record, NOW).unwrap();
        assert_eq!(record.first_set(), SetName::A);
        assert!(!is_newer(&record, &release("1.5", 3)));
        assert!(is_newer(&record, &release("1.6", 3)));
    }
}
