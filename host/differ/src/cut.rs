//! Cutting into sections: whole groups, about as much work in each, and within what a device takes.

use crate::assemble::Whole;
use crate::image::Image;
use crate::stretch::Stretch;
use drydock_delta::Plan;
use drydock_delta::limits::{MAX_CHAIN, PIECE};
use drydock_delta::packed::in_image;
use drydock_delta::run::Run;
use drydock_delta::spaces::Executable;
use drydock_format::tree::GROUP;
use std::collections::HashSet;

/// A section is full with this much to code, in bytes that differ or lie near such ones,
const FULL: usize = 4 << 20;
/// with so many literals,
const FULL_OF_LITERALS: usize = 2 << 20;
/// with so many runs,
const FULL_OF_RUNS: usize = 1 << 16;
/// or with so many groups, so that several cores have something to do: also what does not differ is hashed and written.
const FULL_OF_GROUPS: usize = 64;

/// The plan of one section, and whether it begins within an executable.
pub(crate) struct Cut {
    pub(crate) plan: Plan,
    pub(crate) joined: bool,
}

/// Cuts an image into sections.
pub(crate) fn cut(base: &Image<'_>, target: &Image<'_>, whole: &Whole) -> Vec<Cut> {
    let files = whole.files.iter().flat_map(|file| [file.target.start as usize, file.target.end as usize]);
    let edges: HashSet<usize> = files.collect();
    let len = target.plain().len();
    let stretches = split(whole, &edges, len);
    let mut cuts = Vec::new();
    let mut open = Open::default();
    let mut rest = stretches.as_slice();
    for start in (0..len).step_by(GROUP) {
        let end = len.min(start + GROUP);
        let count = rest.partition_point(|stretch| in_image(stretch.target as u64) < end as u64);
        let (of_group, behind) = rest.split_at(count);
        rest = behind;
        open.groups += 1;
        for stretch in of_group {
            open.add(base, target, stretch, !edges.contains(&stretch.target));
        }
        // What is in a packed part is packed in one go.
        let is_within = target.has_packed_over(end as u64);
        if end == len || open.is_full() && !is_within {
            cuts.push(std::mem::take(&mut open).close(end, whole, base, target));
            open.start = end;
        }
    }
    leave_long_chains(&mut cuts);
    cuts
}

/// A section that is being filled.
#[derive(Default)]
struct Open {
    start: usize,
    groups: usize,
    work: usize,
    literals: usize,
    runs: Vec<Run>,
    pending: usize,
    /// Where the last stretch ended.
    at: usize,
}

impl Open {
    fn add(&mut self, base: &Image<'_>, target: &Image<'_>, stretch: &Stretch, may_go_on: bool) {
        let Stretch { target: at, len, base: from } = *stretch;
        let goes_on = self.at == at;
        if !goes_on {
            // A run ends where the way turns.
            self.flush();
        }
        self.at = at + len;
        let Some(from) = from else {
            self.pending += len;
            self.literals += len;
            self.work += len;
            return;
        };
        let pieces = (0..len).step_by(PIECE).map(|start| start..len.min(start + PIECE));
        let differs = |piece: &std::ops::Range<usize>| {
            target.get(at + piece.start..at + piece.end) != base.get(from + piece.start..from + piece.end)
        };
        self.work += pieces.filter(differs).map(|piece| piece.len()).sum::<usize>();
        self.push(len, from, may_go_on && goes_on);
    }

    /// Literals that no run follows are a run by themselves.
    fn flush(&mut self) {
        if self.pending > 0 {
            self.runs.push(Run { literals: self.pending as u32, len: 0, base: 0 });
            self.pending = 0;
        }
    }

    fn push(&mut self, len: usize, from: usize, may_go_on: bool) {
        // What goes on over an edge between groups is one run again.
        if let Some(last) = self.runs.last_mut().filter(|_| may_go_on && self.pending == 0)
            && last.len > 0
            && last.base + u64::from(last.len) == from as u64
        {
            last.len += len as u32;
            return;
        }
        let literals = std::mem::take(&mut self.pending) as u32;
        self.runs.push(Run { literals, len: len as u32, base: from as u64 });
    }

    fn is_full(&self) -> bool {
        self.work >= FULL
            || self.literals >= FULL_OF_LITERALS
            || self.runs.len() >= FULL_OF_RUNS
            || self.groups >= FULL_OF_GROUPS
    }

    fn close(mut self, end: usize, whole: &Whole, base: &Image<'_>, image: &Image<'_>) -> Cut {
        self.flush();
        let target = self.start as u64..end as u64;
        let begins = |file: &&Executable| target.contains(&in_image(file.target.start));
        let files = whole.files.iter().filter(begins).cloned().collect();
        let goes_on = |file: &Executable| {
            in_image(file.target.start) < target.start && in_image(file.target.end - 1) >= target.start
        };
        let joined = whole.files.iter().any(goes_on);
        let mut base_packed: Vec<_> = self.runs.iter().filter_map(|run| base.packed(run.base)).collect();
        base_packed.sort_unstable_by_key(|packed| packed.offset);
        base_packed.dedup();
        let target_packed = image.packed_in(&target);
        let plan = Plan { target, base_packed, target_packed, files, runs: self.runs };
        Cut { plan, joined }
    }
}

/// Cuts stretches where groups end, and where executables begin and end.
fn split(whole: &Whole, edges: &HashSet<usize>, len: usize) -> Vec<Stretch> {
    let mut edges: Vec<usize> = (0..len).step_by(GROUP).skip(1).chain(edges.iter().copied()).collect();
    edges.sort_unstable();
    let mut all = Vec::with_capacity(whole.stretches.len());
    for stretch in &whole.stretches {
        let mut rest = *stretch;
        let end = rest.target + rest.len;
        let first = edges.partition_point(|edge| *edge <= rest.target);
        for &edge in edges[first..].iter().take_while(|edge| **edge < end) {
            let len = edge - rest.target;
            if len == 0 {
                continue;
            }
            all.push(Stretch { len, ..rest });
            rest = Stretch { target: edge, len: rest.len - len, base: rest.base.map(|base| base + len) };
        }
        all.push(rest);
    }
    all
}

/// An executable whose sections have more runs together than a device takes is treated as any other file.
fn leave_long_chains(cuts: &mut [Cut]) {
    let mut start = 0;
    while start < cuts.len() {
        let joined = cuts[start + 1..].iter().take_while(|cut| cut.joined).count();
        let end = start + 1 + joined;
        let chain = &mut cuts[start..end];
        if chain.iter().map(|cut| cut.plan.runs.len()).sum::<usize>() > MAX_CHAIN {
            for cut in chain {
                cut.joined = false;
                cut.plan.files.clear();
            }
        }
        start = end;
    }
}
