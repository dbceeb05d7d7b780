//! drydock's deltas, by the host tool `drydock-differ` that lies beside this program.

use super::Job;
use crate::Fallible;
use crate::figures::Figure;
use crate::measure::measure;
use std::fs;
use std::path::{Path, PathBuf};

fn program() -> Option<PathBuf> {
    let beside = std::env::current_exe().ok()?.with_file_name("drydock-differ");
    beside.exists().then_some(beside)
}

pub(crate) fn missing(_: &Path) -> Option<String> {
    program()
        .is_none()
        .then(|| "drydock-differ is not built (cargo build --release -p drydock-differ)".into())
}

pub(crate) fn streams(job: &Job) -> Fallible<Figure> {
    run(job, "streams")
}

pub(crate) fn model(job: &Job) -> Fallible<Figure> {
    run(job, "model")
}

fn run(job: &Job, rung: &str) -> Fallible<Figure> {
    let program = program().ok_or("drydock-differ is not built")?;
    let (delta, made) = (job.scratch.join("delta"), job.scratch.join("made"));
    let (old, new) = (&*job.pair.old, &*job.pair.new);
    let words = ["make".as_ref(), old, new, &*delta, "--rung".as_ref(), rung.as_ref()];
    let make = measure(job.scratch, &program, &words)?;
    let apply = measure(job.scratch, &program, &["apply".as_ref(), old, &*delta, &*made])?;
    job.check(&made)?;
    Ok(Figure { bytes: fs::metadata(&delta)?.len(), make: Some(make), apply: Some(apply) })
}
