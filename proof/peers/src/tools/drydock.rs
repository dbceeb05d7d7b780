//! drydock's deltas, made and decoded by the code of its bundles and its devices, without the bundle around them.

use super::tool::Job;
use crate::Fallible;
use crate::figures::Figure;
use crate::measure::measure;
use drydock_delta::{Coding, Index, decode};
use drydock_differ::{Made, Options, make};
use drydock_files::FileBytes;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

/// The size of the model's tables, as bundles have it.
const MODEL: Coding = Coding::Model { table_bits: 17 };

/// The ways to make a delta, by the words for them: how what differs is coded, and whether what is packed is unpacked first.
/// The last one is that of bundles.
const RUNGS: [(&str, Coding, bool); 3] =
    [("streams", Coding::Streams, false), ("model", MODEL, false), ("unpacked", MODEL, true)];

pub(crate) fn streams(job: &Job) -> Fallible<Figure> {
    run(job, "streams")
}

pub(crate) fn model(job: &Job) -> Fallible<Figure> {
    run(job, "model")
}

pub(crate) fn unpacked(job: &Job) -> Fallible<Figure> {
    run(job, "unpacked")
}

fn run(job: &Job, rung: &str) -> Fallible<Figure> {
    let program = std::env::current_exe()?;
    let (delta, made) = (job.scratch.join("delta"), job.scratch.join("made"));
    let (old, new) = (&*job.pair.old, &*job.pair.new);
    let words = ["make-delta".as_ref(), old, new, &*delta, rung.as_ref()];
    let make = measure(job.scratch, &program, &words)?;
    let apply = measure(job.scratch, &program, &["apply-delta".as_ref(), old, &*delta, &*made])?;
    job.check(&made)?;
    Ok(Figure { bytes: fs::metadata(&delta)?.len(), make: Some(make), apply: Some(apply) })
}

/// Writes a delta: the length of its index in eight bytes, its index, its data.
pub(crate) fn make_delta(old: &Path, new: &Path, out: &Path, rung: &str) -> Fallible<()> {
    let found = RUNGS.iter().find(|(name, ..)| *name == rung);
    let &(_, coding, unpack) = found.ok_or_else(|| format!("no way to make a delta is called {rung}"))?;
    let options = Options { coding, unpack, threads: std::thread::available_parallelism()?.get() };
    let Made { index, data } = make(&fs::read(old)?, &fs::read(new)?, options)?;
    Ok(fs::write(out, [&(index.len() as u64).to_le_bytes()[..], &index, &data].concat())?)
}

/// Writes the new image of such a delta, with one thread. The digests of its groups are not at hand.
pub(crate) fn apply_delta(old: &Path, delta: &Path, out: &Path) -> Fallible<()> {
    let delta = fs::read(delta)?;
    let (len, rest) = delta.split_first_chunk().ok_or("it is no delta")?;
    let len = usize::try_from(u64::from_le_bytes(*len))?;
    let (index, data) = rest.split_at_checked(len).ok_or("it is no delta")?;
    let index = Index::parse(index, data.len() as u64)?;
    let (base, mut out) = (FileBytes(File::open(old)?), File::create(out)?);
    for section in 0..index.sections.len() {
        let mut written = Ok(());
        let mut sink = |bytes: &[u8]| {
            written = out.write_all(bytes);
            written.is_ok()
        };
        let unread = decode(&index, section, &data, &base, &mut sink);
        written?;
        if let Some(why) = unread? {
            return Err(why.into());
        }
    }
    Ok(out.sync_all()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delta_leads_from_the_old_image_to_the_new_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let old: Vec<u8> = (0..3_u32 << 18).flat_map(|number| (number / 3).to_le_bytes()).collect();
        let mut new = old.clone();
        new[500_000..500_009].fill(1);
        fs::write(path("old"), &old).unwrap();
        fs::write(path("new"), &new).unwrap();
        for (rung, ..) in RUNGS {
            make_delta(&path("old"), &path("new"), &path("delta"), rung).unwrap();
            apply_delta(&path("old"), &path("delta"), &path("made")).unwrap();
            assert!(fs::read(path("made")).unwrap() == new, "{rung}");
            assert!(fs::metadata(path("delta")).unwrap().len() < 2000, "{rung}");
        }
        assert!(make_delta(&path("old"), &path("new"), &path("delta"), "other").is_err());
    }
}
