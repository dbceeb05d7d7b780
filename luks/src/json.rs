//! The LUKS2 metadata: a JSON object with key slots, segments, digests and tokens.
//!
//! The text is kept as it was read, and only the parts that a change is about are replaced; so tokens and
//! whatever else other programs keep there survive. The parts that decide how bytes are read are taken
//! literally: a field that is not known there is a refusal.

use crate::kdf::{Bytes, Hash, Kdf};
use crate::slot::{KeyDigest, Payload, Slot};
use crate::{Error, af, cipher};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// More metadata than this, in bytes, is refused before it is parsed. A key slot takes about 600.
const MAX_TEXT: usize = 128 * 1024;
/// Key slots are numbered from 0 up to this, exclusive.
pub(crate) const MAX_SLOTS: u32 = 32;
/// Key slots lie at multiples of this, in bytes.
pub(crate) const AREA_ALIGN: u64 = 4096;

/// Metadata that was found to be in order.
#[derive(Clone, Debug)]
pub(crate) struct Metadata {
    pub(crate) raw: Value,
    /// First and last byte (exclusive) of the area for key slots.
    pub(crate) area: std::ops::Range<u64>,
    /// All key slots, those that belong to another digest included.
    pub(crate) keyslots: BTreeMap<u32, Keyslot>,
    pub(crate) digest_id: String,
    /// The key slots that hold the volume key.
    pub(crate) bound: Vec<u32>,
    pub(crate) digest: KeyDigest,
    pub(crate) payload: Payload,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Keyslot {
    #[serde(rename = "type")]
    pub(crate) kind: KeyslotKind,
    pub(crate) key_size: u32,
    pub(crate) af: Af,
    pub(crate) area: Area,
    pub(crate) kdf: Kdf,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) priority: Option<u32>,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) enum KeyslotKind {
    #[serde(rename = "luks2")]
    Luks2,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Af {
    Luks1 { stripes: u32, hash: Hash },
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Area {
    Raw {
        #[serde(with = "decimal")]
        offset: u64,
        #[serde(with = "decimal")]
        size: u64,
        encryption: String,
        key_size: u32,
    },
}

impl Area {
    /// First and last byte (exclusive), if these are numbers at all.
    pub(crate) fn range(&self) -> Option<std::ops::Range<u64>> {
        let Self::Raw { offset, size, .. } = self;
        Some(*offset..offset.checked_add(*size)?)
    }
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
        segments: Vec<String>,
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

#[derive(Debug, Deserialize)]
struct Parts {
    keyslots: BTreeMap<u32, Keyslot>,
    segments: BTreeMap<String, Segment>,
    digests: BTreeMap<String, DigestObject>,
    config: Config,
}

/// 64-bit numbers are decimal strings in the format.
mod decimal {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        String::deserialize(from)?.parse().map_err(|_| D::Error::custom("a number that is none"))
    }

    pub(super) fn serialize<S: Serializer>(value: &u64, to: S) -> Result<S::Ok, S::Error> {
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
        let config = Config::deserialize(&raw["config"]).map_err(not_understood)?;
        if let Some((kind, what)) = config.requirements.iter().find(|(_, what)| !what.is_empty()) {
            return Err(Error::unsupported(format_args!("it has the {kind} requirements {what:?}")));
        }
        let parts = Parts::deserialize(&raw).map_err(not_understood)?;
        let Parts { keyslots, segments, digests, config } = parts;
        let options =
            config.flags.iter().filter_map(|flag| option(flag).transpose()).collect::<Result<_, _>>()?;
        let area_end = config.keyslots_size.saturating_add(2 * header_size);
        if config.json_size != header_size - crate::header2::SIZE as u64 {
            return Err(Error::damaged(format_args!("metadata of {} bytes", config.json_size)));
        }

        let mut segments = segments.into_iter();
        let (Some((segment_id, segment)), None) = (segments.next(), segments.next()) else {
            return Err(Error::unsupported("it does not have exactly one segment"));
        };
        let (payload, encryption) = segment.check(options)?;
        if payload.offset < area_end || !config.keyslots_size.is_multiple_of(AREA_ALIGN) {
            return Err(Error::damaged(format_args!(
                "key slots end at byte {area_end}, payload begins at byte {}",
                payload.offset
            )));
        }

        let mut owners = digests
            .into_iter()
            .filter(|(_, DigestObject::Pbkdf2 { segments, .. })| segments.contains(&segment_id));
        let (Some((digest_id, digest)), None) = (owners.next(), owners.next()) else {
            return Err(Error::damaged("not exactly one digest for the payload's key"));
        };
        let DigestObject::Pbkdf2 { keyslots: bound, hash, iterations, salt, digest: value, .. } = digest;
        let bound: Vec<u32> = bound.iter().filter_map(|id| id.parse().ok()).collect();
        let digest = KeyDigest { hash, iterations, salt: salt.0, value: value.0 };

        let metadata =
            Self { raw, area: 2 * header_size..area_end, keyslots, digest_id, bound, digest, payload };
        metadata.check_keyslots(&encryption)?;
        Ok(metadata)
    }

    fn check_keyslots(&self, encryption: &str) -> Result<(), Error> {
        let mut ends: Vec<std::ops::Range<u64>> = Vec::new();
        for (&id, keyslot) in &self.keyslots {
            if id >= MAX_SLOTS || self.raw["keyslots"].get(id.to_string()).is_none() {
                return Err(Error::damaged(format_args!("a key slot with the number {id}")));
            }
            let name = format!("key slot {id}");
            let Area::Raw { encryption: area_encryption, key_size, .. } = &keyslot.area;
            cipher::check(area_encryption, *key_size as usize, &name)?;
            let Af::Luks1 { stripes, .. } = keyslot.af;
            if stripes as usize != af::STRIPES {
                return Err(Error::unsupported(format_args!("{name} has {stripes} stripes")));
            }
            if keyslot.priority.is_some_and(|priority| priority > 2) {
                return Err(Error::unsupported(format_args!("{name} has priority {:?}", keyslot.priority)));
            }
            let material = u64::from(keyslot.key_size) * af::STRIPES as u64;
            let range = keyslot.area.range().filter(|range| {
                range.start >= self.area.start
                    && range.end <= self.area.end
                    && range.start.is_multiple_of(AREA_ALIGN)
                    && range.end - range.start >= material
                    && ends.iter().all(|other| range.start >= other.end || other.start >= range.end)
            });
            ends.push(range.ok_or_else(|| Error::damaged(format_args!("{name} has no place of its own")))?);
            if self.bound.contains(&id) {
                cipher::check(encryption, keyslot.key_size as usize, &name)?;
            }
        }
        Ok(())
    }

    /// The key slots that hold the volume key.
    pub(crate) fn slots(&self) -> Vec<Slot> {
        let bound = self.keyslots.iter().filter(|(id, _)| self.bound.contains(id));
        bound.map(|(&id, keyslot)| keyslot.slot(id)).collect()
    }
}

impl Keyslot {
    pub(crate) fn slot(&self, id: u32) -> Slot {
        let Area::Raw { offset, key_size, .. } = &self.area;
        let Af::Luks1 { hash, .. } = self.af;
        Slot {
            id,
            priority: self.priority.unwrap_or(1),
            key_size: self.key_size as usize,
            area_key_size: *key_size as usize,
            area_offset: *offset,
            af_hash: hash,
            kdf: self.kdf.clone(),
        }
    }
}

impl Segment {
    fn check(self, options: Vec<&'static str>) -> Result<(Payload, String), Error> {
        let Self::Crypt { offset, size, iv_tweak, encryption, sector_size } = self;
        // The key's size is the key slots' to say.
        cipher::check(&encryption, 64, "the payload")?;
        if !matches!(sector_size, 512 | 1024 | 2048 | 4096) {
            return Err(Error::unsupported(format_args!("sectors of {sector_size} bytes")));
        }
        let size = match size.as_str() {
            "dynamic" => None,
            number => {
                Some(number.parse::<u64>().map_err(|_| Error::damaged("payload size that is no number"))?)
            }
        };
        let whole = |n: u64| n.is_multiple_of(u64::from(sector_size));
        if !offset.is_multiple_of(512) || !size.is_none_or(whole) {
            return Err(Error::damaged("payload not in whole sectors"));
        }
        Ok((Payload { offset, size, sector_size, iv_offset: iv_tweak, options }, encryption))
    }
}

/// What a persistent flag means for dm-crypt, if anything.
fn option(flag: &str) -> Result<Option<&'static str>, Error> {
    match flag {
        "allow-discards" => Ok(Some("allow_discards")),
        "same-cpu-crypt" => Ok(Some("same_cpu_crypt")),
        "submit-from-crypt-cpus" => Ok(Some("submit_from_crypt_cpus")),
        "no-read-workqueue" => Ok(Some("no_read_workqueue")),
        "no-write-workqueue" => Ok(Some("no_write_workqueue")),
        // About the journal of dm-integrity, which is refused as a segment.
        "no-journal" => Ok(None),
        other => Err(Error::unsupported(format_args!("unknown flag {other:?}"))),
    }
}

fn not_understood(e: serde_json::Error) -> Error {
    Error::unsupported(format_args!("metadata not understood: {e}"))
}
