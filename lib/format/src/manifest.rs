//! The manifest: what a release is, and all that its signatures cover directly.

use crate::error::field;
#[cfg(feature = "hooks")]
use crate::hook::Hook;
use crate::image::check_text;
pub use crate::limits::{FRAME_SIZES, MAX_IMAGE, MAX_SIZE, MIN_IMAGE, PART, PREFIX};
use crate::object::from_object;
use crate::{Delta, Digest, Error, Image, Member, Pin, delta, json, members, sha256};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The most images in a bundle, and the most pins.
pub const MAX_IMAGES: usize = 64;

/// What this version of drydock understands. A manifest's `min_recovery` must not be higher.
pub const RECOVERY_PROTOCOL: u32 = 1;

/// The top-level fields that this version understands, which a manifest may therefore call critical.
const FIELDS: &[&str] = &[
    "drydock",
    "compatible",
    "version",
    "security_version",
    "min_recovery",
    "images",
    "pins",
    "members",
    "deltas",
    #[cfg(feature = "hooks")]
    "hooks",
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
#[derive(Clone, Debug, PartialEq, Serialize)]
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
    pub min_recovery: u32,
    /// The images, in the order in which they are written.
    pub images: Vec<Image>,
    /// Classes that belong to the release but are not in this bundle.
    pub pins: Vec<Pin>,
    /// The members that follow `manifest.sig`, in order: the images', then the further ones.
    pub members: Vec<Member>,
    /// The deltas that are among the further members.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deltas: Vec<Delta>,
    /// The programs that are called while it is installed, or once it runs.
    #[cfg(feature = "hooks")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<Hook>,
    /// What a reader must understand or else refuse the bundle: top-level fields, or whatever a later version names.
    pub critical: Vec<String>,
}

#[cfg(not(feature = "hooks"))]
from_object!(Manifest {
    drydock, compatible, version, security_version, images, members;
    min_recovery = 1, pins = Vec::new(), deltas = Vec::new(), critical = Vec::new()
});
#[cfg(feature = "hooks")]
from_object!(Manifest {
    drydock, compatible, version, security_version, images, members;
    min_recovery = 1, pins = Vec::new(), deltas = Vec::new(), hooks = Vec::new(), critical = Vec::new()
});

impl Manifest {
    /// Takes a manifest apart and checks every rule of the format. Only for bytes whose signature holds, or
    /// that are shown to a person as not verified.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        check_json(bytes, PREFIX)?;
        let value = serde_json::from_slice(bytes).map_err(wrong_type)?;
        let top: First = drydock_json::from_value(&value).map_err(wrong_type)?;
        if let Some(name) = top.critical.into_iter().find(|name| !FIELDS.contains(&name.as_str())) {
            return Err(Error::UnknownCritical { field: name });
        }
        let manifest = drydock_json::from_value(&value).map_err(wrong_type);
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

    /// The members that no image implies: those of the deltas, and any that only a later version knows. Their digests are
    /// signed, for whoever knows what they are.
    pub fn further(&self) -> &[Member] {
        members::further(&self.images, &self.members).unwrap_or_default()
    }

    /// The delta that leads from the image of this root hash to the image of this name.
    pub fn delta(&self, image: &str, base: &Digest) -> Option<&Delta> {
        self.deltas.iter().find(|delta| delta.image == image && delta.base.root_hash == *base)
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
        let further = members::further(&self.images, &self.members)?;
        #[cfg(feature = "hooks")]
        crate::hook::check(&self.hooks, further)?;
        delta::check(&self.deltas, &self.images, further)
    }
}

/// The fields that are read before all others, and mean the same in every version of the format.
struct First {
    critical: Vec<String>,
    min_recovery: u32,
}

from_object!(First { ; critical = Vec::new(), min_recovery = 1 });

/// Checks what has to be right of a signed document before any of it means something.
pub(crate) fn check_json(bytes: &[u8], prefix: &str) -> Result<(), Error> {
    if bytes.len() as u64 > MAX_SIZE {
        return Err(Error::ManifestTooLarge { size: bytes.len() as u64 });
    }
    if !bytes.starts_with(prefix.as_bytes()) {
        return Err(Error::NotABundle);
    }
    json::check(bytes)
}

/// The JSON is sound by now, so what is left is a field that is missing or of a wrong type.
pub(crate) fn wrong_type(error: serde_json::Error) -> Error {
    Error::Field { field: "structure".into(), problem: error.to_string() }
}

fn distinct<'a>(name: &str, mut all: impl Iterator<Item = &'a String>) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    match all.find(|text| !seen.insert(*text)) {
        Some(twice) => field(name, format!("{twice:?} is there twice")),
        None => Ok(()),
    }
}
