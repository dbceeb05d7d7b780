//! Everything up to the disk image, with the commands that an integrator would give.

use super::make::{
    changed_packages, copy, create_folder, empty, read, root_image, stream, unlock_key, vmlinuz, write,
};
use super::transcript::Transcript;
use crate::{QemuError, Recipe, Tools, repository, target_dir};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A release: its name in the file names, version, security version.
const RELEASES: [(&str, &str, u32); 2] = [("v1", "1.0.0", 1), ("v2", "2.0.0", 2)];

/// v2's bundle as a server has it.
pub const UPDATE: &str = "v2.drydock";

/// Keys, certificates, and the root images of two releases, in a folder of their own.
pub struct Factory<'t> {
    dir: PathBuf,
    tools: &'static Tools,
    roots: PathBuf,
    transcript: &'t Transcript,
    /// Names of the packages that differ.
    pub changed: Vec<String>,
}

/// A kind of device: what its configuration adds to the demo's.
#[derive(Clone, Copy, Debug)]
pub struct Kind<'k> {
    /// What the names of its files begin with.
    pub name: &'k str,
    /// More of its configuration, in TOML.
    pub config: &'k str,
    /// How v2 is brought.
    pub deltas: Deltas,
}

/// What a bundle has beside its images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deltas {
    /// Nothing: little work in recovery.
    None,
    /// Deltas from v1: few bytes on the wire.
    FromV1,
}

/// What a device is put into service with, and updated to.
pub struct Made {
    /// The disk, as it is flashed.
    pub disk: PathBuf,
    /// The bundles of v1 and v2.
    pub bundles: [PathBuf; 2],
    /// v1 and v2.
    pub releases: [Release; 2],
}

/// A release that was signed.
pub struct Release {
    /// Its version.
    pub version: &'static str,
    /// The root hash in its signed manifest.
    pub root_hash: String,
}

impl<'t> Factory<'t> {
    /// Builds the root trees, which are kept for the next time, and with these programs the root images, keys, and the
    /// certificates of these devices, in an emptied folder.
    pub fn open(
        dir: &Path,
        tools: &'static Tools,
        devices: &[&str],
        transcript: &'t Transcript,
    ) -> Result<Self, QemuError> {
        let roots = target_dir().join("demo-roots");
        stream(Command::new(repository().join("integration/demo/roots.sh")).arg(&roots))?;
        let changed = changed_packages(&roots)?;

        transcript.heading("Keys, images, bundles, and the disk that a factory flashes");
        let at = |name: &str| dir.join(name);
        create_folder(&at("keys"))?;
        copy(&tools.drydock, &at("drydock"))?;
        transcript.show(&mut tools.keygen(&at("keys/release.pem")))?;
        let script = repository().join("integration/demo/certificates.sh");
        transcript.show(Command::new(script).arg(at("certificates")).args(devices))?;
        copy(&at("certificates/server-ca.pem"), &at("keys/server-ca.pem"))?;
        unlock_key(&at("keys/unlock.key"))?;
        write(&at("packages"), (changed.join("\n") + "\n").as_bytes())?;
        for (name, version, _) in RELEASES {
            let (tree, image) = (roots.join(name).join("root"), at(&format!("{name}.root.erofs")));
            transcript.show(&mut root_image(&tree, version, &at("packages"), tools, &image))?;
        }
        Ok(Self { dir: dir.into(), tools, roots, transcript, changed })
    }

    /// Empties the folder of a demo.
    pub fn clear(dir: &Path) -> Result<(), QemuError> {
        empty(dir)
    }

    /// Where the certificates are.
    pub fn certificates(&self) -> PathBuf {
        self.dir.join("certificates")
    }

    /// Where the private key is that signs releases.
    pub fn key(&self) -> PathBuf {
        self.dir.join("keys/release.pem")
    }

    /// Makes the bundles and the disk of a kind of device.
    pub fn make(&self, kind: &Kind<'_>) -> Result<Made, QemuError> {
        let (tools, transcript) = (self.tools, self.transcript);
        let at = |name: &str| self.dir.join(format!("{}{name}", kind.name));
        let config = at("drydock.toml");
        let common = read(&repository().join("integration/demo/drydock.toml"))?;
        write(&config, (common + kind.config).as_bytes())?;
        let mut releases = Vec::new();
        for (name, version, security_version) in RELEASES {
            let tree = self.roots.join(name);
            let (root, boot) =
                (self.dir.join(format!("{name}.root.erofs")), at(&format!("{name}.boot.squashfs")));
            let initramfs = at(&initramfs_name(name));
            transcript.show(&mut tools.build_initramfs(
                &config,
                tree.join("kernel").as_path(),
                &initramfs,
            ))?;
            transcript.show(&mut tools.boot_image(&vmlinuz(&tree)?, &initramfs, &boot))?;
            let bundle = at(&format!("{name}.drydock"));
            let recipe = Recipe {
                hooks: None,
                compatible: "drydock-demo",
                version,
                security_version,
                images: &[("boot", &boot), ("root", &root)],
                key: &self.key(),
                level: 6,
            };
            let mut create = tools.create(&recipe, &bundle);
            if name != "v1" && kind.deltas == Deltas::FromV1 {
                create.arg("--base").arg(at("v1.drydock"));
            }
            transcript.show(&mut create)?;
            releases.push(Release { version, root_hash: tools.root_hash(&bundle)? });
        }
        let (disk, bundles) = (at("disk.img"), [at("v1.drydock"), at(UPDATE)]);
        transcript.show(&mut tools.disk(&config, &bundles[0], &disk))?;
        transcript.show(Command::new(&tools.bundle).arg("info").arg(&bundles[1]))?;
        let releases = releases.try_into().map_err(|_| QemuError::Program {
            command: "make".into(),
            output: "there are two releases".into(),
        })?;
        Ok(Made { disk, bundles, releases })
    }

    /// Puts a bundle into a folder that is served, under [`UPDATE`].
    pub fn serve(&self, bundle: &Path, folder: &Path) -> Result<(), QemuError> {
        create_folder(folder)?;
        let linked = fs::hard_link(bundle, folder.join(UPDATE));
        linked.map_err(QemuError::io(format!("link {} into {}", bundle.display(), folder.display())))
    }
}

/// The recovery keeps v1's kernel and initramfs, which therefore has the plain name.
fn initramfs_name(release: &str) -> String {
    if release == "v1" { "initramfs.cpio.zst".into() } else { format!("{release}.initramfs.cpio.zst") }
}
