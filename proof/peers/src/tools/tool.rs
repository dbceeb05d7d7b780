//! What a tool is, and what it is given.

use crate::Fallible;
use crate::figures::Figure;
use crate::pair::{Pair, digest};
use std::path::Path;
use std::process::{Command, Stdio};

/// What a tool is given.
pub(crate) struct Job<'a> {
    /// Where all is made; absolute.
    pub(crate) folder: &'a Path,
    /// An empty folder, removed afterwards.
    pub(crate) scratch: &'a Path,
    pub(crate) pair: &'a Pair,
}

impl Job<'_> {
    /// That a file is the new image, as it must be after all that applies a delta.
    pub(crate) fn check(&self, made: &Path) -> Fallible<()> {
        if digest(made)? == self.pair.digest {
            Ok(())
        } else {
            Err("what it made is not the new image".into())
        }
    }
}

/// What measures one row, or several.
pub(crate) struct Tool {
    /// The names of its rows.
    pub(crate) rows: &'static [&'static str],
    /// What it needs and is not there, given the folder in which all is made.
    pub(crate) missing: fn(&Path) -> Option<String>,
    /// Returns a figure for each row.
    pub(crate) run: fn(&Job) -> Fallible<Vec<Figure>>,
}

/// That a program is not installed, and in which Debian package it is.
pub(crate) fn not_installed(program: &str, package: &str) -> Option<String> {
    let mut command = Command::new(program);
    let there = command.arg("--version").stdin(Stdio::null()).output().is_ok();
    (!there).then(|| format!("{program} is not installed (apt-get install {package})"))
}
