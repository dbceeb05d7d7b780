//! Opening: from the bytes on a device to the volume key.

use crate::header1::{self, Header1};
use crate::header2::{self, Header2, array};
use crate::json::Metadata;
use crate::kdf::Limits;
use crate::slot::{Foreign, KeyDigest, Payload, Slot};
use crate::{Error, KeyringKey, cipher};
use drydock_block::{BlockDevice, SectorSize, Sectors, read_vec};
use std::fmt;
use zeroize::Zeroizing;

/// A LUKS volume whose header was read and found to be in order.
pub struct Volume<'d> {
    pub(crate) device: &'d dyn BlockDevice,
    pub(crate) limits: Limits,
    pub(crate) header: Header,
}

pub(crate) enum Header {
    Luks1(Header1),
    Luks2(Box<Luks2>),
}

/// The newest header of a LUKS2 volume.
pub(crate) struct Luks2 {
    pub(crate) header: Header2,
    /// The metadata as they are on the medium.
    pub(crate) text: Vec<u8>,
    pub(crate) metadata: Metadata,
    /// Where the other header lies, in bytes, if it is damaged or older.
    pub(crate) stale: Option<u64>,
}

impl<'d> Volume<'d> {
    /// Reads and checks the headers of a LUKS1 or LUKS2 volume. Nothing is written.
    ///
    /// Of two LUKS2 headers the one with the higher sequence number counts. If the first is damaged, the second
    /// is looked for wherever the format allows it. Where both are whole but have different UUIDs the answer
    /// is [`Error::Conflict`]: one of them was left behind by an earlier volume.
    pub fn open(device: &'d dyn BlockDevice, limits: &Limits) -> Result<Self, Error> {
        let header = match luks1(device)? {
            Some(header) => Header::Luks1(header),
            None => {
                let (header, text, stale) = newest(device)?;
                let metadata = Metadata::parse(&text, header.size)?;
                Header::Luks2(Box::new(Luks2 { header, text, metadata, stale }))
            }
        };
        let volume = Self { device, limits: *limits, header };
        volume.digest().check(limits)?;
        volume.payload().size_on(device.size())?;
        Ok(volume)
    }

    /// 1 or 2.
    pub fn version(&self) -> u32 {
        match self.header {
            Header::Luks1(_) => 1,
            Header::Luks2(_) => 2,
        }
    }

    /// The UUID in the header.
    pub fn uuid(&self) -> &str {
        match &self.header {
            Header::Luks1(header) => &header.uuid,
            Header::Luks2(luks2) => &luks2.header.uuid,
        }
    }

    /// The size in bytes of the device that it is on.
    pub fn device_size(&self) -> u64 {
        self.device.size()
    }

    /// The numbers of the key slots that hold the volume key and are understood.
    pub fn slots(&self) -> Vec<u32> {
        self.key_slots().iter().map(|slot| slot.id).collect()
    }

    /// Whether no key slot holds the volume key, so that nothing opens the volume any more. One that is not understood
    /// counts: somebody may have its key.
    pub fn is_erased(&self) -> bool {
        self.slots().is_empty() && self.foreign_slots().is_empty()
    }

    /// Whether one of a LUKS2 volume's two headers is damaged or older than the other.
    pub fn one_header_stale(&self) -> bool {
        matches!(&self.header, Header::Luks2(luks2) if luks2.stale.is_some())
    }

    /// Tries a passphrase, or the contents of a key file, on all key slots: those marked as preferred first,
    /// those marked to be ignored not at all.
    ///
    /// A key slot that is not understood, whose cost is beyond the limits, or that can't be read is left out; if no
    /// other one fits, the error says why.
    pub fn unlock(&self, key: &[u8]) -> Result<Unlocked, Error> {
        // There are few: putting each in its place takes less code on a device than sorting.
        let mut slots: Vec<Slot> = Vec::new();
        for slot in self.key_slots().into_iter().filter(|slot| slot.priority > 0) {
            let place = slots.partition_point(|before| before.priority >= slot.priority);
            slots.insert(place, slot);
        }
        let foreign = self.foreign_slots().into_iter().filter(|(_, slot)| slot.priority > 0);
        self.try_slots(&slots, foreign.map(|(name, slot)| slot.error(name)).collect(), key)
    }

    /// Tries a key on one key slot, whatever its priority.
    pub fn unlock_slot(&self, slot: u32, key: &[u8]) -> Result<Unlocked, Error> {
        let mut slots = self.key_slots();
        slots.retain(|s| s.id == slot);
        let foreign = self.foreign_slots().into_iter().filter(|(name, _)| **name == slot.to_string());
        let foreign: Vec<Error> = foreign.map(|(name, slot)| slot.error(name)).collect();
        if slots.is_empty() && foreign.is_empty() {
            return Err(Error::NoSuchSlot(slot));
        }
        self.try_slots(&slots, foreign, key)
    }

    fn try_slots(&self, slots: &[Slot], mut left_out: Vec<Error>, key: &[u8]) -> Result<Unlocked, Error> {
        let mut tried = 0;
        for slot in slots {
            match slot.kdf.check(slot.id, &self.limits).and_then(|()| slot.open(self.device, key)) {
                Ok(volume_key) if self.digest().matches(&volume_key) => {
                    return self.unlocked(slot.id, volume_key);
                }
                Ok(_) => tried += 1,
                Err(error) => left_out.push(error),
            }
        }
        Err(match (tried, left_out.pop()) {
            (0, Some(only)) if left_out.is_empty() => only,
            (tried, last) => {
                left_out.extend(last);
                if tried == 0 { Error::NoKeySlot { left_out } } else { Error::WrongKey { tried, left_out } }
            }
        })
    }

    pub(crate) fn unlocked(&self, slot: u32, key: Zeroizing<Vec<u8>>) -> Result<Unlocked, Error> {
        let size = self.payload().size_on(self.device.size())?;
        Ok(Unlocked { slot: Some(slot), payload: self.payload().clone(), size, key: VolumeKey::Bytes(key) })
    }

    /// Takes a key of the keyring for the volume's own. Whether it is can't be told before something is read through it:
    /// nobody but the kernel sees it.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where the key's length is not one of the cipher's.
    pub fn unlock_by_keyring(&self, key: &KeyringKey) -> Result<Unlocked, Error> {
        cipher::check(cipher::ALLOWED, key.size).map_err(Error::Unsupported)?;
        let size = self.payload().size_on(self.device.size())?;
        let (payload, key) = (self.payload().clone(), VolumeKey::Keyring(key.clone()));
        Ok(Unlocked { slot: None, payload, size, key })
    }

    pub(crate) fn key_slots(&self) -> Vec<Slot> {
        match &self.header {
            Header::Luks1(header) => header.slots.clone(),
            Header::Luks2(luks2) => luks2.metadata.slots(),
        }
    }

    /// The key slots that hold the volume key and are not understood, by what they are called.
    fn foreign_slots(&self) -> Vec<(&String, &Foreign)> {
        match &self.header {
            Header::Luks1(header) => header.foreign.iter().collect(),
            Header::Luks2(luks2) => luks2.metadata.foreign_slots().collect(),
        }
    }

    pub(crate) fn digest(&self) -> &KeyDigest {
        match &self.header {
            Header::Luks1(header) => &header.digest,
            Header::Luks2(luks2) => &luks2.metadata.digest,
        }
    }

    pub(crate) fn payload(&self) -> &Payload {
        match &self.header {
            Header::Luks1(header) => &header.payload,
            Header::Luks2(luks2) => &luks2.metadata.payload,
        }
    }
}

impl fmt::Debug for Volume<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LUKS{} volume {} with key slots {:?}", self.version(), self.uuid(), self.slots())
    }
}

/// A volume's key and all that is needed to use it. The key is cleared on drop.
pub struct Unlocked {
    slot: Option<u32>,
    payload: Payload,
    size: u64,
    key: VolumeKey,
}

enum VolumeKey {
    Bytes(Zeroizing<Vec<u8>>),
    Keyring(KeyringKey),
}

impl Unlocked {
    /// The key slot that the key opened, if it was one.
    pub fn slot(&self) -> Option<u32> {
        self.slot
    }
    /// Where the payload begins.
    pub fn payload_offset(&self) -> Sectors {
        Sectors::from_bytes(self.payload.offset)
    }
    /// The payload's size; whole encryption sectors.
    pub fn payload_size(&self) -> Sectors {
        Sectors::from_bytes(self.size)
    }
    /// The cipher, in dm-crypt's words.
    pub fn cipher(&self) -> &'static str {
        cipher::ALLOWED
    }
    /// The size of an encryption sector.
    pub fn sector_size(&self) -> SectorSize {
        self.payload.sector_size
    }
    /// The number that the payload's first sector has for the cipher, which counts sectors of 512 bytes. It wraps round,
    /// and is no place on a device.
    pub fn iv_offset(&self) -> u64 {
        self.payload.iv_offset
    }
    /// Options that the header sets for dm-crypt, such as `allow_discards`.
    pub fn options(&self) -> &[&'static str] {
        &self.payload.options
    }
    /// Returns the volume key, for the kernel's keyring.
    ///
    /// # Errors
    /// Where it is in the keyring already, and never shows its bytes.
    pub fn volume_key(&self) -> Result<&[u8], Error> {
        match &self.key {
            VolumeKey::Bytes(key) => Ok(key),
            VolumeKey::Keyring(key) => Err(Error::Invalid(format!(
                "the {} key `{}` opens the volume and never leaves the kernel; what needs its bytes can't be done",
                key.kind, key.description
            ))),
        }
    }

    /// Returns the volume key's name in the keyring, where that is all there is.
    pub fn keyring_key(&self) -> Option<&KeyringKey> {
        match &self.key {
            VolumeKey::Bytes(_) => None,
            VolumeKey::Keyring(key) => Some(key),
        }
    }
}

impl fmt::Debug for Unlocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            VolumeKey::Bytes(_) => {
                write!(f, "volume key from LUKS key slot {}", self.slot.unwrap_or_default())
            }
            VolumeKey::Keyring(key) => write!(f, "volume key {key}"),
        }
    }
}

fn luks1(device: &dyn BlockDevice) -> Result<Option<Header1>, Error> {
    // A first sector that can't be read is left to LUKS2, which has another one.
    match read_vec(device, 0, header2::SIZE) {
        Ok(start) if start.starts_with(header2::MAGIC) && start[6..8] == [0, 1] => {
            Header1::parse(&array::<{ header1::SIZE }>(&start, 0)).map(Some)
        }
        _ => Ok(None),
    }
}

type Copy = (Header2, Vec<u8>);

/// Reads the header that may lie at `offset` and checks it, up to the text of its metadata.
fn read_copy(device: &dyn BlockDevice, offset: u64) -> Result<Copy, Error> {
    let reading = Error::io("reading the LUKS header");
    if offset + header2::SIZE as u64 > device.size() {
        return Err(Error::NotLuks);
    }
    let start = read_vec(device, offset, header2::SIZE).map_err(&reading)?;
    let header = Header2::parse(&array(&start, 0), offset)?;
    if offset + header.size > device.size() {
        return Err(Error::damaged("it is larger than the device"));
    }
    let whole = read_vec(device, offset, header.size as usize).map_err(&reading)?;
    let text = header.checked_text(&whole)?.to_vec();
    Ok((header, text))
}

/// The newest header of a LUKS2 volume, its metadata's text, and the place of the other one if that is damaged or
/// older.
fn newest(device: &dyn BlockDevice) -> Result<(Header2, Vec<u8>, Option<u64>), Error> {
    match read_copy(device, 0) {
        Ok((first, first_text)) => {
            let place = first.size;
            match read_copy(device, place) {
                Ok((second, second_text)) => {
                    same_volume(&first, &second)?;
                    if second.sequence > first.sequence {
                        return Ok((second, second_text, Some(0)));
                    }
                    let same = second.sequence == first.sequence && second_text == first_text;
                    Ok((first, first_text, (!same).then_some(place)))
                }
                Err(_) => Ok((first, first_text, Some(place))),
            }
        }
        Err(first_error) => {
            let mut newest: Option<Copy> = None;
            let mut any_damaged = !matches!(first_error, Error::NotLuks);
            for place in header2::SIZES {
                match read_copy(device, place) {
                    Ok(copy) => {
                        if let Some(other) = &newest {
                            same_volume(&other.0, &copy.0)?;
                        }
                        newest = newest.filter(|other| other.0.sequence >= copy.0.sequence).or(Some(copy));
                    }
                    Err(e) => any_damaged |= !matches!(e, Error::NotLuks),
                }
            }
            match newest {
                Some((header, text)) => Ok((header, text, Some(0))),
                None if any_damaged && matches!(first_error, Error::NotLuks) => {
                    Err(Error::damaged("the first copy is missing and the second is damaged"))
                }
                None => Err(first_error),
            }
        }
    }
}

fn same_volume(first: &Header2, second: &Header2) -> Result<(), Error> {
    if first.uuid == second.uuid {
        return Ok(());
    }
    Err(Error::Conflict { first: first.uuid.clone(), second: second.uuid.clone() })
}
