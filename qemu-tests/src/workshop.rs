//! What an integrator's build does: the commands that turn trees and kernels into initramfs, images, bundles and
//! disks. The demo shows them while it runs them; the tests only run them.

use crate::paths::run;
use crate::{QemuError, Tools, repository};
use std::path::{Path, PathBuf};
use std::process::Command;

impl Tools {
    /// Makes a key pair: `private`, and beside it the public key with the extension `pub.pem`.
    pub fn keygen(&self, private: &Path) -> Command {
        command(&self.bundle, &[&"keygen", &private])
    }

    /// Builds an initramfs from a config and, unless the kernel has everything built in, an unpacked kernel package.
    pub fn build_initramfs<'a>(
        &self,
        config: &Path,
        kernel_root: impl Into<Option<&'a Path>>,
        output: &Path,
    ) -> Command {
        let mut build =
            command(&self.initramfs, &[&"build", &"--config", &config, &"--drydock", &self.drydock]);
        if let Some(root) = kernel_root.into() {
            build.arg("--kernel-root").arg(root);
        }
        build.arg("--output").arg(output);
        build
    }

    /// Makes a boot slot's image.
    pub fn boot_image(&self, vmlinuz: &Path, initramfs: &Path, output: &Path) -> Command {
        command(&boot_image_script(), &[&vmlinuz, &initramfs, &output])
    }

    /// Makes and signs a bundle of images that are called as their slot class.
    pub fn create(&self, release: &Recipe<'_>, output: &Path) -> Command {
        let mut create =
            command(&self.bundle, &[&"create", &"--quiet", &"--compatible", &release.compatible]);
        create.args(["--version", release.version, "--level", &release.level.to_string()]);
        create.args(["--security-version", &release.security_version.to_string()]);
        for (class, path) in release.images {
            create.arg("--image").arg(format!("{class}={}", path.display()));
        }
        if let Some(hooks) = release.hooks {
            create.arg("--hooks").arg(hooks);
        }
        create.arg("--key").arg(release.key).arg("--output").arg(output);
        create
    }

    /// Cuts a bundle down to its deltas from another one.
    pub fn slim(&self, bundle: &Path, from: &Path, output: &Path) -> Command {
        command(&self.bundle, &[&"slim", &bundle, &"--from", &from, &"--output", &output])
    }

    /// Makes the disk image that a factory flashes.
    pub fn disk(&self, config: &Path, bundle: &Path, output: &Path) -> Command {
        let mut disk = command(
            &self.bundle,
            &[&"disk", &"--quiet", &"--config", &config, &"--bundle", &bundle, &"--output", &output],
        );
        if let Some(modules) = &self.grub_modules {
            disk.arg("--grub-modules").arg(modules);
        }
        disk
    }

    /// The root image's dm-verity root hash in a bundle's manifest, in hex.
    pub fn root_hash(&self, bundle: &Path) -> Result<String, QemuError> {
        let info = run(&mut command(&self.bundle, &[&"info", &"--json", &bundle]))?;
        let parsed: Option<serde_json::Value> = serde_json::from_str(&info).ok();
        let images = parsed.as_ref().and_then(|info| info["manifest"]["images"].as_array());
        let root = images.and_then(|images| images.iter().find(|image| image["class"] == "root"));
        let hash = root.and_then(|image| image["root_hash"].as_str());
        hash.map(str::to_owned).ok_or_else(|| QemuError::Program {
            command: format!("drydock-bundle info --json {}", bundle.display()),
            output: format!("no root image with a root hash in: {info}"),
        })
    }
}

/// What makes a boot slot's image.
pub(crate) fn boot_image_script() -> PathBuf {
    repository().join("integration/demo/boot-image.sh")
}

/// What goes into a bundle.
#[derive(Clone, Copy, Debug)]
pub struct Recipe<'a> {
    /// The kind of device.
    pub compatible: &'a str,
    /// The version for people.
    pub version: &'a str,
    /// The version that must not fall.
    pub security_version: u32,
    /// Slot class and image file.
    pub images: &'a [(&'a str, &'a Path)],
    /// A file with its hooks.
    pub hooks: Option<&'a Path>,
    /// The private key to sign with.
    pub key: &'a Path,
    /// zstd's level.
    pub level: u32,
}

fn command(program: &Path, arguments: &[&dyn AsRef<std::ffi::OsStr>]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments.iter().map(|argument| argument.as_ref()));
    command
}
