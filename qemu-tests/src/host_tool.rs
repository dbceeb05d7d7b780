use crate::paths::{run, target_dir};
use crate::{QemuError, repository};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// The host tool `drydock-bundle`, built from this tree. [`Tools`](crate::Tools) builds the device's programs too, which
/// takes minutes.
pub fn drydock_bundle() -> Result<PathBuf, QemuError> {
    static BUILT: OnceLock<()> = OnceLock::new();
    // The same packages as tools/build.sh: others would unify other features, and build everything again.
    built("drydock-bundle", &["-p", "drydock-bundle", "-p", "drydock-initramfs"], &BUILT)
}

/// The host tool `drydock-fleet`, built from this tree.
pub fn drydock_fleet() -> Result<PathBuf, QemuError> {
    static BUILT: OnceLock<()> = OnceLock::new();
    built("drydock-fleet", &["-p", "drydock-fleet"], &BUILT)
}

fn built(name: &str, packages: &[&str], built: &OnceLock<()>) -> Result<PathBuf, QemuError> {
    if built.get().is_none() {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        run(cargo.current_dir(repository()).args(["build", "--quiet", "--locked"]).args(packages))?;
        let _ = built.set(());
    }
    Ok(target_dir().join("debug").join(name))
}
