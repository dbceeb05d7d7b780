//! Going through a section from its first byte to its last. The encoder and the decoder do so in the same way; what they do
//! otherwise is behind two traits.

use crate::address::Predict;
use crate::error::Error;
use crate::limits::{PIECE, WHOLE_PIECE};
use crate::model::Place;
use crate::packed::in_image;
use crate::plan::Chain;
use crate::run::Run;
use crate::spaces::Executable;
use drydock_format::ReadAt;
use std::io;

/// What codes differences.
pub trait Differences {
    /// Returns whether this is an encoder, which knows the target.
    fn knows(&self) -> bool;

    /// Codes whether a piece of that length is as the base has it, and returns that. `is_predicted` says that something may
    /// be predicted for it that is not what the base has.
    fn whole(&mut self, len: usize, is_predicted: bool, is_same: bool) -> bool;

    /// Codes a piece of which `predicted` is predicted. Returns whether it could: what can't is damaged.
    fn piece(&mut self, place: &Place<'_>, predicted: &[u8], out: &mut [u8]) -> bool;

    /// Is told of literals.
    fn passed(&mut self, literals: &[u8]);

    /// Is told of a piece that is as the base has it.
    fn calm(&mut self, piece: &[u8]);
}

/// Where literals and known bytes come from, and where the target goes.
pub trait Ends {
    /// Puts literals, which belong to `position` in the target, into `out`.
    fn literals(&mut self, position: u64, out: &mut [u8]) -> Result<(), Error>;

    /// Puts what is known of the target at `position` into `out`: all of it, or nothing.
    fn known(&mut self, position: u64, out: &mut [u8]) -> Result<(), Error>;

    /// Takes the next bytes of the target, which belong to `position`.
    fn give(&mut self, position: u64, bytes: &[u8]) -> Result<(), Error>;

    /// Is told that a part of the base could not be read, whose bytes do not decide how it goes on: zeros are given.
    fn unreadable(&mut self, offset: u64, error: io::Error);
}

/// An executable that the walk is in.
struct Inside<'c> {
    file: &'c Executable,
    number: u32,
    predict: Predict<'c>,
}

/// Goes through the `nth` section of a chain.
pub fn walk(
    chain: &Chain,
    nth: usize,
    base: &dyn ReadAt,
    differences: &mut dyn Differences,
    ends: &mut dyn Ends,
    section: usize,
) -> Result<(), Error> {
    let missing = Error::Section { section, problem: "its plan is missing" };
    let plan = chain.plan(nth).ok_or(missing)?;
    let mut files = chain.files(&plan.target).peekable();
    let mut inside: Option<Inside<'_>> = None;
    let mut number = 1;
    let mut walk = Walk {
        base,
        differences,
        ends,
        section,
        target: plan.target.start,
        predicted: vec![0; PIECE],
        out: vec![0; PIECE],
    };
    let mut course = plan.course();
    for run in &plan.runs {
        walk.target = course.at();
        course.advance(run.total());
        walk.literals(run.literals as usize)?;
        if inside.as_ref().is_some_and(|inside| !inside.file.target.contains(&walk.target)) {
            inside = None;
        }
        let is_reached = |file: &&Executable| in_image(file.target.start) <= in_image(walk.target);
        while let Some(file) = files.next_if(is_reached) {
            number += 1;
            let is_in = file.target.contains(&walk.target);
            inside = is_in.then(|| Inside { file, number, predict: Predict::new(file, chain.map(file)) });
        }
        walk.run(*run, inside.as_ref())?;
    }
    Ok(())
}

struct Walk<'a> {
    base: &'a dyn ReadAt,
    differences: &'a mut dyn Differences,
    ends: &'a mut dyn Ends,
    section: usize,
    /// How far it is.
    target: u64,
    predicted: Vec<u8>,
    out: Vec<u8>,
}

impl Walk<'_> {
    fn literals(&mut self, mut left: usize) -> Result<(), Error> {
        while left > 0 {
            let len = left.min(PIECE);
            let out = self.out.get_mut(..len).unwrap_or_default();
            self.ends.literals(self.target, out)?;
            self.differences.passed(out);
            self.ends.give(self.target, out)?;
            self.target += len as u64;
            left -= len;
        }
        Ok(())
    }

    fn run(&mut self, run: Run, inside: Option<&Inside<'_>>) -> Result<(), Error> {
        let (mut base, mut left) = (run.base, run.len as usize);
        while left > 0 {
            let len = left.min(PIECE);
            self.piece(base, len, inside)?;
            let out = self.out.get(..len).unwrap_or_default();
            self.ends.give(self.target, out)?;
            self.target += len as u64;
            base += len as u64;
            left -= len;
        }
        Ok(())
    }

    fn piece(&mut self, base: u64, len: usize, inside: Option<&Inside<'_>>) -> Result<(), Error> {
        let predict = inside.map(|inside| &inside.predict);
        let Self { predicted, out, .. } = self;
        let (predicted, out) =
            (predicted.get_mut(..len).unwrap_or_default(), out.get_mut(..len).unwrap_or_default());
        self.ends.known(self.target, out)?;
        let mut read = self.base.read_at(base, predicted);
        let is_same = self.differences.knows() && predicted == out;
        if len >= WHOLE_PIECE && self.differences.whole(len, predict.is_some(), is_same) {
            if let Err(error) = std::mem::replace(&mut read, Ok(())) {
                predicted.fill(0);
                self.ends.unreadable(base, error);
            }
            out.copy_from_slice(predicted);
            self.differences.calm(out);
            return Ok(());
        }
        read.map_err(|source| Error::Base { offset: base, source })?;
        if let Some(predict) = predict {
            predict.piece(predicted, base, self.target);
        }
        let moved = |word: u32| {
            let address = predict?.moved().address(word as i32 as i64, None)?;
            Some(address as u32)
        };
        let place = Place {
            target: self.target,
            file: inside.map_or(1, |inside| inside.number),
            moved: predict.map(|_| &moved as &dyn Fn(u32) -> Option<u32>),
        };
        match self.differences.piece(&place, predicted, out) {
            true => Ok(()),
            false => Err(Error::Section { section: self.section, problem: "its differences end too early" }),
        }
    }
}
