//! Which part of the old image each part of the new one is compared with.

use crate::content::Chunks;
use crate::image::Image;
use crate::parts::Part;
use drydock_format::{Digest, sha256};
use std::collections::HashMap;

/// What is known of a part of the new image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Partner {
    /// This part of the old one has the same bytes.
    Same(usize),
    /// This one may be like it.
    Like(usize),
    /// None is.
    None,
}

/// Returns the partner of each part of the new image. The last part of each is what is no file.
pub(crate) fn pairs(
    old: &Image<'_>,
    old_parts: &[Part],
    new: &Image<'_>,
    new_parts: &[Part],
) -> Vec<Partner> {
    let known = Known::new(old, old_parts);
    let last = new_parts.len().saturating_sub(1);
    let mut chunks = None;
    let partner = |(nth, part): (usize, &Part)| {
        if nth == last {
            return old_parts.len().checked_sub(1).map_or(Partner::None, Partner::Like);
        }
        let bytes = part.bytes(new);
        if let Some(same) = known.same(part, sha256(&bytes)) {
            return Partner::Same(same);
        }
        if let Some(like) = known.by_path(part) {
            return Partner::Like(like);
        }
        let chunks = chunks.get_or_insert_with(|| Chunks::new(old.plain()));
        known.by_content(&chunks.places(&bytes)).map_or(Partner::None, Partner::Like)
    };
    new_parts.iter().enumerate().map(partner).collect()
}

/// The parts of the old image, by what they are looked up by.
struct Known<'p> {
    parts: &'p [Part],
    by_digest: HashMap<Digest, Vec<usize>>,
    by_name: [HashMap<Vec<u8>, Vec<usize>>; 3],
    /// Where each extent begins and ends, and whose it is.
    extents: Vec<(usize, usize, usize)>,
}

type View = fn(&[u8]) -> Vec<u8>;

/// How a path is seen: as it is, without digits in its folders, without any digits. Versions are digits.
const VIEWS: [View; 3] = [<[u8]>::to_vec, without_digits_in_folders, without_digits];

impl<'p> Known<'p> {
    fn new(old: &Image<'_>, parts: &'p [Part]) -> Self {
        let mut known =
            Self { parts, by_digest: HashMap::new(), by_name: Default::default(), extents: Vec::new() };
        let files = parts.get(..parts.len().saturating_sub(1)).unwrap_or_default();
        for (nth, part) in files.iter().enumerate() {
            known.by_digest.entry(sha256(&part.bytes(old))).or_default().push(nth);
            for (names, view) in known.by_name.iter_mut().zip(VIEWS) {
                names.entry(view(&part.path)).or_default().push(nth);
            }
            known.extents.extend(part.extents.iter().map(|extent| (extent.start, extent.end, nth)));
        }
        known.extents.sort_unstable();
        known
    }

    fn same(&self, part: &Part, digest: Digest) -> Option<usize> {
        let all = self.by_digest.get(&digest)?;
        let has_path = |nth: &&usize| self.parts.get(**nth).is_some_and(|old| old.path == part.path);
        all.iter().find(has_path).or(all.first()).copied()
    }

    fn by_path(&self, part: &Part) -> Option<usize> {
        self.by_name.iter().zip(VIEWS).find_map(|(names, view)| {
            let all = names.get(&view(&part.path))?;
            let apart = |nth: &&usize| self.parts.get(**nth).map(|old| old.len().abs_diff(part.len()));
            all.iter().min_by_key(apart).copied()
        })
    }

    /// The part that has most of these places.
    fn by_content(&self, places: &[usize]) -> Option<usize> {
        let mut votes: HashMap<usize, usize> = HashMap::new();
        for &place in places {
            let behind = self.extents.partition_point(|(start, ..)| *start <= place);
            let extent = behind.checked_sub(1).and_then(|nth| self.extents.get(nth));
            if let Some((.., part)) = extent.filter(|(_, end, _)| place < *end) {
                *votes.entry(*part).or_default() += 1;
            }
        }
        votes.into_iter().max_by_key(|&(part, votes)| (votes, usize::MAX - part)).map(|(part, _)| part)
    }
}

fn without_digits(path: &[u8]) -> Vec<u8> {
    path.iter().filter(|byte| !byte.is_ascii_digit()).copied().collect()
}

fn without_digits_in_folders(path: &[u8]) -> Vec<u8> {
    let name = path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    let (folders, name) = path.split_at(name);
    [&without_digits(folders), name].concat()
}
