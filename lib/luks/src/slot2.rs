//! A key slot as the LUKS2 metadata have it.
//!
//! Key slots are an administrator's to add, with whatever program and whatever that program knows. So a key slot that is
//! not understood is no reason to refuse the volume: it is left alone, and nothing is written where it lies.

use crate::kdf::Kdf;
use crate::slot::{Foreign, Slot};
use crate::{Error, af, cipher};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::ops::Range;

/// Key slots are numbered from 0 up to this, exclusive.
pub(crate) const MAX_SLOTS: u32 = 32;
/// Key slots lie at multiples of this, in bytes.
pub(crate) const AREA_ALIGN: u64 = 4096;
/// Every field that a key slot may have.
const FIELDS: [&str; 6] = ["type", "key_size", "af", "area", "kdf", "priority"];

/// A key slot that is understood, field by field.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Keyslot {
    #[serde(rename = "type")]
    pub(crate) kind: KeyslotKind,
    pub(crate) key_size: u32,
    pub(crate) af: Af,
    pub(crate) area: Area,
    pub(crate) kdf: Kdf,
    #[serde(skip_serializing_if = "Option::is_none")]
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
    Luks1 { stripes: u32, hash: crate::kdf::Hash },
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Area {
    Raw {
        #[serde(with = "crate::json::decimal")]
        offset: u64,
        #[serde(with = "crate::json::decimal")]
        size: u64,
        encryption: String,
        key_size: u32,
    },
}

impl Area {
    /// First and last byte (exclusive), if these are numbers at all.
    fn range(&self) -> Option<Range<u64>> {
        let Self::Raw { offset, size, .. } = self;
        Some(*offset..offset.checked_add(*size)?)
    }
}

/// Where a key slot says that its key material lies, whatever else is or is not understood of it.
pub(crate) fn place(keyslot: &Value) -> Option<Range<u64>> {
    let number = |name| keyslot["area"][name].as_str()?.parse::<u64>().ok();
    let start = number("offset")?;
    Some(start..start.checked_add(number("size")?)?)
}

/// A key slot of which this was found.
pub(crate) fn foreign(keyslot: &Value, why: String) -> Foreign {
    let priority = keyslot["priority"].as_u64().and_then(|priority| u32::try_from(priority).ok());
    Foreign { why, priority: priority.unwrap_or(1) }
}

impl Keyslot {
    /// Reads a key slot whose key material must lie within `area`. The error names the field that stands in the way.
    pub(crate) fn parse(value: &Value, area: &Range<u64>) -> Result<Self, String> {
        let fields = value.as_object().ok_or("it is no object")?;
        if let Some(unknown) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
            return Err(format!("field {unknown:?} is not known"));
        }
        let keyslot = Self {
            kind: field(value, "type")?,
            key_size: field(value, "key_size")?,
            af: field(value, "af")?,
            area: field(value, "area")?,
            kdf: field(value, "kdf")?,
            priority: field(value, "priority")?,
        };
        keyslot.check(area)?;
        Ok(keyslot)
    }

    fn check(&self, area: &Range<u64>) -> Result<(), String> {
        let Area::Raw { encryption, key_size, .. } = &self.area;
        cipher::check(encryption, *key_size as usize).map_err(|why| format!("area: {why}"))?;
        let Af::Luks1 { stripes, .. } = self.af;
        if stripes as usize != af::STRIPES {
            return Err(format!("af: {stripes} stripes, only {} are possible", af::STRIPES));
        }
        if let Some(priority) = self.priority.filter(|priority| *priority > 2) {
            return Err(format!("priority: {priority}, 0 to 2 are possible"));
        }
        cipher::check(cipher::ALLOWED, self.key_size as usize).map_err(|why| format!("key_size: {why}"))?;
        let material = u64::from(self.key_size) * af::STRIPES as u64;
        let fits = |range: &Range<u64>| {
            range.start >= area.start
                && range.end <= area.end
                && range.start.is_multiple_of(AREA_ALIGN)
                && range.end - range.start >= material
        };
        match self.area.range().filter(fits) {
            Some(_) => Ok(()),
            None => Err("area: it is no place for the key material".into()),
        }
    }

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

fn field<T: for<'de> Deserialize<'de>>(value: &Value, name: &str) -> Result<T, String> {
    drydock_json::from_value(&value[name]).map_err(|error| format!("{name}: {error}"))
}

/// The ranges of the area for key slots that no key slot of these metadata takes, in order. Refused where one that is not
/// understood does not say where it lies: it could be anywhere.
pub(crate) fn unused(keyslots: &Value, area: &Range<u64>) -> Result<Vec<Range<u64>>, Error> {
    // In order. There are few: putting each in its place takes less code on a device than sorting.
    let mut taken: Vec<Range<u64>> = Vec::new();
    for (name, keyslot) in keyslots.as_object().into_iter().flatten() {
        let place = place(keyslot).ok_or_else(|| {
            Error::key_slot(name, "it does not say where it lies, so that nothing can be written beside it")
        })?;
        // Whole blocks: what is wiped and written is aligned.
        let start = place.start.clamp(area.start, area.end);
        let end = place.end.clamp(area.start, area.end).next_multiple_of(AREA_ALIGN);
        let start = start - start % AREA_ALIGN;
        let place = taken.partition_point(|before| before.start <= start);
        taken.insert(place, start..end);
    }
    let mut free = Vec::new();
    let mut at = area.start;
    for range in taken {
        if range.start > at {
            free.push(at..range.start);
        }
        at = at.max(range.end);
    }
    if at < area.end {
        free.push(at..area.end);
    }
    Ok(free)
}
