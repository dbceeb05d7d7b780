//! The manifest: what a release is, and all that its signatures cover directly.

use crate::digest::from_hex;
use crate::tree::{BLOCK, GROUP, Tree};
use crate::{Digest, Error, Member, json, members, sha256};
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// The bytes that every manifest begins with, so that a signature made for something else never fits one.
pub const PREFIX: &str = r#"{"drydock":"bundle/1""#;

/// The largest manifest in bytes.
pub const MAX_SIZE: u64 = 1 << 20;

/// The most images in a bundle, and the most pins.
pub const MAX_IMAGES: usize = 64;

/// The smallest image in bytes: two blocks, because dm-verity makes no tree over one.
pub const MIN_IMAGE: u64 = 2 * BLOCK as u64;

/// The largest image in bytes: 1 TiB, for which the tables still fit in memory.
pub const MAX_IMAGE: u64 = 1 << 40;

/// A member longer than this is split into parts of exactly this many bytes, and the rest: 2 GiB.
pub const PART: u64 = 2 << 30;

/// The smallest and the largest frame size in bytes.
pub const FRAME_SIZES: RangeInclusive<u32> = GROUP as u32..=8 * GROUP as u32;

/// What this version of drydock understands. A manifest's `min_recovery` must not be higher.
pub const RECOVERY_PROTOCOL: u32 = 1;

/// The top-level fields that this version understands, which a manifest may therefore call critical.
const FIELDS: [&str; 9] = [
    "drydock",
    "compatible",
    "version",
    "security_version",
    "min_recovery",
    "images",
    "pins",
    "members",
    "critical",
];

/// The name of the format, the first field of every manifest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub enum Format {
    /// The only one there is.
    #[default]
    #[serde(rename = "bundle/1")]
    V1,
}

/// A release. One that comes from [`Manifest::parse`] keeps every rule of the format.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Manifest {
    /// The format.
    pub drydock: Format,
    /// The kind of device that the release is for.
    pub compatible: String,
    /// The version, for people.
    pub version: String,
    /// The version that must not fall; see the rollback floors.
    pub security_version: u32,
    /// The lowest [`RECOVERY_PROTOCOL`] that can apply the release.
    #[serde(default = "one")]
    pub min_recovery: u32,
    /// The images, in the order in which they are written.
    pub images: Vec<Image>,
    /// Classes that belong to the release but are not in this bundle.
    #[serde(default)]
    pub pins: Vec<Pin>,
    /// The members that follow `manifest.sig`, in order: the images', then the further ones.
    pub members: Vec<Member>,
    /// What a reader must understand or else refuse the bundle: top-level fields, or whatever a later version names.
    #[serde(default)]
    pub critical: Vec<String>,
}

fn one() -> u32 {
    1
}

/// One image.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Image {
    /// Its name, which its members carry.
    pub name: String,
    /// The class of slots that it goes to.
    pub class: String,
    /// Its size in bytes: whole blocks, at least two.
    pub size: u64,
    /// dm-verity's salt.
    pub salt: Salt,
    /// dm-verity's root hash.
    pub root_hash: Digest,
    /// The bytes of image in each frame but the last: whole groups.
    pub frame_size: u32,
}

/// A class of the release that this bundle does not carry: the device has the image already and copies it
/// from the set that runs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Pin {
    /// The class of slots, which also names the image.
    pub class: String,
    /// The image's size in bytes: whole blocks, at least two.
    pub size: u64,
    /// dm-verity's salt.
    pub salt: Salt,
    /// dm-verity's root hash.
    pub root_hash: Digest,
}

impl Pin {
    /// The image that is pinned, as if the bundle carried it.
    pub fn image(&self) -> Image {
        Image {
            name: self.class.clone(),
            class: self.class.clone(),
            size: self.size,
            salt: self.salt.clone(),
            root_hash: self.root_hash,
            frame_size: *FRAME_SIZES.end(),
        }
    }
}

/// dm-verity's salt: at most 32 bytes. In text it is lower-case hex.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Salt(Vec<u8>);

impl Salt {
    /// The bytes that go before every block.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The form that device-mapper's table and `veritysetup --salt` want: `-` stands for no salt.
    pub fn table_form(&self) -> String {
        if self.0.is_empty() { "-".into() } else { self.to_string() }
    }
}

impl fmt::Display for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl From<Digest> for Salt {
    fn from(Digest(bytes): Digest) -> Self {
        Self(bytes.to_vec())
    }
}

impl FromStr for Salt {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > 64 {
            return Err("a salt of more than 64 hex digits");
        }
        from_hex(text).map(Self)
    }
}

impl Serialize for Salt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Salt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl Image {
    /// Data blocks of 4096 bytes.
    pub fn blocks(&self) -> u64 {
        self.size / BLOCK as u64
    }

    /// Groups of 512 KiB, the last one maybe shorter.
    pub fn group_count(&self) -> u64 {
        self.size.div_ceil(GROUP as u64)
    }

    /// Frames, the last one maybe shorter.
    pub fn frame_count(&self) -> u64 {
        self.size.div_ceil(u64::from(self.frame_size))
    }

    /// The bytes of image in one frame; 0 if there are not that many.
    pub fn frame_len(&self, frame: u64) -> usize {
        let start = frame.saturating_mul(u64::from(self.frame_size));
        self.size.saturating_sub(start).min(u64::from(self.frame_size)) as usize
    }

    /// The geometry of its hash tree.
    pub fn tree(&self) -> Tree {
        Tree::new(self.blocks())
    }

    /// Checks the rules of the format for one image that the types do not express.
    pub fn check(&self) -> Result<(), Error> {
        let name = &self.name;
        check_name(&format!("image {name:?}: name"), name)?;
        check_name(&format!("image {name}: class"), &self.class)?;
        let whole = self.size.is_multiple_of(BLOCK as u64);
        if !whole || !(MIN_IMAGE..=MAX_IMAGE).contains(&self.size) {
            return field(
                format!("image {name}: size"),
                format!("{} is not a multiple of {BLOCK} between {MIN_IMAGE} and {MAX_IMAGE}", self.size),
            );
        }
        if !FRAME_SIZES.contains(&self.frame_size) || !self.frame_size.is_multiple_of(GROUP as u32) {
            return field(
                format!("image {name}: frame_size"),
                format!("{} is not a multiple of {GROUP} up to {}", self.frame_size, FRAME_SIZES.end()),
            );
        }
        Ok(())
    }
}

impl Manifest {
    /// Takes a manifest apart and checks every rule of the format. Only for bytes whose signature holds, or
    /// that are shown to a person as not verified.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() as u64 > MAX_SIZE {
            return Err(Error::ManifestTooLarge { size: bytes.len() as u64 });
        }
        if !bytes.starts_with(PREFIX.as_bytes()) {
            return Err(Error::NotABundle);
        }
        json::check(bytes)?;
        let top: First = serde_json::from_slice(bytes).map_err(wrong_type)?;
        if let Some(name) = top.critical.into_iter().find(|name| !FIELDS.contains(&name.as_str())) {
            return Err(Error::UnknownCritical { field: name });
        }
        let manifest = serde_json::from_slice(bytes).map_err(wrong_type);
        let checked = manifest.and_then(|manifest: Self| manifest.check().map(|()| manifest));
        // What a later recovery reads need not make sense here; that it is for a later one is what helps.
        checked.map_err(|error| match top.min_recovery {
            needed if needed > RECOVERY_PROTOCOL => {
                Error::NeedsNewerRecovery { needed, have: RECOVERY_PROTOCOL }
            }
            _ => error,
        })
    }

    /// The bytes of `manifest.json`.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// What names a release: the digest of the exact bytes of its manifest.
    pub fn digest(bytes: &[u8]) -> Digest {
        sha256(bytes)
    }

    /// The image of that name.
    pub fn image(&self, name: &str) -> Option<&Image> {
        self.images.iter().find(|image| image.name == name)
    }

    /// The members that no image implies. This version passes them by; their digests are signed, for whoever knows what
    /// they are.
    pub fn further(&self) -> &[Member] {
        members::further(&self.images, &self.members).unwrap_or_default()
    }

    /// Checks every rule of the format that the types do not express.
    pub fn check(&self) -> Result<(), Error> {
        check_text("compatible", &self.compatible, 64, |b| b.is_ascii_alphanumeric() || b"._-".contains(&b))?;
        check_text("version", &self.version, 64, |b| b.is_ascii_alphanumeric() || b".+~_-".contains(&b))?;
        if self.images.is_empty() || self.images.len() > MAX_IMAGES {
            return field("images", format!("{} of them, 1 to {MAX_IMAGES} are allowed", self.images.len()));
        }
        if self.pins.len() > MAX_IMAGES {
            return field("pins", format!("{} of them, up to {MAX_IMAGES} are allowed", self.pins.len()));
        }
        self.images.iter().try_for_each(Image::check)?;
        self.pins.iter().try_for_each(|pin| pin.image().check())?;
        let names = self.images.iter().map(|image| &image.name);
        distinct("name", names.chain(self.pins.iter().map(|pin| &pin.class)))?;
        let classes = self.images.iter().map(|image| &image.class);
        distinct("class", classes.chain(self.pins.iter().map(|pin| &pin.class)))?;
        members::further(&self.images, &self.members).map(|_| ())
    }
}

/// The fields that are read before all others, and mean the same in every version of the format.
#[derive(Deserialize)]
struct First {
    #[serde(default)]
    critical: Vec<String>,
    #[serde(default = "one")]
    min_recovery: u32,
}

/// The JSON is sound by now, so what is left is a field that is missing or of a wrong type.
fn wrong_type(error: serde_json::Error) -> Error {
    Error::Field { field: "structure".into(), problem: error.to_string() }
}

pub(crate) fn field<T>(field: impl Into<String>, problem: impl Into<String>) -> Result<T, Error> {
    Err(Error::Field { field: field.into(), problem: problem.into() })
}

fn check_text(name: &str, text: &str, max: usize, allowed: impl Fn(u8) -> bool) -> Result<(), Error> {
    if text.is_empty() || text.len() > max || !text.bytes().all(allowed) {
        return field(name, format!("{text:?} is not 1 to {max} of the characters allowed there"));
    }
    Ok(())
}

fn check_name(name: &str, text: &str) -> Result<(), Error> {
    check_text(name, text, 32, |b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn distinct<'a>(name: &str, mut all: impl Iterator<Item = &'a String>) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    match all.find(|text| !seen.insert(*text)) {
        Some(twice) => field(name, format!("{twice:?} is there twice")),
        None => Ok(()),
    }
}
