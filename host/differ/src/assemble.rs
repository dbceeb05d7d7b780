//! From what was found in each part to one list for the whole image.

use crate::near::keep_near;
use crate::parts::Part;
use crate::stretch::Stretch;
use crate::twice::Compared;
use drydock_delta::packed::in_image;
use drydock_delta::spaces::{Executable, Machine, Side, Space};

/// What was found out about an image.
#[derive(Default)]
pub(crate) struct Whole {
    /// The target, in order, without gaps.
    pub(crate) stretches: Vec<Stretch>,
    /// Files with addresses, in order, none of which overlap.
    pub(crate) files: Vec<Executable>,
}

impl Whole {
    /// Adds what was found out about one part.
    pub(crate) fn add(&mut self, old: &Part, new: &Part, found: &Compared) {
        let mut at = 0;
        for one in &found.matches {
            self.put(old, new, at, one.new - at, None);
            self.put(old, new, one.new, one.len, Some(one.old));
            at = one.end();
        }
        self.put(old, new, at, new.len() - at, None);
        if let Some((machine, spaces)) = &found.spaces {
            self.files.extend(executable(old, new, *machine, spaces));
        }
    }

    /// Adds a stretch of a part, cut where the extents of both parts are.
    fn put(&mut self, old: &Part, new: &Part, mut at: usize, mut len: usize, mut base: Option<usize>) {
        while len > 0 {
            let Some((target, here)) = new.place(at) else { return };
            let place = base.and_then(|base| old.place(base));
            let step = len.min(here).min(place.map_or(len, |(_, here)| here));
            self.stretches.push(Stretch { target, len: step, base: place.map(|(place, _)| place) });
            at += step;
            len -= step;
            base = base.map(|base| base + step);
        }
    }

    /// Puts everything in order, and joins what goes on.
    pub(crate) fn finish(mut self) -> Self {
        let place = |position: usize| (in_image(position as u64), position);
        self.stretches.sort_unstable_by_key(|stretch| place(stretch.target));
        keep_near(&mut self.stretches);
        let mut joined: Vec<Stretch> = Vec::with_capacity(self.stretches.len());
        for next in self.stretches {
            match joined.last_mut() {
                Some(last)
                    if last.target + last.len == next.target
                        && last.base.map(|base| base + last.len) == next.base =>
                {
                    last.len += next.len;
                }
                _ => joined.push(next),
            }
        }
        self.files.sort_by_key(|file| in_image(file.target.start));
        let mut end = 0;
        self.files.retain(|file| {
            let fits = in_image(file.target.start) >= end;
            end = if fits { in_image(file.target.end - 1) + 1 } else { end };
            fits
        });
        Self { stretches: joined, files: self.files }
    }
}

/// An executable by its places in the images.
fn executable(old: &Part, new: &Part, machine: Machine, spaces: &[Space]) -> Option<Executable> {
    let start = new.extents.iter().map(|extent| extent.start).min()?;
    let end = new.extents.iter().map(|extent| extent.end).max()?;
    let mut all = Vec::new();
    for space in spaces {
        let (base, target) = (sides(old, &space.base), sides(new, &space.target));
        for nth in 0..base.len().max(target.len()) {
            let side = |sides: &[Side]| sides.get(nth).copied().unwrap_or_default();
            all.push(Space { base: side(&base), target: side(&target), kind: space.kind });
        }
    }
    let target = start as u64..end as u64;
    (all.len() <= drydock_delta::limits::MAX_SPACES).then_some(Executable { target, machine, spaces: all })
}

/// A side of a space by its places in the image, cut where the part's extents are.
fn sides(part: &Part, side: &Side) -> Vec<Side> {
    let mut all = Vec::new();
    let mut done = 0;
    while done < side.len {
        let Some((place, here)) = part.place((side.offset + done) as usize) else { break };
        let len = (side.len - done).min(here as u64);
        all.push(Side { offset: place as u64, len, address: side.address.wrapping_add_unsigned(done) });
        done += len;
    }
    all
}
