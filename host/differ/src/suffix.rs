//! The longest match of what comes next, anywhere in the old bytes: by a suffix array.

use crate::error::Error;
use libsais::SuffixArrayConstruction;

/// Old bytes, and the order of their suffixes.
pub(crate) struct Suffixes<'t> {
    text: &'t [u8],
    order: Vec<i32>,
}

/// Where something was found, and how many bytes are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) at: usize,
    pub(crate) len: usize,
}

impl<'t> Suffixes<'t> {
    /// Sorts the suffixes of up to 2 GiB.
    pub(crate) fn new(text: &'t [u8]) -> Result<Self, Error> {
        let sorted = SuffixArrayConstruction::for_text(text).in_owned_buffer32().single_threaded().run();
        let order =
            sorted.map_err(|problem| Error::Sort { len: text.len(), problem: format!("{problem:?}") })?;
        Ok(Self { text, order: order.into_vec() })
    }

    /// Returns the longest match of the beginning of `wanted`. Of several the one that comes last in the search.
    pub(crate) fn longest(&self, wanted: &[u8]) -> Found {
        let Some(last) = self.order.len().checked_sub(1) else { return Found::default() };
        let (mut start, mut end) = (0, last);
        let (mut at_start, mut at_end) = (0, 0);
        while end - start >= 2 {
            let middle = start + (end - start) / 2;
            let at = self.order[middle] as usize;
            let known = at_start.min(at_end);
            let rest = self.text.get(at + known..).unwrap_or_default();
            let len = known + common(rest, &wanted[known..]);
            if len == wanted.len() {
                return Found { at, len };
            }
            if self.text.get(at + len).is_none_or(|byte| *byte < wanted[len]) {
                (start, at_start) = (middle, len);
            } else {
                (end, at_end) = (middle, len);
            }
        }
        let found = |nth: usize| {
            let at = self.order[nth] as usize;
            Found { at, len: common(&self.text[at..], wanted) }
        };
        let (first, second) = (found(start), found(end));
        if first.len > second.len { first } else { second }
    }
}

/// Returns how many bytes are the same.
pub(crate) fn common(a: &[u8], b: &[u8]) -> usize {
    let mut same = 0;
    for (a, b) in a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0) {
        let differing = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
        if differing != 0 {
            return same + differing.trailing_zeros() as usize / 8;
        }
        same += 8;
    }
    same + a[same..].iter().zip(&b[same..]).take_while(|(a, b)| a == b).count()
}
