//! The plan of a section: what is packed in it, its executables and its runs.

use crate::coder::Coder;
use crate::limits::MAX_CHAIN;
use crate::packed::{Course, Packed, code_packed, in_image};
use crate::run::{Map, Run, code_runs};
use crate::spaces::{Executable, code_executables};
use std::ops::Range;

/// What a section does, but for the bytes themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Where its part of the target begins and ends.
    pub target: Range<u64>,
    /// The packed parts of the base that its runs take from.
    pub base_packed: Vec<Packed>,
    /// The packed parts of the target that it gives.
    pub target_packed: Vec<Packed>,
    /// The executables that begin in it.
    pub files: Vec<Executable>,
    /// Its runs, which give exactly its part of the target.
    pub runs: Vec<Run>,
}

impl Plan {
    /// Codes a plan whose target is known, from a base of that many bytes. Nothing is returned where it is damaged.
    pub fn code<C: Coder>(coder: &mut C, base_size: u64, plan: &Self) -> Option<Self> {
        let target = plan.target.clone();
        let base_packed = code_packed(coder, &(0..base_size), &plan.base_packed)?;
        let target_packed = code_packed(coder, &target, &plan.target_packed)?;
        let files = code_executables(coder, target.start, &plan.files)?;
        let runs = code_runs(coder, Course::new(&target, &target_packed), &plan.runs)?;
        Some(Self { target, base_packed, target_packed, files, runs })
    }

    /// Returns the way through its part of the target.
    pub fn course(&self) -> Course<'_> {
        Course::new(&self.target, &self.target_packed)
    }

    /// Returns the runs, each with where it begins in the target.
    fn placed(&self) -> impl Iterator<Item = (u64, Run)> {
        self.runs.iter().scan(self.course(), |course, &run| {
            let start = course.at();
            course.advance(run.total()).then_some((start, run))
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
        files.filter(move |file| {
            let last = file.target.end.saturating_sub(1);
            in_image(file.target.start) < end && in_image(last) >= start
        })
    }

    /// Returns where the bytes of an executable have gone.
    pub fn map(&self, file: &Executable) -> Map {
        let Range { start, end } = file.target;
        let (first, last) = (in_image(start), in_image(end.saturating_sub(1)));
        let plans = self.plans.iter().filter(|plan| plan.target.start <= last && first < plan.target.end);
        let runs = plans.flat_map(Plan::placed);
        let of_file = runs.filter(move |(at, run)| *at < end && at.wrapping_add(run.total()) > start);
        Map::new(of_file, file.base())
    }
}
