//! The plan of a section: its executables and its runs.

use crate::coder::Coder;
use crate::limits::MAX_CHAIN;
use crate::run::{Map, Run, code_runs};
use crate::spaces::{Executable, code_executables};
use std::ops::Range;

/// What a section does, but for the bytes themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Where its part of the target begins and ends.
    pub target: Range<u64>,
    /// The executables that begin in it.
    pub files: Vec<Executable>,
    /// Its runs, which give exactly its part of the target.
    pub runs: Vec<Run>,
}

impl Plan {
    /// Codes a plan whose target is known. Nothing is returned where it is damaged.
    pub fn code<C: Coder>(coder: &mut C, plan: &Self) -> Option<Self> {
        let target = plan.target.clone();
        let files = code_executables(coder, target.start, &plan.files)?;
        let runs = code_runs(coder, target.start, target.end.checked_sub(target.start)?, &plan.runs)?;
        Some(Self { target, files, runs })
    }

    /// Returns the runs, each with where it begins in the target.
    fn placed(&self) -> impl Iterator<Item = (u64, Run)> {
        self.runs.iter().scan(self.target.start, |at, &run| {
            let start = *at;
            *at = at.wrapping_add(run.total());
            Some((start, run))
        })
    }
}

/// The plans of sections that share executables, in the order of the image.
pub struct Chain {
    plans: Vec<Plan>,
}

impl Chain {
    /// These plans. Nothing is returned where they have more runs than a device takes.
    pub fn new(plans: Vec<Plan>) -> Option<Self> {
        let runs: usize = plans.iter().map(|plan| plan.runs.len()).sum();
        (runs <= MAX_CHAIN).then_some(Self { plans })
    }

    /// Returns one of the plans.
    pub fn plan(&self, nth: usize) -> Option<&Plan> {
        self.plans.get(nth)
    }

    /// Returns the executables that a part of the target has anything of, in order.
    pub fn files(&self, target: &Range<u64>) -> impl Iterator<Item = &Executable> {
        let (start, end) = (target.start, target.end);
        let files = self.plans.iter().flat_map(|plan| &plan.files);
        files.filter(move |file| file.target.start < end && file.target.end > start)
    }

    /// Returns where the bytes of an executable have gone.
    pub fn map(&self, file: &Executable) -> Map {
        let Range { start, end } = file.target;
        let runs = self.plans.iter().flat_map(Plan::placed);
        let of_file = runs.filter(move |(at, run)| *at < end && at.wrapping_add(run.total()) > start);
        Map::new(of_file, file.base())
    }
}
