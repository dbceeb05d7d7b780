//! Single pieces that the factory puts together.

use super::transcript::Transcript;
use crate::{QemuError, Tools, repository};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Makes the stick that puts a device into service: an ext4 with what this device alone has. The texts are its files.
pub fn stick(
    transcript: &Transcript,
    image: &Path,
    certificates: &Path,
    device: &str,
    files: &[(&str, &str)],
) -> Result<(), QemuError> {
    let folder = image.with_extension("d");
    create_folder(&folder)?;
    for kind in ["pem", "key"] {
        copy(&certificates.join(format!("{device}.{kind}")), &folder.join(format!("device.{kind}")))?;
    }
    for (name, text) in files {
        write(&folder.join(name), text.as_bytes())?;
    }
    let made = fs::File::create(image).and_then(|file| file.set_len(8 << 20));
    made.map_err(QemuError::io(format!("make {}", image.display())))?;
    let label = ["-q", "-t", "ext4", "-m", "0", "-L", "DRYDOCK-STICK", "-d"];
    transcript.show(Command::new("mke2fs").args(label).args([folder.as_path(), image]))?;
    fs::remove_dir_all(&folder).map_err(QemuError::io(format!("remove {}", folder.display())))
}

/// Builds the programs with this feature of the device binary, and shows how far that is.
pub fn programs(feature: &str) -> Result<(), QemuError> {
    stream(Command::new(repository().join("tools/build.sh")).arg(format!("--{feature}")))
}

/// Makes an empty folder, whatever there was.
pub(super) fn empty(dir: &Path) -> Result<(), QemuError> {
    if dir.exists() {
        fs::remove_dir_all(dir).map_err(QemuError::io(format!("remove {}", dir.display())))?;
    }
    create_folder(dir)
}

pub(super) fn create_folder(dir: &Path) -> Result<(), QemuError> {
    fs::create_dir_all(dir).map_err(QemuError::io(format!("create {}", dir.display())))
}

pub(super) fn copy(from: &Path, to: &Path) -> Result<(), QemuError> {
    let doing = format!("copy {} to {}", from.display(), to.display());
    fs::copy(from, to).map(drop).map_err(QemuError::io(doing))
}

pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), QemuError> {
    fs::write(path, bytes).map_err(QemuError::io(format!("write {}", path.display())))
}

pub(super) fn read(path: &Path) -> Result<String, QemuError> {
    fs::read_to_string(path).map_err(QemuError::io(format!("read {}", path.display())))
}

/// Makes a key for `data`.
pub(super) fn unlock_key(path: &Path) -> Result<(), QemuError> {
    let mut secret = [0; 32];
    let read = fs::File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut secret));
    read.map_err(QemuError::io("read /dev/urandom"))?;
    write(path, &secret)
}

pub(super) fn root_image(
    tree: &Path,
    version: &str,
    packages: &Path,
    tools: &Tools,
    image: &Path,
) -> Command {
    let mut command = Command::new(repository().join("integration/demo/root-image.sh"));
    command.arg(tree).arg(version).args([packages, tools.drydock.as_path(), image]);
    command
}

/// The kernel of a tree of `roots.sh`.
pub(super) fn vmlinuz(tree: &Path) -> Result<PathBuf, QemuError> {
    let release = read(&tree.join("kernel-release"))?;
    Ok(tree.join(format!("kernel/boot/vmlinuz-{}", release.trim())))
}

/// The packages of which v2 has another version. The kernel is one of them, but not in the package database.
pub(super) fn changed_packages(roots: &Path) -> Result<Vec<String>, QemuError> {
    let (old, new) = (read(&roots.join("v1/packages"))?, read(&roots.join("v2/packages"))?);
    let changed = new.lines().filter(|line| !old.lines().any(|other| other == *line));
    let names =
        changed.filter_map(|line| line.split(' ').next()).filter(|name| !name.starts_with("linux-image"));
    let changed: Vec<_> = names.map(str::to_owned).collect();
    if changed.is_empty() {
        let output = "v1 and v2 do not differ: the archive has no updates on top of the base suite".into();
        return Err(QemuError::Program { command: "roots.sh".into(), output });
    }
    Ok(changed)
}

/// Runs a command that takes long and shows by itself how far it is.
pub(super) fn stream(command: &mut Command) -> Result<(), QemuError> {
    let line = format!("{command:?}");
    let status = command.status().map_err(QemuError::io(format!("start {line}")))?;
    if status.success() {
        return Ok(());
    }
    // What it had to say is on the terminal.
    Err(QemuError::Program { command: line, output: status.to_string() })
}
