use crate::QemuError;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Cargo's target directory, where logs, kernels and images go.
pub fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => dir.into(),
        None => repository().join("target"),
    }
}

/// Makes a directory below the target directory.
pub(crate) fn target_subdir(name: &str) -> Result<PathBuf, QemuError> {
    let dir = target_dir().join(name);
    std::fs::create_dir_all(&dir).map_err(QemuError::io(format!("create {}", dir.display())))?;
    Ok(dir)
}

/// Runs a host program to its end and returns what it printed to stdout.
pub fn run(command: &mut Command) -> Result<String, QemuError> {
    let line = format!("{command:?}");
    let output = command.output().map_err(QemuError::io(format!("start {line}")))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let both = [output.stdout, output.stderr].concat();
    Err(QemuError::Program { command: line, output: String::from_utf8_lossy(&both).into_owned() })
}

/// The top folder of the sources.
pub fn repository() -> &'static Path {
    static TOP: OnceLock<PathBuf> = OnceLock::new();
    TOP.get_or_init(|| Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("/")).to_owned())
}
