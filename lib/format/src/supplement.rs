//! A supplement: deltas that were made once their release was signed, and the small signed document that lists them.

use crate::error::field;
use crate::limits::SUPPLEMENT_PREFIX;
use crate::manifest::{check_json, wrong_type};
use crate::members::check_further;
use crate::{Delta, Digest, Error, Manifest, Member};
use serde::Serialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use std::fmt;

/// The name of the format, the first field of every supplement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Format {
    /// The only one there is.
    #[default]
    #[serde(rename = "deltas/1")]
    V1,
}

/// What `deltas.json` says: which deltas, and for which release.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Supplement {
    /// The format. It is not read: every supplement begins with it.
    pub drydock: Format,
    /// The digest of the manifest that it belongs to.
    pub manifest: Digest,
    /// The members of the deltas, in order. They follow those of the manifest.
    pub members: Vec<Member>,
    /// The deltas.
    pub deltas: Vec<Delta>,
}

impl Supplement {
    /// Takes a supplement apart. Only for bytes whose signature holds, or that are shown to a person as not verified.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        check_json(bytes, SUPPLEMENT_PREFIX)?;
        let mut json = serde_json::Deserializer::from_slice(bytes);
        json.deserialize_map(Reader).map_err(wrong_type)
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

/// Reads the fields. What serde derives reads them from arrays, too, and is twice as large.
struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Supplement;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of later deltas")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Supplement, A::Error> {
        let (mut manifest, mut members, mut deltas) = (None, None, None);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "manifest" => manifest = Some(map.next_value()?),
                "members" => members = Some(map.next_value()?),
                "deltas" => deltas = Some(map.next_value()?),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        match (manifest, members, deltas) {
            (Some(manifest), Some(members), Some(deltas)) => {
                Ok(Supplement { drydock: Format::V1, manifest, members, deltas })
            }
            _ => Err(A::Error::custom("missing field `manifest`, `members` or `deltas`")),
        }
    }
}
