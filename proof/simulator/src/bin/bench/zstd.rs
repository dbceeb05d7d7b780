//! `zstd -dc | dd oflag=direct`: the least that an install takes.

use crate::measure::{Installer, watch};
use crate::tools::run;
use crate::{Fallible, Job, LEVEL};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The compressed image's name in the folder.
pub(crate) const PACKED: &str = "image.zst";

struct Zstd {
    packed: PathBuf,
    target: PathBuf,
}

pub(crate) fn prepare(job: &Job) -> Fallible<Box<dyn Installer>> {
    let packed = job.folder.join(PACKED);
    let mut command = Command::new("zstd");
    command.args(["-q", "-f", "-T0", &format!("-{LEVEL}")]).arg(&job.image).arg("-o").arg(&packed);
    run(&mut command, &job.folder.join("zstd.log"))?;
    Ok(Box::new(Zstd { packed, target: job.target.clone() }))
}

impl Installer for Zstd {
    fn name(&self) -> &'static str {
        "zstd | dd"
    }
    fn checks(&self) -> &'static str {
        "nothing; `dd oflag=direct`"
    }
    fn target(&self) -> &Path {
        &self.target
    }
    fn install(&mut self) -> Fallible<u64> {
        let mut zstd = Command::new("zstd").arg("-dc").arg(&self.packed).stdout(Stdio::piped()).spawn()?;
        let mut dd = Command::new("dd");
        dd.args(["bs=4M", "iflag=fullblock", "oflag=direct", "conv=notrunc,fsync", "status=none"]);
        dd.arg(format!("of={}", self.target.display()));
        dd.stdin(zstd.stdout.take().ok_or("zstd has no output")?);
        watch(vec![zstd, dd.spawn()?])
    }
}
