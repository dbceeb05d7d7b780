//! Deltas: what a release carries for devices whose present image is known.

use crate::error::field;
use crate::object::from_object;
use crate::{Digest, Error, Image, Member};
use serde::Serialize;

/// The most deltas of a release.
pub const MAX_DELTAS: usize = 1024;

/// The longest index of a delta in bytes.
pub const MAX_INDEX: u64 = 1 << 20;

/// The way from one image to one of the release's. Its bytes are two further members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Delta {
    /// The name of the release's image that it leads to.
    pub image: String,
    /// What it begins with.
    pub base: Base,
    /// The member that has its index.
    pub index: String,
    /// The member that has its data.
    pub data: String,
}

/// An image that devices have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Base {
    /// Its root hash, which names it.
    pub root_hash: Digest,
    /// Its size in bytes.
    pub size: u64,
}

from_object!(Delta { image, base, index, data });
from_object!(Base { root_hash, size });

/// Checks that each delta leads to an image that there is, that its members are there, and that no two are for the same.
pub(crate) fn check(deltas: &[Delta], images: &[Image], further: &[Member]) -> Result<(), Error> {
    if deltas.len() > MAX_DELTAS {
        return field("deltas", format!("{} of them, up to {MAX_DELTAS} are allowed", deltas.len()));
    }
    let member = |name: &str| further.iter().find(|member| member.name == name);
    for (nth, Delta { image, base, index, data }) in deltas.iter().enumerate() {
        if !images.iter().any(|known| known.name == *image) {
            return field("deltas", format!("one leads to {image:?}, which is no image of the release"));
        }
        let (Some(index_member), Some(_)) = (member(index), member(data)) else {
            return field("deltas", format!("{index:?} and {data:?} are not both further members"));
        };
        if index_member.size > MAX_INDEX {
            let size = index_member.size;
            return field("deltas", format!("{index} has {size} bytes, up to {MAX_INDEX} are possible"));
        }
        let is_same = |other: &Delta| other.image == *image && other.base.root_hash == base.root_hash;
        if deltas.iter().take(nth).any(is_same) {
            return field("deltas", format!("two lead from {} to {image}", base.root_hash));
        }
    }
    Ok(())
}
