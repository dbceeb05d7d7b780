//! Tools that cut an image where its content says so, and fetch the pieces that are new: zchunk and casync.

use super::tool::{Job, not_installed};
use crate::Fallible;
use crate::figures::Figure;
use crate::measure::{measure, said};
use std::collections::HashSet;
use std::fs;
use std::path::Path;

pub(crate) fn no_zchunk(_: &Path) -> Option<String> {
    not_installed("zck", "zchunk")
}

pub(crate) fn no_casync(_: &Path) -> Option<String> {
    not_installed("casync", "casync")
}

/// Its own word for what would be fetched counts. It applies over HTTP only, which is not measured.
pub(crate) fn zchunk(job: &Job) -> Fallible<Figure> {
    let (old, new) = (job.scratch.join("old"), job.scratch.join("new"));
    let make =
        |image: &Path, out: &Path| measure(job.scratch, "zck", &["-u".as_ref(), "-o".as_ref(), out, image]);
    make(&job.pair.old, &old)?;
    let cost = make(&job.pair.new, &new)?;
    measure(job.scratch, "zck_delta_size", &[&old, &new])?;
    let bytes = would_download(&said(job.scratch)?).ok_or("zck_delta_size has not said how much it is")?;
    Ok(Figure { bytes, make: Some(cost), ..Figure::default() })
}

/// The number in `Would download 30834 of 70143 bytes`.
fn would_download(said: &str) -> Option<u64> {
    said.lines().find_map(|line| line.strip_prefix("Would download "))?.split(' ').next()?.parse().ok()
}

/// The index and the chunks that the old image's store does not have.
pub(crate) fn casync(job: &Job) -> Fallible<Figure> {
    let make = |name: &str, image: &Path| -> Fallible<_> {
        let store = job.scratch.join(format!("{name}.castr"));
        let index = job.scratch.join(format!("{name}.caibx"));
        let flag = format!("--store={}", store.display());
        let cost = measure(job.scratch, "casync", &["make".as_ref(), flag.as_ref(), &index, image])?;
        Ok((store, index, flag, cost))
    };
    let (old_store, ..) = make("old", &job.pair.old)?;
    let (new_store, index, flag, cost) = make("new", &job.pair.new)?;
    let (had, has) = (chunks(&old_store)?, chunks(&new_store)?);
    let fetched: u64 = has.difference(&had).map(|(_, len)| len).sum();
    let made = job.scratch.join("made");
    let seed = format!("--seed={}", job.pair.old.display());
    let words = ["extract".as_ref(), flag.as_ref(), seed.as_ref(), &*index, &*made];
    let apply = measure(job.scratch, "casync", &words)?;
    job.check(&made)?;
    Ok(Figure {
        bytes: fetched + fs::metadata(index)?.len(),
        make: Some(cost),
        apply: Some(apply),
        ..Figure::default()
    })
}

/// The names of a store's chunks, with their sizes.
fn chunks(store: &Path) -> Fallible<HashSet<(String, u64)>> {
    let mut found = HashSet::new();
    for folder in fs::read_dir(store)? {
        for chunk in fs::read_dir(folder?.path())? {
            let chunk = chunk?;
            found.insert((chunk.file_name().to_string_lossy().into_owned(), chunk.metadata()?.len()));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_zchunk_would_download_is_read() {
        assert_eq!(
            would_download("Would download 30834 of 70143 bytes\nMatched 3 of 7 chunks\n"),
            Some(30834)
        );
        assert_eq!(would_download("zck: no such file\n"), None);
    }
}
