//! Small devices for tests: a disk that `drydock-bundle disk` made from a bundle of small images.

use drydock_models::Kernel;
use drydock_qemu_tests::{drydock_bundle, repository, run};
use serde_json::Value;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// What a test chooses of the configuration.
#[derive(Clone)]
pub(crate) struct Layout {
    /// As `layout.bootloader` has it.
    pub(crate) bootloader: &'static str,
    pub(crate) sector_size: u32,
    pub(crate) menu_seconds: u32,
    /// More of the configuration's section `layout`, and of others behind it.
    pub(crate) more: String,
}

impl Default for Layout {
    fn default() -> Self {
        Self { bootloader: "grub-bios", sector_size: 512, menu_seconds: 0, more: String::new() }
    }
}

/// A device's disk.
pub(crate) struct Device {
    dir: TempDir,
    image: PathBuf,
    /// What `drydock-bundle disk --json` said.
    pub(crate) summary: Value,
}

/// Writes keys, configuration, images and bundle, and returns the arguments of `drydock-bundle disk` but the output.
pub(crate) fn prepare(dir: &Path, layout: &Layout, kernel: &[u8]) -> Vec<String> {
    let path = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    let tool = drydock_bundle().unwrap();
    fs::write(path("vmlinuz"), kernel).unwrap();
    // An empty archive is an initramfs to the kernel; what the tests look at comes before its end.
    let mut cpio = Command::new("sh");
    run(cpio.args(["-c", "cpio -o -H newc --quiet </dev/null >\"$0\""]).arg(path("initramfs"))).unwrap();
    let boot_image = repository().join("integration/demo/boot-image.sh");
    run(Command::new(boot_image).args(["vmlinuz", "initramfs", "boot.img"].map(path))).unwrap();
    fs::create_dir(path("tree")).unwrap();
    fs::write(path("tree/file"), vec![0x5a; 1 << 20]).unwrap();
    run(Command::new("mkfs.erofs").args(["--quiet", &path("root.img"), &path("tree")])).unwrap();
    run(Command::new(&tool).args(["--quiet", "keygen", &path("key.pem"), "--public", &path("key.pub.pem")]))
        .unwrap();
    let (boot, root) = (path("boot.img"), path("root.img"));
    run(Command::new(&tool)
        .args(["--quiet", "create", "--output", &path("v1.drydock"), "--compatible", "test"])
        .args(["--version", "1", "--security-version", "3", "--level", "1", "--key", &path("key.pem")])
        .args(["--image", &format!("boot={boot}"), "--image", &format!("root={root}")]))
    .unwrap();
    let config = format!(
        r#"
compatible = "test"
slot = [{{ class = "boot", role = "boot" }}, {{ class = "root", role = "root" }}]
[signatures]
keys = ["key.pub.pem"]
[data]
encrypted = false
[layout]
bootloader = "{}"
sector_size = {}
stash_mib = 4
menu_seconds = {}
cmdline = "quiet console=ttyS0,115200"
{}
"#,
        layout.bootloader, layout.sector_size, layout.menu_seconds, layout.more,
    );
    fs::write(
        path("config.toml"),
        config.replace("quiet ", if kernel.len() > 1 << 20 { "" } else { "quiet " }),
    )
    .unwrap();
    ["--json", "disk", "--config", &path("config.toml"), "--bundle", &path("v1.drydock")]
        .map(str::to_owned)
        .into()
}

impl Device {
    /// Makes the disk, with `kernel` in all boot and recovery slots that are written; set b gets a copy of set a.
    pub(crate) fn new(layout: &Layout, kernel: &[u8]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let image = dir.path().join("disk.img");
        let args = prepare(dir.path(), layout, kernel);
        let said =
            run(Command::new(drydock_bundle().unwrap()).args(args).arg("--output").arg(&image)).unwrap();
        let device = Self { summary: serde_json::from_str(&said).unwrap(), image, dir };
        let (from, size) = device.partition("boot-a");
        let (to, _) = device.partition("boot-b");
        let file = File::options().read(true).write(true).open(&device.image).unwrap();
        let mut slot = vec![0; size as usize];
        file.read_exact_at(&mut slot, from).unwrap();
        file.write_all_at(&slot, to).unwrap();
        device
    }

    /// The image file.
    pub(crate) fn path(&self) -> &Path {
        &self.image
    }

    /// A device of its own with the same contents.
    pub(crate) fn copy(&self) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let image = dir.path().join("disk.img");
        run(Command::new("cp").arg("--sparse=always").args([&self.image, &image])).unwrap();
        Self { dir, image, summary: self.summary.clone() }
    }

    /// Start and size of a partition in bytes.
    pub(crate) fn partition(&self, label: &str) -> (u64, u64) {
        let all = self.summary["partitions"].as_array().unwrap();
        let part = all.iter().find(|part| part["label"] == label).unwrap();
        (part["start"].as_u64().unwrap(), part["size"].as_u64().unwrap())
    }

    /// mtools' name for the filesystem in a partition.
    pub(crate) fn mtools(&self, label: &str) -> String {
        format!("{}@@{}", self.image.display(), self.partition(label).0)
    }

    /// Replaces or removes the file `grubenv`.
    pub(crate) fn put_env(&self, contents: Option<&[u8]>) {
        let fs = self.mtools("bootenv");
        run(Command::new("mdel").args(["-i", &fs, "::grubenv"])).unwrap();
        if let Some(contents) = contents {
            let file = self.dir.path().join("grubenv");
            fs::write(&file, contents).unwrap();
            run(Command::new("mcopy").args(["-i", &fs]).arg(&file).arg("::grubenv")).unwrap();
        }
    }

    /// The file `grubenv`.
    pub(crate) fn env(&self) -> Option<Vec<u8>> {
        let file = self.dir.path().join("grubenv.after");
        let fs = self.mtools("bootenv");
        run(Command::new("mcopy").args(["-n", "-o", "-i", &fs, "::grubenv"]).arg(&file)).ok()?;
        Some(fs::read(&file).unwrap())
    }

    /// Flips a bit of a kernel.
    pub(crate) fn damage(&self, kernel: Kernel) {
        let (start, size) = self.partition(&match kernel {
            Kernel::Set(set) => set.label("boot"),
            Kernel::Recovery(copy) => copy.label("recovery"),
        });
        let file = File::options().read(true).write(true).open(&self.image).unwrap();
        let mut slot = vec![0; size as usize];
        file.read_exact_at(&mut slot, start).unwrap();
        let at = slot.windows(4).position(|window| window == b"HdrS").unwrap() as u64 + 40;
        let mut byte = [0];
        file.read_exact_at(&mut byte, start + at).unwrap();
        file.write_all_at(&[byte[0] ^ 0x10], start + at).unwrap();
    }
}
