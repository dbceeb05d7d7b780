//! The tools that are compared.

mod chunks;
pub(crate) mod drydock;
pub(crate) mod full;
mod hdiffpatch;
mod xdelta;

use crate::figures::Figure;
use crate::pair::{Pair, digest};
use crate::{Fallible, floor};
use std::path::Path;
use std::process::{Command, Stdio};

/// The one that the others' sizes are divided by.
pub(crate) const HDIFFPATCH: &str = "HDiffPatch, LZMA2";

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

/// Whose a tool is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Ours,
    Theirs,
    /// Nobody's: a bound that a kind of tools can't beat.
    Bound,
}

/// A way to get from one image to the other.
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// What it needs and is not there, given the folder in which all is made.
    pub(crate) missing: fn(&Path) -> Option<String>,
    pub(crate) run: fn(&Job) -> Fallible<Figure>,
}

/// All tools, in the order of tables and pictures.
pub(crate) const TOOLS: &[Tool] = &[
    Tool { name: "full image, zstd -19", kind: Kind::Theirs, missing: |_| None, run: full::run },
    Tool { name: "zchunk", kind: Kind::Theirs, missing: chunks::no_zchunk, run: chunks::zchunk },
    Tool { name: "casync", kind: Kind::Theirs, missing: chunks::no_casync, run: chunks::casync },
    Tool { name: "xdelta3", kind: Kind::Theirs, missing: xdelta::missing, run: xdelta::run },
    Tool { name: "bsdiff of each changed file", kind: Kind::Bound, missing: floor::missing, run: floor::run },
    Tool { name: HDIFFPATCH, kind: Kind::Theirs, missing: hdiffpatch::missing, run: hdiffpatch::run },
    Tool { name: "drydock, streams", kind: Kind::Ours, missing: |_| None, run: drydock::streams },
    Tool { name: "drydock, model", kind: Kind::Ours, missing: |_| None, run: drydock::model },
];

/// That a program is not installed, and in which Debian package it is.
pub(crate) fn not_installed(program: &str, package: &str) -> Option<String> {
    let mut command = Command::new(program);
    let there = command.arg("--version").stdin(Stdio::null()).output().is_ok();
    (!there).then(|| format!("{program} is not installed (apt-get install {package})"))
}
