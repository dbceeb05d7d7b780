//! Which release is meant for a device.

use crate::{Document, Release};
use drydock_format::Digest;
use drydock_state::UnixTime;
use std::collections::BTreeMap;
use std::fmt;

/// What a device is, as far as a channel asks.
#[derive(Clone, Copy, Debug)]
pub struct Device<'d> {
    /// Its id, by which its place in the waves is drawn.
    pub id: &'d str,
    /// The kind of device.
    pub compatible: &'d str,
    /// What it says of itself.
    pub attributes: &'d BTreeMap<String, String>,
    /// The manifest digest of the set that runs, if it has one.
    pub running: Option<Digest>,
    /// The security version below which it installs nothing.
    pub install_floor: u32,
    /// The manifest digests of releases that have failed here and are not tried again.
    pub failed: &'d [Digest],
}

impl Device<'_> {
    fn attribute(&self, name: &str) -> Option<&str> {
        match name {
            "id" => Some(self.id),
            name => self.attributes.get(name).map(String::as_str),
        }
    }

    fn fits(&self, release: &Release) -> bool {
        release.compatible == self.compatible
            && release
                .conditions
                .iter()
                .all(|condition| condition.holds(self.attribute(&condition.attribute)))
    }
}

/// What a channel means for a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision<'c> {
    /// This release is to be installed.
    Release(&'c Release),
    /// This one will be, once its time has come; until then there is nothing to do.
    NotYet {
        /// The release.
        release: &'c Release,
        /// When this device's turn is.
        from: UnixTime,
    },
    /// There is nothing to do.
    Nothing(Why),
}

/// Why there is nothing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// Somebody has stopped the channel.
    Halted,
    /// The document has expired at that time.
    Expired(UnixTime),
    /// What runs is what is meant.
    Runs(String),
    /// What is meant has failed here before.
    Failed(String),
    /// What is meant is below the device's install floor.
    BelowFloor {
        /// Its version.
        version: String,
        /// Its security version.
        security_version: u32,
        /// The device's floor.
        floor: u32,
    },
    /// Of a release that fits no wave has this device.
    NoWave(String),
    /// No release is for this device.
    NoneFits,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Halted => f.write_str("the channel is halted"),
            Self::Expired(at) => write!(
                f,
                "the channel has expired at {at}: nothing new is started; if that is not yet so, set the device's clock, else publish a new document"
            ),
            Self::Runs(version) => write!(f, "{version} is meant, and runs"),
            Self::Failed(version) => write!(f, "{version} is meant, and has failed here before"),
            Self::BelowFloor { version, security_version, floor } => write!(
                f,
                "{version} is meant, and its security version {security_version} is below this device's floor {floor}"
            ),
            Self::NoWave(version) => write!(f, "{version} is meant for other devices first"),
            Self::NoneFits => f.write_str("no release of the channel is for this device"),
        }
    }
}

/// The first release that fits, is not what failed before, and whose wave has come. What runs already ends the search: of two
/// releases the one that stands first is the more wanted one, and a device that has it is not led back to the other. Where
/// nothing is to be done, the reason is that of the first release that fits.
pub(crate) fn meant<'c>(document: &'c Document, device: &Device, now: UnixTime) -> Decision<'c> {
    if document.halt {
        return Decision::Nothing(Why::Halted);
    }
    if now >= document.expires {
        return Decision::Nothing(Why::Expired(document.expires));
    }
    let mut passed = None;
    for release in document.releases.iter().filter(|release| device.fits(release)) {
        let version = || release.version.clone();
        let turn = release.turn(&document.channel, device.id);
        let decision = if device.running == Some(release.manifest) {
            let runs = Decision::Nothing(Why::Runs(version()));
            return passed.unwrap_or(runs);
        } else if device.failed.contains(&release.manifest) {
            Decision::Nothing(Why::Failed(version()))
        } else if release.security_version < device.install_floor {
            let (security_version, floor) = (release.security_version, device.install_floor);
            Decision::Nothing(Why::BelowFloor { version: version(), security_version, floor })
        } else {
            match turn {
                Some(from) if from <= now => return Decision::Release(release),
                Some(from) => Decision::NotYet { release, from },
                None => Decision::Nothing(Why::NoWave(version())),
            }
        };
        passed.get_or_insert(decision);
    }
    passed.unwrap_or(Decision::Nothing(Why::NoneFits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::tests::sample;
    use crate::{Condition, PLACES, Test, Wave, place};
    use drydock_format::sha256;
    use proptest::prelude::*;

    fn europe() -> BTreeMap<String, String> {
        BTreeMap::from([("region".to_owned(), "eu".to_owned())])
    }

    fn device<'d>(id: &'d str, attributes: &'d BTreeMap<String, String>) -> Device<'d> {
        let (running, failed) = (None, &[][..]);
        Device { id, compatible: "acme-pump", attributes, running, install_floor: 0, failed }
    }

    /// Ids in the first tenth of the new release, and behind it.
    fn ids() -> (String, String) {
        let new = &sample().releases[0];
        let mut ids = (0..).map(|number| format!("pump-{number}"));
        let early = ids.find(|id| place("stable", &new.manifest, id) < 1000).unwrap();
        (early, ids.find(|id| place("stable", &new.manifest, id) >= 1000).unwrap())
    }

    #[test]
    fn the_first_release_that_fits_and_whose_wave_has_come_is_meant() {
        let (document, europe, none) = (sample(), europe(), BTreeMap::new());
        let [new, old] = &document.releases[..] else { panic!() };
        let (early, late) = ids();
        for (id, now, expected) in [
            (&early, 1999, Decision::Release(old)),
            (&early, 2000, Decision::Release(new)),
            (&late, 2000, Decision::Release(old)),
            (&late, 3000, Decision::Release(new)),
        ] {
            assert_eq!(meant(&document, &device(id, &europe), UnixTime(now)), expected, "{id} {now}");
        }
        assert_eq!(meant(&document, &device(&early, &none), UnixTime(3000)), Decision::Release(old));
        let other = Device { compatible: "acme-valve", ..device(&early, &europe) };
        assert_eq!(meant(&document, &other, UnixTime(3000)), Decision::Nothing(Why::NoneFits));
    }

    #[test]
    fn what_runs_is_left_alone_and_what_comes_later_is_told() {
        let (document, europe) = (sample(), europe());
        let [new, old] = &document.releases[..] else { panic!() };
        let (_, late) = ids();
        let runs = |manifest| Device { running: Some(manifest), ..device(&late, &europe) };
        // It has it by hand, before its turn: the release behind it is no reason to go back.
        let decision = meant(&document, &runs(new.manifest), UnixTime(2000));
        assert_eq!(decision, Decision::Nothing(Why::Runs("2.0".into())));
        let decision = meant(&document, &runs(old.manifest), UnixTime(2000));
        assert_eq!(decision, Decision::NotYet { release: new, from: UnixTime(3000) });
    }

    #[test]
    fn a_channel_that_is_halted_or_has_expired_starts_nothing() {
        let (mut document, europe) = (sample(), europe());
        let (early, _) = ids();
        let expired = Decision::Nothing(Why::Expired(UnixTime(9000)));
        assert_eq!(meant(&document, &device(&early, &europe), UnixTime(9000)), expired);
        assert!(matches!(meant(&document, &device(&early, &europe), UnixTime(8999)), Decision::Release(_)));
        document.halt = true;
        assert_eq!(
            meant(&document, &device(&early, &europe), UnixTime(3000)),
            Decision::Nothing(Why::Halted)
        );
    }

    #[test]
    fn what_has_failed_here_or_is_below_the_floor_is_passed_by() {
        let (mut document, europe) = (sample(), europe());
        let manifests = [document.releases[0].manifest, document.releases[1].manifest];
        let (early, _) = ids();
        let failed = |failed| Device { failed, running: Some(manifests[1]), ..device(&early, &europe) };
        let now = UnixTime(3000);
        assert_eq!(
            meant(&document, &failed(&manifests[..1]), now),
            Decision::Nothing(Why::Failed("2.0".into()))
        );
        let both = Device { running: None, ..failed(&manifests) };
        assert_eq!(meant(&document, &both, now), Decision::Nothing(Why::Failed("2.0".into())));
        document.releases[0].security_version = 3;
        let high = Device { install_floor: 4, ..device(&early, &europe) };
        let why = Why::BelowFloor { version: "2.0".into(), security_version: 3, floor: 4 };
        assert_eq!(meant(&document, &high, now), Decision::Nothing(why));
        let third = Device { install_floor: 3, ..device(&early, &europe) };
        assert_eq!(meant(&document, &third, now), Decision::Release(&document.releases[0]));
    }

    #[test]
    fn devices_can_be_named_by_their_id() {
        let (mut document, europe) = (sample(), europe());
        document.releases.truncate(1);
        document.releases[0].waves.clear();
        document.releases[0].conditions =
            vec![Condition { attribute: "id".into(), test: Test::OneOf(vec!["pump-1".into()]) }];
        let decide = |id| meant(&document, &device(id, &europe), UnixTime(1));
        assert!(matches!(decide("pump-1"), Decision::Release(_)));
        assert_eq!(decide("pump-2"), Decision::Nothing(Why::NoneFits));
    }

    #[test]
    fn a_device_that_no_wave_has_waits() {
        let (mut document, europe) = (sample(), europe());
        document.releases.truncate(1);
        document.releases[0].waves.truncate(1);
        let (_, late) = ids();
        let decision = meant(&document, &device(&late, &europe), UnixTime(3000));
        assert_eq!(decision, Decision::Nothing(Why::NoWave("2.0".into())));
    }

    proptest! {
        /// However the shares grow and the time goes on.
        #[test]
        fn a_growing_share_never_takes_a_device_out_again(
            id in "[a-z0-9-]{1,12}", version in "[a-z0-9]{1,8}", steps in proptest::collection::vec(1..PLACES, 1..20)
        ) {
            let (mut document, europe) = (sample(), europe());
            document.releases.truncate(1);
            document.releases[0].manifest = sha256(version.as_bytes());
            let mut steps = steps;
            steps.sort_unstable();
            let mut was_in = false;
            for (time, share) in steps.into_iter().enumerate() {
                document.releases[0].waves = vec![Wave { share, from: UnixTime(0) }];
                let now = UnixTime(1000 + time as u64);
                let is_in = matches!(meant(&document, &device(&id, &europe), now), Decision::Release(_));
                prop_assert!(is_in || !was_in, "{share}");
                was_in = is_in;
            }
        }
    }
}
