//! The LUKS1 header: 592 bytes, big endian, with eight key slots.

use crate::header2::{array, text};
use crate::kdf::{Bytes, Hash, Kdf};
use crate::slot::{Foreign, KeyDigest, Payload, Slot};
use crate::{Error, af, cipher};
use drydock_block::SectorSize;
use std::collections::BTreeMap;

/// The size of the header in bytes.
pub(crate) const SIZE: usize = 592;
const SLOT_COUNT: usize = 8;
const SLOT_SIZE: usize = 48;
const FIRST_SLOT: usize = 208;
const ACTIVE: u32 = 0x00ac_71f3;
const INACTIVE: u32 = 0x0000_dead;

/// A LUKS1 header that was found to be in order.
#[derive(Debug)]
pub(crate) struct Header1 {
    pub(crate) uuid: String,
    pub(crate) slots: Vec<Slot>,
    /// Key slots that are in use and not as they should be, each with what is wrong.
    pub(crate) foreign: BTreeMap<String, Foreign>,
    pub(crate) digest: KeyDigest,
    pub(crate) payload: Payload,
}

impl Header1 {
    /// Reads a header from the first [`SIZE`] bytes of a volume. The format has no checksum, so everything is
    /// checked that can be.
    pub(crate) fn parse(bytes: &[u8; SIZE]) -> Result<Self, Error> {
        let u32_at = |at| u32::from_be_bytes(array(bytes, at));
        let key_size = u32_at(108) as usize;
        let encryption = format!("{}-{}", text(bytes, 8, 32)?, text(bytes, 40, 32)?);
        let of_volume = |why| Error::unsupported(format_args!("the volume: {why}"));
        cipher::check(&encryption, key_size).map_err(of_volume)?;
        let hash = Hash::from_name(text(bytes, 72, 32)?).map_err(of_volume)?;
        let payload_offset = u64::from(u32_at(104)) * 512;
        let digest = KeyDigest {
            hash,
            iterations: u32_at(164),
            salt: bytes[132..164].to_vec(),
            value: bytes[112..132].to_vec(),
        };
        let (mut slots, mut foreign) = (Vec::new(), BTreeMap::new());
        for (id, at) in (0u32..).zip((FIRST_SLOT..).step_by(SLOT_SIZE)).take(SLOT_COUNT) {
            let area_offset = u64::from(u32_at(at + 40)) * 512;
            let area_end = area_offset + (key_size * af::STRIPES) as u64;
            let problem = match (u32_at(at), u32_at(at + 44)) {
                (INACTIVE, _) => continue,
                (ACTIVE, _) if area_offset < SIZE as u64 || area_end > payload_offset => {
                    Some("it does not lie between header and payload".to_owned())
                }
                (ACTIVE, stripes) if stripes as usize != af::STRIPES => {
                    Some(format!("{stripes} stripes, only {} are possible", af::STRIPES))
                }
                (ACTIVE, _) => None,
                (other, _) => Some(format!("unknown state {other:#x}")),
            };
            if let Some(why) = problem {
                foreign.insert(id.to_string(), Foreign { why, priority: 1 });
                continue;
            }
            let salt = Bytes(bytes[at + 8..at + 40].to_vec());
            let kdf = Kdf::Pbkdf2 { hash, iterations: u32_at(at + 4), salt };
            let area_key_size = key_size;
            slots.push(Slot { id, priority: 1, key_size, area_key_size, area_offset, af_hash: hash, kdf });
        }
        let payload = Payload {
            offset: payload_offset,
            size: None,
            sector_size: SectorSize::S512,
            iv_offset: 0,
            options: Vec::new(),
        };
        Ok(Self { uuid: text(bytes, 168, 40)?.to_owned(), slots, foreign, digest, payload })
    }
}
