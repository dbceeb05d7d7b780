//! What the tests against Debian's cryptsetup share. No device-mapper is needed: all of it works on plain files.

#![allow(dead_code)]

use drydock_block::{BlockDevice, SectorSize};
use drydock_files::FileDevice;
use drydock_fixtures::Random;
use drydock_luks::{Cost, Limits};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// Small costs: cryptsetup's own benchmark would choose a gigabyte.
pub(crate) const PBKDF2: &[&str] = &["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"];
pub(crate) const COST: Cost = Cost::Pbkdf2 { iterations: 1000 };
pub(crate) const LIMITS: Limits = Limits::new(256 * 1024);

/// A key file as no passphrase could be: zeros, newlines and bytes above 127.
pub(crate) const BINARY_KEY: &[u8] = b"\0first\nsecond\0\xff\xfe\r\n\0";

/// A volume file and the files around it.
pub(crate) struct Bench {
    pub(crate) dir: TempDir,
    pub(crate) volume: PathBuf,
}

impl Bench {
    /// An empty file of `size` bytes.
    pub(crate) fn new(size: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let volume = dir.path().join("volume");
        fs::File::create(&volume).unwrap().set_len(size).unwrap();
        Self { dir, volume }
    }

    pub(crate) fn device(&self) -> FileDevice {
        FileDevice::open(&self.volume, SectorSize::S512).unwrap()
    }

    /// Writes a file next to the volume.
    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Runs `cryptsetup -q ARGS... VOLUME MORE...`.
    pub(crate) fn run(&self, args: &[&str], more: &[&Path]) -> Output {
        let mut command = Command::new("cryptsetup");
        command.arg("-q").args(args).arg(&self.volume).args(more);
        command.output().expect("cryptsetup is installed")
    }

    /// As `run`, and cryptsetup must be content.
    pub(crate) fn cryptsetup(&self, args: &[&str], more: &[&Path]) -> String {
        let output = self.run(args, more);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "cryptsetup {args:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Formats with a volume key of our choice, which is then what unlocking must find.
    pub(crate) fn luks_format(&self, args: &[&str], volume_key: &[u8], key: &[u8]) {
        let volume_key_file = self.file("volume-key", volume_key);
        let key_file = self.file("key", key);
        let bits = (volume_key.len() * 8).to_string();
        let mut all = vec!["luksFormat", "--volume-key-file", volume_key_file.to_str().unwrap(), "-s", &bits];
        all.extend(args);
        self.cryptsetup(&all, &[&key_file]);
    }

    /// Whether cryptsetup opens the volume with this key.
    pub(crate) fn opens(&self, key: &[u8]) -> bool {
        let key_file = self.file("try", key);
        let key_file = key_file.to_str().unwrap();
        self.run(&["open", "--test-passphrase", "--key-file", key_file], &[]).status.success()
    }

    /// Overwrites a range of the volume.
    pub(crate) fn damage(&self, offset: u64, len: usize, byte: u8) {
        use std::os::unix::fs::FileExt;
        let file = fs::File::options().write(true).open(&self.volume).unwrap();
        file.write_all_at(&vec![byte; len], offset).unwrap();
    }

    /// Changes the metadata of both LUKS2 headers, keeping their checksums right.
    pub(crate) fn edit(&self, change: impl Fn(&mut serde_json::Value)) {
        use sha2::Digest;
        for offset in [0, 0x4000] {
            let mut header = self.read(offset, 0x4000);
            let end = 4096 + header[4096..].iter().position(|&b| b == 0).unwrap();
            let mut metadata = serde_json::from_slice(&header[4096..end]).unwrap();
            change(&mut metadata);
            let text = metadata.to_string();
            header[4096..].fill(0);
            header[4096..4096 + text.len()].copy_from_slice(text.as_bytes());
            header[448..512].fill(0);
            let sum = sha2::Sha256::digest(&header);
            header[448..480].copy_from_slice(&sum);
            self.device().write_at(offset, &header).unwrap();
        }
    }

    /// A range of the volume.
    pub(crate) fn read(&self, offset: u64, len: usize) -> Vec<u8> {
        use std::os::unix::fs::FileExt;
        let mut buf = vec![0; len];
        fs::File::open(&self.volume).unwrap().read_exact_at(&mut buf, offset).unwrap();
        buf
    }
}

/// The same bytes for the same seed.
pub(crate) fn random(seed: u64) -> impl FnMut(&mut [u8]) -> std::io::Result<()> {
    Random::new(seed).source()
}

/// A key of `len` bytes.
pub(crate) fn key(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 37 + 11) as u8).collect()
}
