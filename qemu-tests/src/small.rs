//! A small system for tests: the demo's kernel, a root with nothing but `test-init`, the device binary and filler.

use crate::paths::{run, target_subdir};
use crate::workshop::{Recipe, boot_image_script};
use crate::{DebianKernel, QemuError, Tools, unified};
use drydock_architecture::Architecture;
use nix::fcntl::{Flock, FlockArg};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The configuration that most tests use.
const CONFIG: &str = include_str!("small.toml");
const COMPATIBLE: &str = "drydock-test";
/// What a configuration has whose class `app` is a tree of files.
const OF_FILES: &str = "role = \"files\"";
/// What a configuration has whose kernels are unified images.
const UNIFIED: &str = "bootloader = \"efi-boot-guard\"";
/// What a configuration has that asks for a device binary with everything for the field.
const OF_THE_FIELD: [&str; 5] = [OF_FILES, "carry = [", "[service]", "[lan]", "[[hook]]"];
const ROOT_SIZE: u64 = 16 << 20;
/// What is in a root beside its filler takes less than this.
const PROGRAMS: u64 = 5 << 20;

/// The configuration that most tests use, with other texts in place of some of its own, each of which it has once.
pub fn small_config(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(CONFIG.to_owned(), |config, (old, new)| {
        assert_eq!(config.matches(old).count(), 1, "{old}");
        config.replace(old, new)
    })
}

/// The files of a small system below the target directory: made once for a configuration and a state of the
/// sources, then kept. Processes that ask at the same time wait for each other.
#[derive(Clone, Debug)]
pub struct SmallSystem {
    dir: PathBuf,
    /// The kernel of its boot images.
    vmlinuz: PathBuf,
    tools: &'static Tools,
    /// In bytes.
    root_size: u64,
    extra: Extra,
}

/// What a small system has besides.
#[derive(Clone, Debug, Default)]
pub struct Extra {
    /// Files that every root gets: where they are, and where they go.
    pub files: Vec<(PathBuf, String)>,
    /// The file with the hooks of every release, which the configuration's builtin ones may be beside.
    pub hooks: Option<PathBuf>,
}

/// A release of a small system.
#[derive(Clone, Debug)]
pub struct SmallRelease {
    /// The signed bundle with the images `boot` and `root`.
    pub bundle: PathBuf,
    /// The root image.
    pub root: PathBuf,
    /// The root's dm-verity root hash in hex.
    pub root_hash: String,
}

impl SmallSystem {
    /// The system that most tests use: LUKS on `data`, everything else by default.
    pub fn standard() -> Result<Self, QemuError> {
        Self::with_config("standard", CONFIG)
    }

    /// One with a configuration of its own, under a name that only it has. Key files are
    /// `keys/release.pub.pem` and `keys/unlock.key`.
    pub fn with_config(name: &str, config: &str) -> Result<Self, QemuError> {
        Self::with_kernel(name, config, &DebianKernel::cloud()?)
    }

    /// The same with a root of 6 MiB, which is installed sooner.
    pub fn with_smaller_root(name: &str, config: &str) -> Result<Self, QemuError> {
        Self::make(name, config, DebianKernel::cloud()?.parts(), 6 << 20)
    }

    /// The same with the smallest root that everything is in: two releases differ in the few bytes of their versions.
    pub fn with_smallest_root(name: &str, config: &str) -> Result<Self, QemuError> {
        Self::make(name, config, DebianKernel::cloud()?.parts(), PROGRAMS)
    }

    /// One whose drydock calls hooks, with these and these files.
    pub fn with_hooks(name: &str, config: &str, extra: Extra) -> Result<Self, QemuError> {
        let (tools, kernel) = (Tools::with_field()?, DebianKernel::cloud()?);
        Self::make_with(name, config, kernel.parts(), ROOT_SIZE, (tools, extra))
    }

    /// The same with another kernel than that for virtual machines.
    pub fn with_kernel(name: &str, config: &str, kernel: &DebianKernel) -> Result<Self, QemuError> {
        Self::make(name, config, kernel.parts(), ROOT_SIZE)
    }

    /// The same with a kernel that has everything built in; the configuration lists no modules.
    pub fn with_built_in_kernel(name: &str, config: &str, vmlinuz: &Path) -> Result<Self, QemuError> {
        Self::make(name, config, (vmlinuz, None), ROOT_SIZE)
    }

    /// One of another processor, with what `tools/setup-foreign.sh` installs. The configuration
    /// says which, and has its kernel's modules and console.
    pub fn foreign(name: &str, config: &str, architecture: Architecture) -> Result<Self, QemuError> {
        let (tools, kernel) = (Tools::foreign(architecture)?, DebianKernel::cloud_for(architecture)?);
        Self::make_with(name, config, kernel.parts(), ROOT_SIZE, (tools, Extra::default()))
    }

    /// `kernel` is the image, and where its modules come from.
    fn make(
        name: &str,
        config: &str,
        kernel: (&Path, Option<&Path>),
        root_size: u64,
    ) -> Result<Self, QemuError> {
        let tools = if OF_THE_FIELD.iter().any(|word| config.contains(word)) {
            Tools::with_field()?
        } else {
            Tools::build()?
        };
        Self::make_with(name, config, kernel, root_size, (tools, Extra::default()))
    }

    fn make_with(
        name: &str,
        config: &str,
        (vmlinuz, modules): (&Path, Option<&Path>),
        root_size: u64,
        (tools, extra): (&'static Tools, Extra),
    ) -> Result<Self, QemuError> {
        let system = Self {
            dir: target_subdir("small-systems")?.join(name),
            vmlinuz: vmlinuz.into(),
            tools,
            root_size,
            extra,
        };
        let _lock = system.lock()?;
        let mut sums = Command::new("sha256sum");
        sums.args([&*tools.drydock, &tools.test_init, &tools.bundle, &tools.initramfs, &boot_image_script()]);
        sums.arg(vmlinuz).args(system.extra.files.iter().map(|(file, _)| file)).args(&system.extra.hooks);
        let stamp = run(&mut sums)? + config;
        let stamp_file = system.dir.join("stamp");
        if fs::read_to_string(&stamp_file).is_ok_and(|old| old == stamp) {
            return Ok(system);
        }
        io("remove an old small system", || match fs::remove_dir_all(&system.dir) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e),
            _ => fs::create_dir_all(system.dir.join("keys")),
        })?;
        io("write a small system's configuration and key", || {
            fs::write(system.config(), config)?;
            fs::write(system.dir.join("keys/unlock.key"), [0x5a; 32])
        })?;
        run(&mut tools.keygen(&system.key()))?;
        run(&mut tools.build_initramfs(&system.config(), modules, &system.initramfs()))?;
        run(&mut tools.boot_image(vmlinuz, &system.initramfs(), &system.boot_image()))?;
        io("write a small system's stamp", || fs::write(&stamp_file, stamp))?;
        Ok(system)
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.dir.join("drydock.toml")
    }

    /// The private key that signs its bundles; the public one is beside it.
    pub fn key(&self) -> PathBuf {
        self.dir.join("keys/release.pem")
    }

    /// The initramfs.
    pub fn initramfs(&self) -> PathBuf {
        self.dir.join("initramfs.cpio.zst")
    }

    /// The boot slot's image, the same for each release.
    pub fn boot_image(&self) -> PathBuf {
        self.dir.join("boot.squashfs")
    }

    /// The release with this version, made when it is first asked for. A quarter of its filler, and the file
    /// `/etc/version`, differ from every other release's.
    pub fn release(&self, version: &str, security_version: u32) -> Result<SmallRelease, QemuError> {
        self.make_release(version, security_version, None)
    }

    /// A slim bundle of the release with this version, for devices that have another one: it has nothing but deltas.
    pub fn slim(
        &self,
        from: &SmallRelease,
        version: &str,
        security_version: u32,
    ) -> Result<PathBuf, QemuError> {
        let release = self.release(version, security_version)?;
        let _lock = self.lock()?;
        let (whole, slim) = (
            self.dir.join(format!("{version}-delta.drydock")),
            self.dir.join(format!("{version}-slim.drydock")),
        );
        if !slim.exists() {
            let (boot, key) = (self.boot_image(), self.key());
            let images = [("boot", &*boot), ("root", &*release.root)];
            let recipe = Recipe {
                hooks: None,
                compatible: COMPATIBLE,
                version,
                security_version,
                images: &images,
                key: &key,
                level: 3,
            };
            run(self.tools.create(&recipe, &whole).arg("--base").arg(&from.bundle))?;
            run(&mut self.tools.slim(&whole, &from.bundle, &slim))?;
        }
        Ok(slim)
    }

    /// One that brings a recovery. It differs from the boot slot's image in zeros behind the initramfs.
    pub fn release_with_recovery(
        &self,
        version: &str,
        security_version: u32,
    ) -> Result<SmallRelease, QemuError> {
        let (initramfs, image) = (self.dir.join("longer.cpio.zst"), self.dir.join("recovery.squashfs"));
        let longer = || fs::write(&initramfs, [fs::read(self.initramfs())?, vec![0; 512]].concat());
        io("make a longer initramfs", longer)?;
        run(&mut self.tools.boot_image(&self.vmlinuz, &initramfs, &image))?;
        self.make_release(version, security_version, Some(&image))
    }

    fn make_release(
        &self,
        version: &str,
        security_version: u32,
        recovery: Option<&Path>,
    ) -> Result<SmallRelease, QemuError> {
        let _lock = self.lock()?;
        let more = if recovery.is_some() { "-recovery" } else { "" };
        let path = |extension: &str| self.dir.join(format!("{version}-{security_version}{more}.{extension}"));
        let (bundle, root) = (path("drydock"), path("erofs"));
        if !bundle.exists() {
            self.make_root(version, &root)?;
            let boot = self.boot_image();
            let app = path("app");
            let mut images = vec![("root", &*root)];
            let unified =
                if self.config_text()?.contains(UNIFIED) { self.unified(version)? } else { Vec::new() };
            if !unified.is_empty() {
                images.extend(unified.iter().map(|(class, image)| (*class, &**image)));
            } else if self.has("boot")? {
                images.push(("boot", &boot));
            }
            if self.has("app")? {
                self.make_app(version, &app)?;
                images.push(("app", &app));
            }
            images.extend(recovery.map(|image| ("recovery", image)));
            let recipe = Recipe {
                hooks: self.extra.hooks.as_deref(),
                compatible: COMPATIBLE,
                version,
                security_version,
                images: &images,
                key: &self.key(),
                level: 3,
            };
            let unfinished = path("part");
            run(&mut self.tools.create(&recipe, &unfinished))?;
            io("rename a bundle", || fs::rename(&unfinished, &bundle))?;
        }
        let root_hash = self.tools.root_hash(&bundle)?;
        Ok(SmallRelease { bundle, root, root_hash })
    }

    /// Makes the unified images of a release, whose command lines name its version.
    fn unified(&self, version: &str) -> Result<Vec<(&'static str, PathBuf)>, QemuError> {
        let config = self.config_text()?;
        let cmdline = config.split("\ncmdline = \"").nth(1).and_then(|rest| rest.split('"').next());
        let cmdline = format!("{} release={version}", cmdline.unwrap_or_default());
        let folder = self.dir.join(format!("{version}-unified"));
        io("make a folder for unified images", || fs::create_dir_all(&folder))?;
        unified::slot_images(&folder, &DebianKernel::cloud()?.vmlinuz, &self.initramfs(), &cmdline)
    }

    /// Makes the image for the slot class `app`: its text, or a tree with a file `program` of which `own` is the device's.
    fn make_app(&self, version: &str, image: &Path) -> Result<(), QemuError> {
        let text = format!("app of {version}");
        if !self.config_text()?.contains(OF_FILES) {
            return io("write an app", || fs::write(image, format!("{text:8192}")));
        }
        let tree = tempfile::tempdir().map_err(QemuError::io("make a folder for an app"))?;
        io("fill an app", || fs::write(tree.path().join("program"), text))?;
        let mut command = Command::new(&self.tools.bundle);
        command.args(["tree", "--except", "own", "--owner", "0:0", "--output"]).arg(image).arg(tree.path());
        run(&mut command).map(|_| ())
    }

    fn config_text(&self) -> Result<String, QemuError> {
        fs::read_to_string(self.config()).map_err(QemuError::io("read a small system's configuration"))
    }

    /// Whether its releases have an image for this slot class. The text of the one for `app` names the version.
    fn has(&self, class: &str) -> Result<bool, QemuError> {
        Ok(self.config_text()?.contains(&format!("class = \"{class}\"")))
    }

    /// Puts a freshly flashed disk with this release at `disk`.
    pub fn flash(&self, release: &SmallRelease, disk: &Path) -> Result<(), QemuError> {
        let image = release.bundle.with_extension("img");
        {
            let _lock = self.lock()?;
            if !image.exists() {
                run(&mut self.tools.disk(&self.config(), &release.bundle, &image))?;
            }
        }
        copy(&image, disk)
    }

    /// Puts a copy of the disk of this name at `disk`: of one that `make` has made where no other test of this system has
    /// done so. Tests that ask at the same time wait for the first, so none may ask while a guest of its own runs.
    pub fn disk_made_once(&self, name: &str, disk: &Path, make: impl FnOnce(&Path)) -> Result<(), QemuError> {
        let image = self.dir.join(format!("{name}.made.img"));
        {
            let _lock = lock(&self.dir.with_extension(format!("{name}.lock")))?;
            if !image.exists() {
                let unfinished = self.dir.join(format!("{name}.part.img"));
                make(&unfinished);
                io("keep a disk", || fs::rename(&unfinished, &image))?;
            }
        }
        copy(&image, disk)
    }

    fn make_root(&self, version: &str, image: &Path) -> Result<(), QemuError> {
        let tree = tempfile::tempdir().map_err(QemuError::io("make a folder for a small root"))?;
        let at = |path: &str| tree.path().join(path);
        io("fill a small root", || {
            for folder in ["dev", "etc", "proc", "run", "sbin", "sys", "tmp", "usr/bin", "var"] {
                fs::create_dir_all(at(folder))?;
            }
            fs::write(at("etc/version"), format!("{version}\n"))?;
            fs::write(at("etc/machine-id"), "")?;
            let extra = self.extra.files.iter().map(|(file, _)| fs::metadata(file).map(|found| found.len()));
            let programs = PROGRAMS + extra.sum::<std::io::Result<u64>>()?;
            fs::write(at("filler"), filler(version, self.root_size.saturating_sub(programs)))?;
            for (file, path) in &self.extra.files {
                at(path).parent().map_or(Ok(()), fs::create_dir_all)?;
                fs::copy(file, at(path))?;
            }
            fs::copy(&self.tools.test_init, at("sbin/init"))?;
            fs::copy(&self.tools.drydock, at("usr/bin/drydock")).map(|_| ())
        })?;
        let fixed = ["-d0", "-T1700000000", "-U6b7c1d2e-7d1f-4c0a-9a35-2f1f0d0c6b02"];
        let mut mkfs = Command::new("mkfs.erofs");
        run(mkfs.args(fixed).args(["-Enoinline_data", "--all-root"]).arg(image).arg(tree.path()))?;
        io("pad a small root", || File::options().write(true).open(image)?.set_len(self.root_size))
    }

    fn lock(&self) -> Result<Flock<File>, QemuError> {
        lock(&self.dir.with_extension("lock"))
    }
}

fn lock(path: &Path) -> Result<Flock<File>, QemuError> {
    let file = File::create(path).map_err(QemuError::io("create a small system's lock file"))?;
    Flock::lock(file, FlockArg::LockExclusive)
        .map_err(|(_, errno)| QemuError::io("lock a small system")(errno.into()))
}

/// Copies a disk image without its holes.
fn copy(from: &Path, to: &Path) -> Result<(), QemuError> {
    run(Command::new("cp").args(["--sparse=always", "--reflink=auto"]).args([from, to])).map(|_| ())
}

/// Bytes that compress about as well as programs do, in 64 KiB pieces of which every fourth depends on the version.
fn filler(version: &str, size: u64) -> Vec<u8> {
    let version = version.bytes().fold(1u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
    let mut bytes = Vec::new();
    for piece in 0..size >> 16 {
        let mut state = (piece + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        if piece % 4 == 0 {
            state ^= version;
        }
        for _ in 0..1 << 13 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.extend((state & 0x0f0f_3f3f_0f0f_3f3f).to_le_bytes());
        }
    }
    bytes
}

fn io<T>(doing: &str, work: impl FnOnce() -> std::io::Result<T>) -> Result<T, QemuError> {
    work().map_err(QemuError::io(doing))
}
