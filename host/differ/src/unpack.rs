//! Which files are compared unpacked.

use crate::image::Image;
use crate::pairs::Partner;
use crate::parts::Part;
use crate::together::together;
use drydock_delta::packed::Packed;
use drydock_repack::{Recognised, recognise};
use std::convert::Infallible;
use std::ops::Range;

/// Two parts that are to be compared.
#[derive(Debug, Default)]
pub(crate) struct Pair {
    pub(crate) old: Part,
    pub(crate) new: Part,
    /// Whether they are known to be the same.
    pub(crate) same: bool,
}

/// Returns what is to be compared. Of two images, files that are packed on both sides, or new, are unpacked where packing
/// them again gives the same bytes; what is around the packed bytes, and what is in them, are pairs of their own.
pub(crate) fn unpack(
    old_parts: &[Part],
    new_parts: &[Part],
    partners: &[Partner],
    images: Option<(&mut Image<'_>, &mut Image<'_>)>,
    threads: usize,
) -> Vec<Pair> {
    let none = Part::default();
    let old_of = |partner: &Partner| match *partner {
        Partner::Same(nth) | Partner::Like(nth) => old_parts.get(nth).unwrap_or(&none),
        Partner::None => &none,
    };
    let as_it_is = |part: &Part, partner: &Partner| Pair {
        old: old_of(partner).clone(),
        new: part.clone(),
        same: matches!(partner, Partner::Same(_)),
    };
    let Some((old, new)) = images else {
        return new_parts.iter().zip(partners).map(|(part, partner)| as_it_is(part, partner)).collect();
    };
    let order: Vec<usize> = (0..new_parts.len()).collect();
    let (old_plain, new_plain) = (old.plain(), new.plain());
    let look = |nth: usize| -> Result<(Option<Recognised>, Option<Recognised>), Infallible> {
        let (Some(part), Some(partner)) = (new_parts.get(nth), partners.get(nth)) else {
            return Ok((None, None));
        };
        if matches!(partner, Partner::Same(_)) || part.path.is_empty() {
            return Ok((None, None));
        }
        let found = packed_file(part, new_plain);
        let old = found.as_ref().and_then(|_| packed_file(old_of(partner), old_plain));
        Ok((found, old))
    };
    let Ok(looked) = together(&order, threads, look);
    let mut pairs = Vec::with_capacity(new_parts.len());
    for ((part, partner), (found, found_old)) in new_parts.iter().zip(partners).zip(looked) {
        let before = old_of(partner);
        let is_new = matches!(partner, Partner::None);
        let unpacked = found.filter(|_| is_new || found_old.is_some()).and_then(|found| {
            let base = found_old
                .as_ref()
                .and_then(|found| Some((old.unpack(start(before)?, found)?, found.packed.clone())));
            if !is_new && base.is_none() {
                return None;
            }
            Some((new.unpack(start(part)?, &found)?, found.packed, base))
        });
        match unpacked {
            None => pairs.push(as_it_is(part, partner)),
            Some((packed, place, base)) => {
                let new_pieces = pieces(part, &packed, &place);
                let old_pieces = match &base {
                    Some((packed, place)) => pieces(before, packed, place),
                    None => Default::default(),
                };
                let each = old_pieces.into_iter().zip(new_pieces);
                pairs.extend(each.map(|(old, new)| Pair { old, new, same: false }));
            }
        }
    }
    pairs.retain(|pair| pair.new.len() > 0);
    pairs
}

/// A file that lies in one piece, if a part of it is packed in a way that can be done again.
fn packed_file(part: &Part, image: &[u8]) -> Option<Recognised> {
    let start = start(part)?;
    recognise(image.get(start..start + part.size)?)
}

/// Where a file begins that lies in one piece.
fn start(part: &Part) -> Option<usize> {
    match part.extents.as_slice() {
        [one] if part.size > 0 => Some(one.start),
        _ => None,
    }
}

/// What is before the packed bytes, what is in them, and what is behind.
fn pieces(part: &Part, packed: &Packed, place: &Range<usize>) -> [Part; 3] {
    let Range { start, end } = part.extents.first().cloned().unwrap_or_default();
    let contents = packed.contents();
    let contents = contents.start as usize..contents.end as usize;
    let piece = |extent: Range<usize>| Part {
        path: part.path.clone(),
        size: extent.len(),
        extents: if extent.is_empty() { Vec::new() } else { vec![extent] },
    };
    [piece(start..start + place.start), piece(contents), piece(start + place.end..end)]
}
