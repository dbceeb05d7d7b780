use crate::paths::{repository, run, target_subdir};
use crate::{ARCHITECTURE, QemuError};
use drydock_architecture::Architecture;
use nix::fcntl::{Flock, FlockArg};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A kernel of Debian's, unpacked below the target directory: fetched by apt once, then kept.
#[derive(Clone, Debug)]
pub struct DebianKernel {
    /// The version, as `uname -r` has it.
    pub version: String,
    /// The kernel image.
    pub vmlinuz: PathBuf,
    /// The module directory, `lib/modules/VERSION`, with `modules.dep`.
    pub modules: PathBuf,
}

impl DebianKernel {
    /// The small kernel for virtual machines. It has no drivers for AHCI, USB storage and watchdogs.
    pub fn cloud() -> Result<Self, QemuError> {
        Self::cloud_for(ARCHITECTURE)
    }

    /// The same for another processor.
    pub fn cloud_for(architecture: Architecture) -> Result<Self, QemuError> {
        Self::get(architecture, &format!("linux-image-cloud-{}", architecture.debian()))
    }

    /// The kernel for everything.
    pub fn generic() -> Result<Self, QemuError> {
        Self::get(ARCHITECTURE, &format!("linux-image-{}", ARCHITECTURE.debian()))
    }

    /// The folder that the package was unpacked to.
    pub fn root(&self) -> &Path {
        self.vmlinuz.parent().and_then(Path::parent).unwrap_or(Path::new("/"))
    }

    /// The image, and where its modules come from.
    pub(crate) fn parts(&self) -> (&Path, Option<&Path>) {
        (&self.vmlinuz, Some(self.root()))
    }

    /// Gets what a meta package depends on. Only one process at a time downloads.
    fn get(architecture: Architecture, meta: &str) -> Result<Self, QemuError> {
        let dir = target_subdir("kernel")?.join(meta);
        std::fs::create_dir_all(&dir).map_err(QemuError::io(format!("create {}", dir.display())))?;
        let lock = File::create(dir.join("lock")).map_err(QemuError::io("create the kernel's lock file"))?;
        let _lock = Flock::lock(lock, FlockArg::LockExclusive)
            .map_err(|(_, errno)| QemuError::io("lock the kernel's folder")(errno.into()))?;
        let done = dir.join("version");
        let version = match std::fs::read_to_string(&done) {
            Ok(version) => version,
            Err(_) => {
                let version = download(architecture, meta, &dir)?;
                std::fs::write(&done, &version).map_err(QemuError::io("note the kernel's version"))?;
                version
            }
        };
        let vmlinuz = dir.join(format!("boot/vmlinuz-{version}"));
        let modules = dir.join(format!("lib/modules/{version}"));
        Ok(Self { version, vmlinuz, modules })
    }
}

fn download(architecture: Architecture, meta: &str, dir: &Path) -> Result<String, QemuError> {
    // The host's apt knows the packages of the host's own kind alone.
    let foreign = match architecture {
        ARCHITECTURE => None,
        other => Some(run(Command::new(repository().join("tools/foreign-apt.sh")).arg(other.debian()))?),
    };
    let apt = |program: &str| {
        let mut command = Command::new(program);
        command.envs(foreign.iter().map(|path| ("APT_CONFIG", path.trim_end())));
        command
    };
    let depends = run(apt("apt-cache").args(["depends", "--important", meta]))?;
    let package = depends.lines().find_map(|line| line.trim().strip_prefix("Depends: linux-image-"));
    let Some(version) = package else {
        return Err(QemuError::Program { command: format!("apt-cache depends {meta}"), output: depends });
    };
    run(apt("apt-get").current_dir(dir).args(["download", "-qq", &format!("linux-image-{version}")]))?;
    let entries = std::fs::read_dir(dir).map_err(QemuError::io("list the kernel's folder"))?;
    let deb = entries.flatten().map(|e| e.path()).find(|path| path.extension().is_some_and(|e| e == "deb"));
    let Some(deb) = deb else {
        return Err(QemuError::Program { command: "apt-get download".into(), output: "no .deb came".into() });
    };
    run(Command::new("dpkg-deb").arg("-x").args([&deb, dir]))?;
    run(Command::new("/sbin/depmod").arg("-b").arg(dir).arg(version))?;
    std::fs::remove_file(&deb).map_err(QemuError::io("remove the kernel's package"))?;
    Ok(version.to_owned())
}
