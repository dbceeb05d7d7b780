//! The members of a bundle: those that its images imply, and behind them whatever else a release carries.

use crate::error::field;
use crate::frames::SLACK;
use crate::limits::{DELTAS, DELTAS_SIGNATURES, LEFT_OUT, MANIFEST, PART, SIGNATURES};
use crate::object::from_object;
use crate::{Digest, Error, Image};
use serde::Serialize;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// The most members that no image implies.
pub const MAX_FURTHER: usize = 4096;

/// The longest name of a member in bytes, which is what a tar header has room for.
const MAX_NAME: usize = 100;

/// One member of the tar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// The digest of its bytes. An image's members have none, because the root hash vouches for them; every other
    /// member must have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
}

from_object!(Member { name, size; sha256 = None });

/// Checks a whole list: first exactly the members that the images imply, in order, with sizes that can be, then any
/// further ones, which are returned.
pub(crate) fn further<'a>(images: &[Image], members: &'a [Member]) -> Result<&'a [Member], Error> {
    let mut rest = members;
    for image in images {
        take_image(&mut rest, image)?;
    }
    if rest.len() > MAX_FURTHER {
        let problem = format!("{} belong to no image, up to {MAX_FURTHER} are allowed", rest.len());
        return field("members", problem);
    }
    let mut seen = BTreeSet::from([MANIFEST, SIGNATURES, LEFT_OUT, DELTAS, DELTAS_SIGNATURES]);
    for member in rest {
        check_further(images, member)?;
        if !seen.insert(&member.name) {
            return field("members", format!("{:?} is there twice", member.name));
        }
    }
    Ok(rest)
}

fn take_image(rest: &mut &[Member], image: &Image) -> Result<(), Error> {
    let (name, frames) = (&image.name, image.frame_count());
    let groups = image.tree().groups_size();
    take(rest, &format!("{name}.groups"), groups..=groups)?;
    take(rest, &format!("{name}.frames"), 4 * frames..=4 * frames)?;
    let most = image.size + frames * SLACK;
    let part = |index: u64| format!("{name}.zst.{index}");
    if rest.first().is_none_or(|member| member.name != part(0)) {
        take(rest, &format!("{name}.zst"), frames..=most.min(PART))?;
        return Ok(());
    }
    let (mut index, mut total) = (0, 0);
    while rest.get(1).is_some_and(|member| member.name == part(index + 1)) {
        total += take(rest, &part(index), PART..=PART)?;
        index += 1;
    }
    if index == 0 {
        return field("members", format!("{} stands alone, it must be {name}.zst", part(0)));
    }
    take(rest, &part(index), 1..=PART.min(most.saturating_sub(total)))?;
    Ok(())
}

/// A reader passes these members by, so their names and sizes must be such that it can, and that nobody takes one
/// for an image's.
pub(crate) fn check_further(images: &[Image], member: &Member) -> Result<(), Error> {
    let Member { name, size, sha256 } = member;
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-".contains(&b);
    if name.is_empty() || name.len() > MAX_NAME || name.starts_with(['.', '-']) || !name.bytes().all(allowed)
    {
        return field("members", format!("{name:?} is no name for a member"));
    }
    let of_image = |image: &Image| {
        let suffix = name.strip_prefix(&image.name).and_then(|rest| rest.strip_prefix('.'));
        suffix.is_some_and(|rest| rest == "groups" || rest == "frames" || rest.starts_with("zst"))
    };
    if images.iter().any(of_image) {
        return field("members", format!("{name} is not where that image's members belong"));
    }
    if *size > PART {
        return field("members", format!("{name} has {size} bytes, up to {PART} are possible"));
    }
    match sha256 {
        Some(_) => Ok(()),
        None => field("members", format!("{name} belongs to no image and has no sha256")),
    }
}

/// Takes the next member off the list if it has that name and a size in that range, and returns its size.
fn take(rest: &mut &[Member], name: &str, sizes: RangeInclusive<u64>) -> Result<u64, Error> {
    match rest.split_first() {
        Some((member, after)) if member.name == name && sizes.contains(&member.size) => {
            *rest = after;
            Ok(member.size)
        }
        Some((member, _)) if member.name == name => field(
            "members",
            format!("{name} has {} bytes, {} to {} are possible", member.size, sizes.start(), sizes.end()),
        ),
        Some((member, _)) => field("members", format!("{} where {name} belongs", member.name)),
        None => field("members", format!("{name} is not listed")),
    }
}
