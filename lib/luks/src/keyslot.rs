//! Changing key slots of a LUKS2 volume.
//!
//! At every moment at least one header is whole and refers only to key material that is on the medium:
//! material is written and flushed before a header names it, one header is written and flushed before the
//! other, and material is wiped only when neither names it any more.

use crate::header2::Header2;
use crate::json::Metadata;
use crate::kdf::{Hash, Kdf};
use crate::open::{Header, Luks2};
use crate::slot2::{AREA_ALIGN, Af, Area, Keyslot, KeyslotKind, MAX_SLOTS, unused};
use crate::wipe::clear;
use crate::{Cost, Error, Random, Unlocked, Volume, af, cipher};
use drydock_block::{BlockDevice, Flush, SectorSize};
use serde_json::{Map, Value, json};

impl Volume<'_> {
    /// Makes a damaged or older header good again and clears what an interrupted change has left in the area for
    /// key slots. Flushed on return; does nothing where nothing is to be done, and nothing to a LUKS1 volume.
    pub fn repair(&mut self) -> Result<(), Error> {
        if self.version() == 1 {
            return Ok(());
        }
        self.make_headers_equal()?;
        self.clear_unused()
    }

    /// Adds a key slot for `key` to a LUKS2 volume and gives its number. `unlocked` proves that the caller may.
    /// On return the key slot and both headers are on stable storage; after a cut before that the volume opens
    /// with the keys it had.
    pub fn add_key(
        &mut self,
        unlocked: &Unlocked,
        key: &[u8],
        cost: Cost,
        random: Random<'_>,
    ) -> Result<u32, Error> {
        let used = &self.luks2()?.metadata.raw["keyslots"];
        let free = (0..MAX_SLOTS).find(|id| used.get(id.to_string()).is_none());
        let id = free.ok_or(Error::NoRoom("another key slot"))?;
        let keyslot = self.write_new_slot(id, unlocked, key, cost, random)?;
        let metadata = &self.luks2()?.metadata;
        let mut raw = metadata.raw.clone();
        raw["keyslots"][id.to_string()] = serde_json::to_value(&keyslot).map_err(Error::unsupported)?;
        if let Some(bound) = raw["digests"][&metadata.digest_id]["keyslots"].as_array_mut() {
            bound.push(json!(id.to_string()));
        }
        self.commit(raw)?;
        Ok(id)
    }

    /// Lets `new` take the place of `old` in the key slot that `old` opens, and gives its number.
    ///
    /// The new key material goes to a free place and is flushed; then the headers name it instead of the old one,
    /// one after the other; then the old material is wiped. On return all of that is on stable storage. After a
    /// cut before that the volume opens with exactly one of the two keys; [`repair`](Self::repair) wipes what is left
    /// of the other.
    pub fn change_key(
        &mut self,
        old: &[u8],
        new: &[u8],
        cost: Cost,
        random: Random<'_>,
    ) -> Result<u32, Error> {
        let unlocked = self.unlock(old)?;
        let id = unlocked.slot().ok_or_else(|| Error::Invalid("the key opened no key slot".into()))?;
        let mut keyslot = self.write_new_slot(id, &unlocked, new, cost, random)?;
        let metadata = &self.luks2()?.metadata;
        keyslot.priority = metadata.keyslots.get(&id).and_then(|old| old.priority);
        let mut raw = metadata.raw.clone();
        raw["keyslots"][id.to_string()] = serde_json::to_value(&keyslot).map_err(Error::unsupported)?;
        self.commit(raw)?;
        self.clear_unused()?;
        Ok(id)
    }

    /// Removes a key slot of a LUKS2 volume: from the headers, one after the other, and then its key material. The
    /// last key slot that holds the volume key stays. On return all of that is on stable storage.
    pub fn destroy_slot(&mut self, slot: u32) -> Result<(), Error> {
        let metadata = &self.luks2()?.metadata;
        let name = slot.to_string();
        if metadata.raw["keyslots"].get(&name).is_none() {
            return Err(Error::NoSuchSlot(slot));
        }
        if self.slots() == [slot] {
            return Err(Error::LastKeySlot(slot));
        }
        let raw = without_slots(metadata.raw.clone(), &[name]);
        unused(&raw["keyslots"], &metadata.area)?;
        self.make_headers_equal()?;
        self.commit(raw)?;
        self.clear_unused()
    }

    /// Removes every mention of key slots from both headers, for [`erase`](crate::erase).
    pub(crate) fn forget_slots(&mut self) -> Result<(), Error> {
        let metadata = &self.luks2()?.metadata;
        let all: Vec<String> =
            metadata.raw["keyslots"].as_object().into_iter().flat_map(Map::keys).cloned().collect();
        self.commit(without_slots(metadata.raw.clone(), &all))
    }

    fn luks2(&self) -> Result<&Luks2, Error> {
        match &self.header {
            Header::Luks2(luks2) => Ok(luks2),
            Header::Luks1(_) => Err(Error::unsupported("the key slots of LUKS1 volumes can't be changed")),
        }
    }

    /// Writes key material for the volume key to a free place. Flushed on return; no header names it yet.
    fn write_new_slot(
        &mut self,
        id: u32,
        unlocked: &Unlocked,
        key: &[u8],
        cost: Cost,
        random: Random<'_>,
    ) -> Result<Keyslot, Error> {
        if !self.digest().matches(unlocked.volume_key()?) {
            return Err(Error::Invalid("the volume key is not that of this LUKS volume".to_owned()));
        }
        let mut salt = [0; 32];
        random(&mut salt).map_err(Error::Random)?;
        let kdf = cost.with_salt(salt)?;
        kdf.check(id, &self.limits)?;
        self.make_headers_equal()?;
        let key_size = unlocked.volume_key()?.len() as u32;
        let metadata = &self.luks2()?.metadata;
        let place = metadata.unused()?.into_iter().find(|free| free.end - free.start >= area_size(key_size));
        let place = place.ok_or(Error::NoRoom("the key material of another key slot"))?;
        let keyslot = Keyslot::new(place.start, key_size, kdf);
        write_slot(self.device, &keyslot, key, unlocked.volume_key()?, random)?;
        Ok(keyslot)
    }

    /// Brings both headers to the newest state before the next change begins: from then on a cut in the middle of
    /// writing the newer one falls back to what was true before, and not to something older.
    fn make_headers_equal(&mut self) -> Result<(), Error> {
        let device = self.device;
        let Header::Luks2(luks2) = &mut self.header else { return Ok(()) };
        let Some(place) = luks2.stale else { return Ok(()) };
        let bytes = luks2.header.to_bytes(place, &luks2.text)?;
        device.write_at(place, &bytes).map_err(Error::io("repairing a LUKS header"))?;
        device.flush(Flush::LuksHeadersEqual).map_err(Error::io("flushing a repaired LUKS header"))?;
        luks2.stale = None;
        Ok(())
    }

    fn clear_unused(&self) -> Result<(), Error> {
        for range in self.luks2()?.metadata.unused()? {
            clear(self.device, range, &[])?;
        }
        self.device.flush(Flush::LuksKeySlotWiped).map_err(Error::io("flushing a wiped LUKS key slot"))
    }

    fn commit(&mut self, raw: Value) -> Result<(), Error> {
        let luks2 = self.luks2()?;
        let metadata = Metadata::from_value(raw, luks2.header.size)?;
        let luks2 = write_both(self.device, luks2.header.clone(), metadata)?;
        self.header = Header::Luks2(Box::new(luks2));
        Ok(())
    }
}

impl Keyslot {
    /// A key slot for a volume key of `key_size` bytes with its key material at `offset`.
    pub(crate) fn new(offset: u64, key_size: u32, kdf: Kdf) -> Self {
        let encryption = cipher::ALLOWED.to_owned();
        Self {
            kind: KeyslotKind::Luks2,
            key_size,
            af: Af::Luks1 { stripes: af::STRIPES as u32, hash: Hash::Sha256 },
            area: Area::Raw { offset, size: area_size(key_size), encryption, key_size: 64 },
            kdf,
            priority: None,
        }
    }
}

/// The bytes that a key slot for a volume key of `key_size` bytes takes.
pub(crate) fn area_size(key_size: u32) -> u64 {
    (u64::from(key_size) * af::STRIPES as u64).next_multiple_of(AREA_ALIGN)
}

/// Writes a key slot's key material. Flushed on return.
pub(crate) fn write_slot(
    device: &dyn BlockDevice,
    keyslot: &Keyslot,
    key: &[u8],
    volume_key: &[u8],
    random: Random<'_>,
) -> Result<(), Error> {
    let slot = keyslot.slot(0);
    let mut material = af::split(slot.af_hash, volume_key, random)?;
    slot.area_cipher(key)?.encrypt(&mut material, SectorSize::S512, 0);
    material.resize(area_size(keyslot.key_size) as usize, 0);
    device.write_at(slot.area_offset, &material).map_err(Error::io("writing a LUKS key slot"))?;
    device.flush(Flush::LuksKeyMaterial).map_err(Error::io("flushing a new LUKS key slot"))
}

/// Writes both headers with the next sequence number, one after the other. Both are on stable storage on return.
pub(crate) fn write_both(
    device: &dyn BlockDevice,
    mut header: Header2,
    metadata: Metadata,
) -> Result<Luks2, Error> {
    let next = header.sequence.checked_add(1);
    header.sequence =
        next.ok_or_else(|| Error::unsupported("its sequence number is the last one there is"))?;
    let text = metadata.raw.to_string().into_bytes();
    let writing = Error::io("writing a LUKS header");
    let flushing = Error::io("flushing a LUKS header");
    let (first, second) = (header.to_bytes(0, &text)?, header.to_bytes(header.size, &text)?);
    device.write_at(0, &first).map_err(&writing)?;
    device.flush(Flush::LuksFirstHeader).map_err(&flushing)?;
    device.write_at(header.size, &second).map_err(&writing)?;
    device.flush(Flush::LuksSecondHeader).map_err(&flushing)?;
    Ok(Luks2 { header, text, metadata, stale: None })
}

/// The metadata without some key slots, in digests and tokens too.
fn without_slots(mut raw: Value, names: &[String]) -> Value {
    if let Some(keyslots) = raw["keyslots"].as_object_mut() {
        keyslots.retain(|name, _| !names.contains(name));
    }
    for users in ["digests", "tokens"] {
        for user in
            raw.get_mut(users).and_then(Value::as_object_mut).into_iter().flat_map(|all| all.values_mut())
        {
            if let Some(list) = user.get_mut("keyslots").and_then(Value::as_array_mut) {
                list.retain(|name| !names.iter().any(|gone| name == gone));
            }
        }
    }
    raw
}
