//! A device's config, its keys and a small made-up kernel, in a temporary folder.

use drydock_fixtures::{config, public_pem};
use drydock_initramfs::{Compression, Inputs};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(crate) const VERSION: &str = "6.1.0-test";

/// What a device's configuration asks for: the list of modules is in line 11.
const WANTED: &str = r#"[initramfs]
modules = ["dm-verity", "erofs", "ext4"]
modules_by_alias = ["net-card"]
"#;

const DEP: &str = "\
kernel/md/dm-mod.ko:
kernel/md/dm-bufio.ko: kernel/md/dm-mod.ko
kernel/md/dm-verity.ko: kernel/md/dm-bufio.ko kernel/md/dm-mod.ko kernel/lib/reed_solomon.ko
kernel/lib/reed_solomon.ko:
kernel/lib/libcrc32c.ko:
kernel/crypto/crc32c-fast.ko: kernel/lib/libcrc32c.ko
kernel/fs/erofs.ko: kernel/lib/libcrc32c.ko
kernel/net/net_card.ko.zst: kernel/net/phy.ko kernel/md/dm-mod.ko
kernel/net/phy.ko:
kernel/net/old.ko.xz: kernel/net/phy.ko
kernel/net/older.ko.gz:
";

/// `crc32c` is an alias, and it and `libcrc32c` like each other.
const SOFTDEP: &str = "\
# Soft dependencies extracted from modules themselves.
softdep libcrc32c pre: crc32c nothing-of-the-kind post: net_card
softdep net_card ignored post: erofs
";

const ALIAS: &str = "\
# Aliases extracted from modules themselves.
alias crc32c crc32c_fast
alias pci:v00001AF4d00001000sv*sd*bc*sc*i* net_card
alias virtio:d00000001v* net_card
alias fs-erofs erofs
alias pci:v00001111d*sv*sd*bc*sc*i* old
alias pci:v00002222d*sv*sd*bc*sc*i* older
";

pub(crate) struct Fake {
    pub(crate) folder: tempfile::TempDir,
}

impl Fake {
    pub(crate) fn new() -> Self {
        let fake = Self { folder: tempfile::tempdir().unwrap() };
        fake.write("device.toml", config("one.pem", WANTED).as_bytes());
        fake.write("one.pem", public_pem(1).as_bytes());
        fake.write("two.pem", public_pem(2).as_bytes());
        fake.write("unlock.key", b"secret");
        fake.write("drydock", &elf());
        let modules = format!("kernel/lib/modules/{VERSION}");
        for (name, content) in [
            ("modules.dep", DEP),
            ("modules.softdep", SOFTDEP),
            ("modules.alias", ALIAS),
            ("modules.builtin", "kernel/fs/ext4/ext4.ko\n"),
        ] {
            fake.write(&format!("{modules}/{name}"), content.as_bytes());
        }
        for path in DEP.lines().map(|line| line.split(':').next().unwrap()) {
            let content = format!("\x7fELF {path}\0license=GPL\0firmware={}.fw\0", file_stem(path));
            fake.write(&format!("{modules}/{path}"), &pack(path, content.as_bytes()));
        }
        fake.write("firmware/dm-mod.fw", b"firmware of dm-mod");
        for name in ["net_card.fw.zst", "old.fw.xz", "older.fw.gz"] {
            let content = format!("firmware of {}", file_stem(name));
            fake.write(&format!("firmware/{name}"), &pack(name, content.as_bytes()));
        }
        fake
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, content: &[u8]) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Replaces a part of the config.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let config = fs::read_to_string(self.path("device.toml")).unwrap();
        assert!(config.contains(from), "{from}");
        self.write("device.toml", config.replacen(from, to, 1).as_bytes());
    }

    pub(crate) fn inputs(&self) -> Inputs {
        Inputs {
            config: self.path("device.toml"),
            drydock: self.path("drydock"),
            modules: Some(self.path(&format!("kernel/lib/modules/{VERSION}"))),
            firmware: vec![self.path("firmware")],
            compression: Compression::Zstd,
        }
    }
}

/// Packs with the tool that the name asks for.
fn pack(name: &str, content: &[u8]) -> Vec<u8> {
    let tool = match name.rsplit('.').next() {
        Some("zst") => "zstd",
        Some("xz") => "xz",
        Some("gz") => "gzip",
        _ => return content.to_vec(),
    };
    let mut child =
        Command::new(tool).arg("-c").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(content).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{tool}");
    output.stdout
}

fn file_stem(path: &str) -> &str {
    Path::new(path).file_name().unwrap().to_str().unwrap().split('.').next().unwrap()
}

/// The smallest thing that counts as a static executable.
pub(crate) fn elf() -> Vec<u8> {
    let mut file = vec![0; 64];
    file[..6].copy_from_slice(b"\x7fELF\x02\x01");
    file
}
