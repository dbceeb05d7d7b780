//! drydock itself, as its recovery installs.

use crate::measure::{Installer, watch};
use crate::{Fallible, Job, LEVEL};
use drydock_simulator::native;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(crate) const NAME: &str = "drydock";

struct Drydock {
    folder: PathBuf,
    slot: PathBuf,
    threads: String,
}

pub(crate) fn prepare(job: &Job) -> Fallible<Box<dyn Installer>> {
    native::prepare(&job.folder, &job.image, LEVEL)?;
    let threads = native::workers().to_string();
    Ok(Box::new(Drydock { folder: job.folder.clone(), slot: job.folder.join(native::SLOT), threads }))
}

impl Installer for Drydock {
    fn name(&self) -> &'static str {
        NAME
    }
    fn checks(&self) -> &'static str {
        "Ed25519 signature; each 512 KiB proven before it is written; all read back and proven again"
    }
    fn target(&self) -> &Path {
        &self.slot
    }
    fn reads_back(&self) -> bool {
        true
    }
    fn install(&mut self) -> Fallible<u64> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("install").arg(&self.folder).arg(&self.threads).stdout(Stdio::null());
        watch(vec![command.spawn()?])
    }
}
