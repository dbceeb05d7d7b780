//! The LUKS2 metadata: a JSON object with key slots, segments, digests and tokens.
//!
//! The text is kept as it was read, and only the parts that a change is about are replaced; so tokens and
//! whatever else other programs keep there survive. The parts that decide how the payload is read are taken
//! literally: a field that is not known in the segment or in its digest is a refusal. A key slot that is not
//! understood only does not count.

use crate::kdf::{Bytes, Hash};
use crate::slot::{Foreign, KeyDigest, Payload, Slot};
use crate::slot2::{self, AREA_ALIGN, Keyslot, MAX_SLOTS};
use crate::{Error, cipher};
use drydock_block::SectorSize;
use drydock_json::from_value;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::Range;

/// More metadata than this, in bytes, is refused before it is parsed. A key slot takes about 600.
const MAX_TEXT: usize = 128 * 1024;

/// Metadata that was found to be in order.
#[derive(Clone, Debug)]
pub(crate) struct Metadata {
    pub(crate) raw: Value,
    /// First and last byte (exclusive) of the area for key slots.
    pub(crate) area: Range<u64>,
    /// All key slots that are understood, those that belong to another digest included.
    pub(crate) keyslots: BTreeMap<u32, Keyslot>,
    /// The others, by what they are called.
    pub(crate) foreign: BTreeMap<String, Foreign>,
    pub(crate) digest_id: String,
    /// The key slots that hold the volume key.
    pub(crate) bound: Vec<String>,
    pub(crate) digest: KeyDigest,
    pub(crate) payload: Payload,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
enum Segment {
    Crypt {
        #[serde(with = "decimal")]
        offset: u64,
        size: String,
        #[serde(with = "decimal")]
        iv_tweak: u64,
        encryption: String,
        sector_size: u32,
    },
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
enum DigestObject {
    Pbkdf2 {
        keyslots: Vec<String>,
        /// See [`DigestUse`].
        #[serde(rename = "segments")]
        _segments: IgnoredAny,
        hash: Hash,
        iterations: u32,
        salt: Bytes,
        digest: Bytes,
    },
}

#[derive(Debug, Deserialize)]
struct Config {
    #[serde(with = "decimal")]
    json_size: u64,
    #[serde(with = "decimal")]
    keyslots_size: u64,
    #[serde(default)]
    flags: Vec<String>,
    #[serde(default)]
    requirements: BTreeMap<String, Vec<String>>,
}

/// What of a digest tells whether it is that of the payload's key. Others may be of any kind.
#[derive(Debug, Deserialize)]
struct DigestUse {
    #[serde(default)]
    segments: Vec<String>,
}

/// 64-bit numbers are decimal strings in the format.
pub(crate) mod decimal {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        String::deserialize(from)?.parse().map_err(|_| D::Error::custom("a number that is none"))
    }

    pub(crate) fn serialize<S: Serializer>(value: &u64, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&value.to_string())
    }
}

impl Metadata {
    /// Reads and checks the text of a header of `header_size` bytes.
    pub(crate) fn parse(text: &[u8], header_size: u64) -> Result<Self, Error> {
        if text.len() > MAX_TEXT {
            return Err(Error::unsupported(format_args!(
                "metadata of {} bytes, at most {MAX_TEXT} are allowed",
                text.len()
            )));
        }
        let raw = serde_json::from_slice(text)
            .map_err(|e| Error::damaged(format_args!("metadata is not JSON: {e}")))?;
        Self::from_value(raw, header_size)
    }

    /// Checks metadata, whether they were read or are about to be written.
    pub(crate) fn from_value(raw: Value, header_size: u64) -> Result<Self, Error> {
        // What is required comes first: the rest may have a meaning that is not known here.
        let config = from_value::<Config>(&raw["config"]).map_err(not_understood("config"))?;
        if let Some((kind, what)) = config.requirements.iter().find(|(_, what)| !what.is_empty()) {
            return Err(Error::unsupported(format_args!(
                "it has the {kind} requirements {}",
                what.join(", ")
            )));
        }
        let options = config.flags.iter().filter_map(|flag| option(flag)).collect();
        let area_end = config.keyslots_size.saturating_add(2 * header_size);
        if config.json_size != header_size - crate::header2::SIZE as u64 {
            return Err(Error::damaged(format_args!("metadata of {} bytes", config.json_size)));
        }

        let mut segments = objects(&raw, "segments")?.into_iter();
        let (Some((segment_id, segment)), None) = (segments.next(), segments.next()) else {
            return Err(Error::unsupported("it does not have exactly one segment"));
        };
        let of = format!("segment {segment_id}");
        let payload = from_value::<Segment>(segment).map_err(not_understood(&of))?.check(options)?;
        if payload.offset < area_end || !config.keyslots_size.is_multiple_of(AREA_ALIGN) {
            return Err(Error::damaged(format_args!(
                "key slots end at byte {area_end}, payload begins at byte {}",
                payload.offset
            )));
        }

        let mut owners = objects(&raw, "digests")?.into_iter().filter(|(_, digest)| {
            from_value(digest).is_ok_and(|digest: DigestUse| digest.segments.contains(segment_id))
        });
        let (Some((digest_id, digest)), None) = (owners.next(), owners.next()) else {
            return Err(Error::damaged("not exactly one digest for the payload's key"));
        };
        let of = format!("digest {digest_id}");
        let digest_id = digest_id.clone();
        let DigestObject::Pbkdf2 { keyslots: bound, hash, iterations, salt, digest, .. } =
            from_value(digest).map_err(not_understood(&of))?;
        let digest = KeyDigest { hash, iterations, salt: salt.0, value: digest.0 };

        let area = 2 * header_size..area_end;
        let (mut keyslots, mut foreign) = (BTreeMap::new(), BTreeMap::new());
        for (name, value) in objects(&raw, "keyslots")? {
            // Only one way to write a number: another one could name the same key slot twice.
            let id = name.parse().ok().filter(|id: &u32| *id < MAX_SLOTS && id.to_string() == *name);
            let parsed = id.ok_or_else(|| format!("its number is not one of 0 to {}", MAX_SLOTS - 1));
            match parsed.and_then(|id| Ok((id, Keyslot::parse(value, &area)?))) {
                Ok((id, keyslot)) => drop(keyslots.insert(id, keyslot)),
                Err(why) => drop(foreign.insert(name.clone(), slot2::foreign(value, why))),
            }
        }
        Ok(Self { raw, area, keyslots, foreign, digest_id, bound, digest, payload })
    }

    /// The key slots that hold the volume key and are understood.
    pub(crate) fn slots(&self) -> Vec<Slot> {
        let bound = self.keyslots.iter().filter(|(id, _)| self.bound.contains(&id.to_string()));
        bound.map(|(&id, keyslot)| keyslot.slot(id)).collect()
    }

    /// Those that hold it and are not understood, by what they are called.
    pub(crate) fn foreign_slots(&self) -> impl Iterator<Item = (&String, &Foreign)> {
        self.foreign.iter().filter(|(name, _)| self.bound.contains(name))
    }

    /// Whether the key material of each key slot lies where it belongs, of those that are not understood, too.
    pub(crate) fn all_within_area(&self) -> bool {
        let within = |place: Range<u64>| place.start >= self.area.start && place.end <= self.area.end;
        let mut all = self.raw["keyslots"].as_object().into_iter().flatten();
        all.all(|(_, keyslot)| slot2::place(keyslot).is_some_and(within))
    }

    /// The ranges of the area for key slots that no key slot takes, in order; see [`unused`](slot2::unused).
    pub(crate) fn unused(&self) -> Result<Vec<Range<u64>>, Error> {
        slot2::unused(&self.raw["keyslots"], &self.area)
    }
}

fn objects<'r>(raw: &'r Value, name: &str) -> Result<&'r serde_json::Map<String, Value>, Error> {
    let all = raw.get(name).and_then(Value::as_object);
    all.ok_or_else(|| Error::damaged(format_args!("metadata without {name}")))
}

impl Segment {
    fn check(self, options: Vec<&'static str>) -> Result<Payload, Error> {
        let Self::Crypt { offset, size, iv_tweak, encryption, sector_size } = self;
        // The key's size is the key slots' to say.
        cipher::check(&encryption, 64)
            .map_err(|why| Error::unsupported(format_args!("the payload: {why}")))?;
        let sector_size = SectorSize::from_bytes(sector_size)
            .ok_or_else(|| Error::unsupported(format_args!("sectors of {sector_size} bytes")))?;
        let size = match size.as_str() {
            "dynamic" => None,
            number => {
                Some(number.parse::<u64>().map_err(|_| Error::damaged("payload size that is no number"))?)
            }
        };
        let whole = |n: u64| sector_size.divides(n);
        if !offset.is_multiple_of(512) || !size.is_none_or(whole) {
            return Err(Error::damaged("payload not in whole sectors"));
        }
        Ok(Payload { offset, size, sector_size, iv_offset: iv_tweak, options })
    }
}

/// What a persistent flag means for dm-crypt, if anything. Flags are about speed; what must not be overlooked is among
/// the requirements. So one that is not known is overlooked, as cryptsetup does.
fn option(flag: &str) -> Option<&'static str> {
    match flag {
        "allow-discards" => Some("allow_discards"),
        "same-cpu-crypt" => Some("same_cpu_crypt"),
        "submit-from-crypt-cpus" => Some("submit_from_crypt_cpus"),
        "no-read-workqueue" => Some("no_read_workqueue"),
        "no-write-workqueue" => Some("no_write_workqueue"),
        _ => None,
    }
}

fn not_understood(of: &str) -> impl FnOnce(serde_json::Error) -> Error {
    move |e| Error::unsupported(format_args!("{of} not understood: {e}"))
}
