//! A supplement: deltas that were made once their release was signed, and the small signed document that lists them.

use crate::error::field;
use crate::limits::SUPPLEMENT_PREFIX;
use crate::manifest::{check_json, wrong_type};
use crate::members::check_further;
use crate::object::from_object;
use crate::{Delta, Digest, Error, Manifest, Member};
use serde::{Deserialize, Serialize};

/// The name of the format, the first field of every supplement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub enum Format {
    /// The only one there is.
    #[default]
    #[serde(rename = "deltas/1")]
    V1,
}

/// What `deltas.json` says: which deltas, and for which release.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Supplement {
    /// The format.
    pub drydock: Format,
    /// The digest of the manifest that it belongs to.
    pub manifest: Digest,
    /// The members of the deltas, in order. They follow those of the manifest.
    pub members: Vec<Member>,
    /// The deltas.
    pub deltas: Vec<Delta>,
}

from_object!(Supplement { drydock, manifest, members, deltas });

impl Supplement {
    /// Takes a supplement apart. Only for bytes whose signature holds, or that are shown to a person as not verified.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        check_json(bytes, SUPPLEMENT_PREFIX)?;
        drydock_json::from_slice(bytes).map_err(wrong_type)
    }

    /// The bytes of `deltas.json`.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Puts members and deltas behind those of the manifest with this digest, if that is the one it belongs to and they
    /// keep the manifest's rules there.
    pub fn join(self, manifest: &mut Manifest, digest: Digest) -> Result<(), Error> {
        if self.manifest != digest {
            let problem = format!("it is {}, and that of this release is {digest}", self.manifest);
            return field("manifest", problem);
        }
        // None may become a part of the manifest's last image.
        self.members.iter().try_for_each(|member| check_further(&manifest.images, member))?;
        manifest.members.extend(self.members);
        manifest.deltas.extend(self.deltas);
        manifest.check()
    }
}
