//! xdelta3, with windows that hold both images and LZMA as its second compression.

use super::tool::{Job, not_installed};
use crate::Fallible;
use crate::figures::Figure;
use crate::measure::measure;
use std::fs;
use std::path::Path;

/// The window of the old image: as much as it takes, 2 GiB less a byte.
const OLD_WINDOW: &str = "2147483647";
/// That of the new one: the most that it takes.
const NEW_WINDOW: &str = "8388608";

pub(crate) fn missing(_: &Path) -> Option<String> {
    not_installed("xdelta3", "xdelta3")
}

pub(crate) fn run(job: &Job) -> Fallible<Figure> {
    let (delta, made) = (job.scratch.join("delta"), job.scratch.join("made"));
    let flags = ["-e", "-9", "-S", "lzma", "-B", OLD_WINDOW, "-W", NEW_WINDOW, "-s"].map(Path::new);
    let files = [&*job.pair.old, &job.pair.new, &delta];
    let make = measure(job.scratch, "xdelta3", &[&flags[..], &files].concat())?;
    let flags = ["-d", "-B", OLD_WINDOW, "-s"].map(Path::new);
    let files = [&*job.pair.old, &delta, &made];
    let apply = measure(job.scratch, "xdelta3", &[&flags[..], &files].concat())?;
    job.check(&made)?;
    Ok(Figure {
        bytes: fs::metadata(&delta)?.len(),
        make: Some(make),
        apply: Some(apply),
        ..Figure::default()
    })
}
