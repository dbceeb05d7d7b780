use crate::QemuError;
use crate::paths::{repository, run, target_subdir};
use nix::fcntl::{Flock, FlockArg};
use std::fs::File;
use std::path::PathBuf;
use std::process::Command;

/// U-Boot for QEMU's machine, built below the target directory once, then kept.
#[derive(Clone, Debug)]
pub struct UBoot {
    /// What the machine starts.
    pub rom: PathBuf,
    /// The environment that is built in, a `name=value` a line.
    pub environment: PathBuf,
}

impl UBoot {
    /// Gets the one with its environment in two copies, or in one. Only one process at a time builds it.
    pub fn get(redundant: bool) -> Result<Self, QemuError> {
        let folder = target_subdir("u-boot")?;
        let lock = File::create(target_subdir("locks")?.join("u-boot"));
        let lock = lock.map_err(QemuError::io("create U-Boot's lock file"))?;
        let _lock = Flock::lock(lock, FlockArg::LockExclusive)
            .map_err(|(_, errno)| QemuError::io("lock U-Boot's folder")(errno.into()))?;
        run(Command::new(repository().join("tools/u-boot.sh")).arg(&folder))?;
        let folder = folder.join(if redundant { "redundant" } else { "plain" });
        Ok(Self { rom: folder.join("u-boot.rom"), environment: folder.join("u-boot-initial-env") })
    }
}
