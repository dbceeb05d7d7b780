//! A release as a channel names it: which one, where it lies, for whom, and when.

use crate::condition::Condition;
use crate::fields::Fields;
use crate::limits::{MAX_CONDITIONS, MAX_NUMBER, MAX_URL, MAX_WAVES};
use crate::place::PLACES;
use crate::{Error, place};
use drydock_format::Digest;
use drydock_state::UnixTime;
use drydock_transfer::Address;
use serde::Serialize;

/// A release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Release {
    /// Its version, for people.
    pub version: String,
    /// Its security version.
    pub security_version: u32,
    /// The digest of its manifest: the bundle that is meant, and no other.
    pub manifest: Digest,
    /// Where the bundle lies: absolute, or from the channel's own address.
    pub url: String,
    /// The kind of device that it is for.
    pub compatible: String,
    /// What must hold of a device's attributes: all of these.
    #[serde(rename = "where", skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Who is to have it from when on. Without any, everybody at once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waves: Vec<Wave>,
}

/// A part of the devices, and when its time comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Wave {
    /// How many of ten thousand devices are in it, those of all waves before it included.
    pub share: u32,
    /// When their time comes.
    pub from: UnixTime,
}

impl Release {
    pub(crate) fn read(fields: &Fields) -> Result<Self, Error> {
        let release = Self {
            version: fields.word("version", 64, b".+~_-")?,
            security_version: fields.number("security_version", u64::from(u32::MAX))? as u32,
            manifest: fields.digest("manifest")?,
            url: fields.text("url", MAX_URL)?,
            compatible: fields.word("compatible", 64, b"._-")?,
            conditions: fields
                .objects("where", MAX_CONDITIONS)?
                .iter()
                .map(Condition::read)
                .collect::<Result<_, _>>()?,
            waves: fields.objects("waves", MAX_WAVES)?.iter().map(Wave::read).collect::<Result<_, _>>()?,
        };
        release.check(fields)?;
        Ok(release)
    }

    fn check(&self, fields: &Fields) -> Result<(), Error> {
        let path = self.url.split(['?', '#']).next().unwrap_or_default();
        if self.url.is_empty() || path.split('/').any(|part| part == "..") {
            return Err(fields.wrong("url", "it is empty, or has a part `..`"));
        }
        if !self.url.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(fields.wrong("url", "it has characters that must be percent-encoded"));
        }
        if fields.get("waves").is_some() && self.waves.is_empty() {
            return Err(fields.wrong("waves", "there are none; leave it out for everybody at once"));
        }
        let grow = |pair: &[Wave]| match pair {
            [one, next] => one.share < next.share && one.from <= next.from,
            _ => true,
        };
        match self.waves.windows(2).all(grow) {
            true => Ok(()),
            false => Err(fields.wrong("waves", "their shares do not grow, or their times fall")),
        }
    }

    /// When it is a device's turn, by its place: `None` where no wave has it yet.
    pub(crate) fn turn(&self, channel: &str, id: &str) -> Option<UnixTime> {
        if self.waves.is_empty() {
            return Some(UnixTime(0));
        }
        let place = place(channel, &self.manifest, id);
        self.waves.iter().find(|wave| place < wave.share).map(|wave| wave.from)
    }

    /// Returns where the bundle lies, for a channel that was fetched from this address.
    ///
    /// # Errors
    /// It is no address, or one without TLS where the channel's has it.
    pub fn address(&self, channel: &Address) -> Result<Address, Error> {
        let wrong = |problem: String| Error::Field { of: "channel", field: "url".into(), problem };
        let to = channel.join(&self.url).map_err(|why| wrong(format!("{}: {why}", self.url)))?;
        if channel.place().secure && !to.place().secure {
            return Err(wrong(format!("{to}: the channel comes by https, and this would be http")));
        }
        Ok(to)
    }
}

impl Wave {
    fn read(fields: &Fields) -> Result<Self, Error> {
        let share = fields.number("share", u64::from(PLACES))? as u32;
        if share == 0 {
            return Err(fields.wrong("share", "it is 0; leave the wave out"));
        }
        Ok(Self { share, from: UnixTime(fields.number("from", MAX_NUMBER)?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::read;

    const GOOD: &str = r#"{"version":"2.0.1","security_version":2,"url":"v2.drydock","compatible":"acme-pump",
        "manifest":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "waves":[{"share":100,"from":10},{"share":10000,"from":20}]}"#;

    fn release(text: &str) -> Result<Release, Error> {
        Release::read(&Fields::of("channel", &read("channel", text.as_bytes())?)?)
    }

    #[test]
    fn what_could_mean_two_things_is_refused() {
        assert!(release(GOOD).is_ok());
        for (old, new) in [
            (r#""share":100,"#, r#""share":0,"#),
            (r#""share":100,"#, r#""share":10000,"#),
            (r#""share":10000"#, r#""share":10001"#),
            (r#""from":10}"#, r#""from":21}"#),
            (r#"[{"share":100,"from":10},{"share":10000,"from":20}]"#, "[]"),
            ("v2.drydock", ""),
            ("v2.drydock", "a/../v2"),
            ("v2.drydock", "v 2"),
            ("acme-pump", "acme pump"),
            (r#""security_version":2"#, r#""security_version":4294967296"#),
            (r#""security_version":2"#, r#""security_version":-1"#),
            ("2.0.1", ""),
            ("ba78", "BA78"),
            (r#""waves""#, r#""where":[{"attribute":"a"}],"waves""#),
            (r#""waves""#, r#""where":[{"attribute":"a","later":1}],"waves""#),
            (r#""waves""#, r#""where":[{"attribute":"a","equals":"1","exists":true}],"waves""#),
            (r#""waves""#, r#""where":[{"attribute":"a","one_of":[]}],"waves""#),
            (r#""waves""#, r#""where":{"a":"1"},"waves""#),
        ] {
            let text = GOOD.replacen(old, new, 1);
            assert!(matches!(release(&text), Err(Error::Field { .. })), "{text}");
        }
    }

    #[test]
    fn a_bundle_lies_beside_its_channel_or_elsewhere_but_never_without_tls() {
        let at = Address::parse("https://cdn.example/pumps/stable.channel").unwrap();
        let mut one = release(GOOD).unwrap();
        for (url, to) in [
            ("v2.drydock", "https://cdn.example/pumps/v2.drydock"),
            ("/v2.drydock", "https://cdn.example/v2.drydock"),
            ("https://other.example/v2", "https://other.example/v2"),
        ] {
            one.url = url.into();
            assert_eq!(one.address(&at).unwrap().to_string(), to);
        }
        one.url = "http://cdn.example/v2".into();
        assert!(one.address(&at).is_err());
        assert!(one.address(&Address::parse("http://cdn.example/stable.channel").unwrap()).is_ok());
    }
}
