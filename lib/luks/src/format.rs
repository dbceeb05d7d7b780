//! Making a LUKS2 volume.

use crate::header2::{self, Header2};
use crate::headers::Headers;
use crate::json::Metadata;
use crate::kdf::Hash;
use crate::keyslot::{area_size, write_both, write_slot};
use crate::slot::KeyDigest;
use crate::slot2::{AREA_ALIGN, Keyslot};
use crate::wipe::{DEFAULT_DATA_OFFSET, wipe_for_format};
use crate::{Cost, Error, Random, Unlocked, cipher};
use base64ct::{Base64, Encoding};
use drydock_block::{BlockDevice, Flush, SectorSize, read_vec, uuid};
use serde_json::json;
use std::ops::Range;
use zeroize::Zeroizing;

/// The volume key is random and long, so that its digest needs no cost. It is cryptsetup's minimum.
const DIGEST_ITERATIONS: u32 = 1000;

/// How a new volume shall be.
#[derive(Clone, Debug)]
pub struct FormatOptions {
    /// What it costs to derive the first key slot's key.
    pub cost: Cost,
    /// The size of an encryption sector: 512 or 4096 bytes.
    pub sector_size: SectorSize,
    /// Where the payload begins, in bytes: a multiple of 4096. The default is 16 MiB; what lies before it has
    /// room for about 60 key slots, and two are needed to change a key.
    pub data_offset: u64,
    /// Size of the volume key in bytes: 64 for AES-256, 32 for AES-128.
    pub key_size: u32,
    /// Whether discards may pass through to the device: `allow-discards` as a flag in the header.
    pub discards: bool,
    /// A label of at most 47 bytes, which udev and blkid show.
    pub label: String,
}

impl FormatOptions {
    /// AES-256, 4096-byte sectors, payload at 16 MiB, no discards, no label.
    pub fn new(cost: Cost) -> Self {
        let (sector_size, data_offset, key_size) = (SectorSize::S4096, DEFAULT_DATA_OFFSET, 64);
        Self { cost, sector_size, data_offset, key_size, discards: false, label: String::new() }
    }

    fn check(&self, size: u64) -> Result<(), Error> {
        let invalid = |what: String| Err(Error::Invalid(format!("can't format a LUKS volume: {what}")));
        if let Err(why) = cipher::check(cipher::ALLOWED, self.key_size as usize) {
            return invalid(why);
        }
        if !matches!(self.sector_size, SectorSize::S512 | SectorSize::S4096) {
            return invalid(format!("sectors of {} bytes, only 512 and 4096 are possible", self.sector_size));
        }
        let least = 2 * header2::SIZES[0] + area_size(self.key_size);
        if self.data_offset < least || !self.data_offset.is_multiple_of(AREA_ALIGN) {
            return invalid(format!(
                "data offset {}, must be a multiple of 4096 from {least}",
                self.data_offset
            ));
        }
        let payload = size.saturating_sub(self.data_offset);
        if payload == 0 || !self.sector_size.divides(payload) {
            return invalid(format!(
                "a device of {size} bytes leaves {payload} for the payload, which must be whole sectors of {} bytes",
                self.sector_size
            ));
        }
        if self.label.len() >= 48 || self.label.chars().any(char::is_control) {
            return invalid(format!("label {:?}, must be at most 47 printable bytes", self.label));
        }
        Ok(())
    }
}

/// Makes a LUKS2 volume with a new UUID, a new volume key and one key slot for `key`, and unlocks it.
///
/// Its headers are made in memory ([`new_headers`]) and then written ([`write_headers`]), with what that says about cuts
/// of power. On return all of it is on stable storage. The payload is not written, so it reads as noise.
pub fn format(
    device: &dyn BlockDevice,
    key: &[u8],
    options: &FormatOptions,
    random: Random<'_>,
) -> Result<Unlocked, Error> {
    let (headers, unlocked) = new_headers(device.size(), key, options, random)?;
    write_headers(device, &headers)?;
    Ok(unlocked)
}

/// Makes the headers and the key slot of a new LUKS2 volume for a device of `size` bytes, in memory, and unlocks it.
/// Nothing of the new volume key is in there but what `key` opens.
pub fn new_headers(
    size: u64,
    key: &[u8],
    options: &FormatOptions,
    random: Random<'_>,
) -> Result<(Headers, Unlocked), Error> {
    options.check(size)?;
    let (mut header_salt, mut digest_salt, mut slot_salt) = ([0; 64], [0; 32], [0; 32]);
    let mut uuid = [0; 16];
    let mut volume_key = Zeroizing::new(vec![0; options.key_size as usize]);
    for buf in [&mut header_salt[..], &mut digest_salt, &mut slot_salt, &mut uuid, &mut volume_key] {
        random(buf).map_err(Error::Random)?;
    }
    let kdf = options.cost.with_salt(slot_salt)?;

    let mut digest = KeyDigest {
        hash: Hash::Sha256,
        iterations: DIGEST_ITERATIONS,
        salt: digest_salt.to_vec(),
        value: vec![0; 32],
    };
    digest.value = digest.of(&volume_key);
    let header_size = header2::SIZES[0];
    let keyslot = Keyslot::new(2 * header_size, options.key_size, kdf);
    let mut label = [0; 48];
    label[..options.label.len()].copy_from_slice(options.label.as_bytes());
    let header = Header2 {
        size: header_size,
        sequence: 0,
        label,
        salt: header_salt,
        uuid: uuid_text(uuid),
        subsystem: [0; 48],
    };
    let metadata = Metadata::from_value(metadata(options, &keyslot, &digest)?, header_size)?;

    let headers = Headers::blank((2 * header_size + area_size(options.key_size)) as usize, size);
    write_slot(&headers, &keyslot, key, &volume_key, random)?;
    write_both(&headers, header, metadata)?;
    let unlocked = headers.volume()?.unlocked(0, volume_key)?;
    Ok((headers, unlocked))
}

/// Writes what [`new_headers`] made to the volume's device.
///
/// First the headers and key slots of whatever was there are wiped, second headers wherever they may lie
/// included, and that is flushed; then come the key material, flushed, the first header, flushed, and the
/// second header, flushed. On return all of it is on stable storage. After a cut of power before that, the
/// volume opens, or the mark of an unfinished format is there, or the wipe was not done and some of
/// what was there before still is. It may be repeated.
pub fn write_headers(device: &dyn BlockDevice, headers: &Headers) -> Result<(), Error> {
    let data_offset = headers.volume()?.payload().offset;
    wipe_for_format(device, data_offset)?;
    let size = header2::SIZES[0] as usize;
    let bytes = headers.to_bytes();
    let put = |range: Range<usize>, flush| {
        device.write_at(range.start as u64, &bytes[range]).map_err(Error::io("writing a new LUKS header"))?;
        device.flush(flush).map_err(Error::io("flushing a new LUKS header"))
    };
    put(2 * size..bytes.len(), Flush::LuksKeyMaterial)?;
    put(0..size, Flush::LuksFirstHeader)?;
    put(size..2 * size, Flush::LuksSecondHeader)?;
    let back = read_vec(device, 0, bytes.len()).map_err(Error::io("reading a new LUKS header back"))?;
    if back == bytes {
        Ok(())
    } else {
        Err(Error::damaged("a header that was just written reads differently"))
    }
}

fn metadata(
    options: &FormatOptions,
    keyslot: &Keyslot,
    digest: &KeyDigest,
) -> Result<serde_json::Value, Error> {
    let size = header2::SIZES[0];
    let keyslot = serde_json::to_value(keyslot).map_err(Error::unsupported)?;
    let mut config = json!({
        "json_size": (size - header2::SIZE as u64).to_string(),
        "keyslots_size": (options.data_offset - 2 * size).to_string(),
    });
    if options.discards {
        config["flags"] = json!(["allow-discards"]);
    }
    Ok(json!({
        "keyslots": { "0": keyslot },
        "tokens": {},
        "segments": { "0": {
            "type": "crypt",
            "offset": options.data_offset.to_string(),
            "size": "dynamic",
            "iv_tweak": "0",
            "encryption": cipher::ALLOWED,
            "sector_size": options.sector_size.bytes(),
        } },
        "digests": { "0": {
            "type": "pbkdf2",
            "keyslots": ["0"],
            "segments": ["0"],
            "hash": "sha256",
            "iterations": digest.iterations,
            "salt": Base64::encode_string(&digest.salt),
            "digest": Base64::encode_string(&digest.value),
        } },
        "config": config,
    }))
}

fn uuid_text(random: [u8; 16]) -> String {
    let hex: String = uuid::version_4(random).iter().map(|b| format!("{b:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
