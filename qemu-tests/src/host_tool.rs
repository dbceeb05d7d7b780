use crate::paths::{run, target_dir};
use crate::{QemuError, repository};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// The host tool `drydock-bundle`, built from this tree. [`Tools`](crate::Tools) builds the device's programs too, which
/// takes minutes.
pub fn drydock_bundle() -> Result<PathBuf, QemuError> {
    static BUILT: OnceLock<()> = OnceLock::new();
    if BUILT.get().is_none() {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        // The same packages as tools/build.sh: others would unify other features, and build everything again.
        let packages = ["-p", "drydock-bundle", "-p", "drydock-initramfs"];
        run(cargo.current_dir(repository()).args(["build", "--quiet", "--locked"]).args(packages))?;
        let _ = BUILT.set(());
    }
    Ok(target_dir().join("debug/drydock-bundle"))
}
