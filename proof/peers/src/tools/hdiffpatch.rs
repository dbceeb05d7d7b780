//! HDiffPatch on whole images, through its Python package.

use super::tool::Job;
use crate::Fallible;
use crate::figures::Figure;
use crate::measure::measure;
use std::fs;
use std::path::{Path, PathBuf};

/// LZMA2 at its highest level, with a window of 64 MiB.
const SCRIPT: &str = "\
import sys, hdiffpatch
verb, old, given, out = sys.argv[1:]
def read(path):
    with open(path, 'rb') as file:
        return file.read()
if verb == 'make':
    config = hdiffpatch.Lzma2Config(level=9, window=26)
    result = hdiffpatch.diff(read(old), read(given), config, validate=False)
else:
    result = hdiffpatch.apply(read(old), read(given))
with open(out, 'wb') as file:
    file.write(result)
";

/// The Python in whose environment the package is.
fn python(folder: &Path) -> PathBuf {
    folder.join("python/bin/python")
}

pub(crate) fn missing(folder: &Path) -> Option<String> {
    let python = python(folder);
    (!python.exists()).then(|| format!("{} is not there (tools/bench-delta.sh makes it)", python.display()))
}

pub(crate) fn run(job: &Job) -> Fallible<Figure> {
    let script = job.scratch.join("script.py");
    fs::write(&script, SCRIPT)?;
    let (delta, made) = (job.scratch.join("delta"), job.scratch.join("made"));
    let python = python(job.folder);
    let step = |verb: &str, given: &Path, out: &Path| {
        measure(job.scratch, &python, &[&script, verb.as_ref(), &job.pair.old, given, out])
    };
    let make = step("make", &job.pair.new, &delta)?;
    let apply = step("apply", &delta, &made)?;
    job.check(&made)?;
    Ok(Figure {
        bytes: fs::metadata(&delta)?.len(),
        make: Some(make),
        apply: Some(apply),
        ..Figure::default()
    })
}
