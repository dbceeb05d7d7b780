//! Everything up to the disk image, with the commands that an integrator would give.

use drydock_qemu_tests::{Recipe, Tools, repository, run, target_dir};
use std::error::Error;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the demo starts from.
pub(crate) struct Made {
    /// The flashed disk.
    pub(crate) disk: PathBuf,
    /// The operator's stick, still to be filled.
    pub(crate) stick: PathBuf,
    /// The folder with v2's bundle, [`UPDATE`].
    pub(crate) served: PathBuf,
    /// The certificates of the server and of the device.
    pub(crate) certificates: PathBuf,
    /// The serial log of all starts.
    pub(crate) log: PathBuf,
    /// v1 and v2.
    pub(crate) releases: [Release; 2],
    /// Names of the packages that differ.
    pub(crate) changed: Vec<String>,
}

/// A release that was signed.
pub(crate) struct Release {
    /// Its version.
    pub(crate) version: &'static str,
    /// The root hash in its signed manifest.
    pub(crate) root_hash: String,
}

/// One of the two: its name in the file names, version, security version.
const RELEASES: [(&str, &str, u32); 2] = [("v1", "1.0.0", 1), ("v2", "2.0.0", 2)];

/// v2's bundle as the server has it.
pub(crate) const UPDATE: &str = "v2.drydock";

impl Made {
    /// Makes the stick: an ext4 with what this device alone has, and the update that it is to stage.
    pub(crate) fn fill_stick(&self, update: &str) -> Result<(), Box<dyn Error>> {
        let folder = self.stick.with_extension("d");
        fs::create_dir_all(&folder)?;
        for name in ["device.pem", "device.key"] {
            fs::copy(self.certificates.join(name), folder.join(name))?;
        }
        fs::write(folder.join("update"), update)?;
        fs::File::create(&self.stick)?.set_len(8 << 20)?;
        let label = ["-q", "-t", "ext4", "-m", "0", "-L", "DRYDOCK-STICK", "-d"];
        show(Command::new("mke2fs").args(label).args([&folder, &self.stick]))?;
        Ok(fs::remove_dir_all(&folder)?)
    }
}

/// Builds the programs, both systems' images, their bundles, and v1's disk, in an emptied folder.
pub(crate) fn all(dir: &Path) -> Result<Made, Box<dyn Error>> {
    println!("== Programs and root trees (debootstrap; kept for the next time)");
    stream(Command::new(repository().join("tools/build.sh")).arg("--network"))?;
    let tools = Tools::with_network()?;
    let roots = target_dir().join("demo-roots");
    stream(Command::new(repository().join("integration/demo/roots.sh")).arg(&roots))?;
    let changed = changed_packages(&roots)?;

    println!("\n== Keys, images, bundles, and the disk that a factory flashes");
    let at = |name: &str| dir.join(name);
    if dir.exists() {
        fs::remove_dir_all(dir)?;
    }
    fs::create_dir_all(at("keys"))?;
    fs::copy(&tools.drydock, at("drydock"))?;
    fs::copy(repository().join("integration/demo/drydock.toml"), at("drydock.toml"))?;
    show(&mut tools.keygen(&at("keys/release.pem")))?;
    show(Command::new(repository().join("integration/demo/certificates.sh")).arg(at("certificates")))?;
    fs::copy(at("certificates/server-ca.pem"), at("keys/server-ca.pem"))?;
    let mut secret = [0; 32];
    fs::File::open("/dev/urandom")?.read_exact(&mut secret)?;
    fs::write(at("keys/unlock.key"), secret)?;
    fs::write(at("packages"), changed.join("\n") + "\n")?;

    let mut releases = Vec::new();
    for (name, version, security_version) in RELEASES {
        let tree = roots.join(name);
        let [root, boot, initramfs] =
            [format!("{name}.root.erofs"), format!("{name}.boot.squashfs"), initramfs_name(name)]
                .map(|name| at(&name));
        show(&mut root_image(&tree.join("root"), version, &at("packages"), &tools.drydock, &root))?;
        show(&mut tools.build_initramfs(&at("drydock.toml"), tree.join("kernel").as_path(), &initramfs))?;
        let release = fs::read_to_string(tree.join("kernel-release"))?;
        let vmlinuz = tree.join(format!("kernel/boot/vmlinuz-{}", release.trim()));
        show(&mut tools.boot_image(&vmlinuz, &initramfs, &boot))?;
        let bundle = at(&format!("{name}.drydock"));
        let recipe = Recipe {
            compatible: "drydock-demo",
            version,
            security_version,
            images: &[("boot", &boot), ("root", &root)],
            key: &at("keys/release.pem"),
            level: 6,
        };
        let mut create = tools.create(&recipe, &bundle);
        if name != "v1" {
            create.arg("--base").arg(at("v1.drydock"));
        }
        show(&mut create)?;
        releases.push(Release { version, root_hash: tools.root_hash(&bundle)? });
    }
    show(&mut tools.disk(&at("drydock.toml"), &at("v1.drydock"), &at("disk.img")))?;
    show(Command::new(&tools.bundle).arg("info").arg(at(UPDATE)))?;
    fs::create_dir(at("served"))?;
    fs::hard_link(at(UPDATE), at("served").join(UPDATE))?;
    let releases = releases.try_into().map_err(|_| "there are two releases")?;
    let (disk, stick, log) = (at("disk.img"), at("stick.img"), at("serial.log"));
    let (served, certificates) = (at("served"), at("certificates"));
    Ok(Made { disk, stick, served, certificates, log, releases, changed })
}

/// The recovery keeps v1's kernel and initramfs, which therefore has the plain name.
fn initramfs_name(release: &str) -> String {
    if release == "v1" { "initramfs.cpio.zst".into() } else { format!("{release}.initramfs.cpio.zst") }
}

fn root_image(tree: &Path, version: &str, packages: &Path, drydock: &Path, image: &Path) -> Command {
    let mut command = Command::new(repository().join("integration/demo/root-image.sh"));
    command.arg(tree).arg(version).args([packages, drydock, image]);
    command
}

/// The packages of which v2 has another version. The kernel is one of them, but not in the package database.
fn changed_packages(roots: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let [old, new] =
        [fs::read_to_string(roots.join("v1/packages"))?, fs::read_to_string(roots.join("v2/packages"))?];
    let changed = new.lines().filter(|line| !old.lines().any(|other| other == *line));
    let names =
        changed.filter_map(|line| line.split(' ').next()).filter(|name| !name.starts_with("linux-image"));
    let changed: Vec<_> = names.map(str::to_owned).collect();
    if changed.is_empty() {
        return Err("v1 and v2 do not differ: the archive has no updates on top of the base suite".into());
    }
    Ok(changed)
}

/// Shows a command as one would type it, runs it, and shows what it prints.
fn show(command: &mut Command) -> Result<(), Box<dyn Error>> {
    let here = format!("{}/", target_dir().display());
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = std::iter::once(program).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy().replace(&here, "target/")).collect();
    println!("   $ {}", words.join(" "));
    for line in run(command)?.lines() {
        println!("   {}", line.replace(&here, "target/"));
    }
    Ok(())
}

/// Runs a command that takes long and shows by itself how far it is.
fn stream(command: &mut Command) -> Result<(), Box<dyn Error>> {
    let status = command.status().map_err(|e| format!("{command:?}: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} failed").into()) }
}
