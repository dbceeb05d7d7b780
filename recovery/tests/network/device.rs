//! A device of the live system: a real disk with `data` on it, and the real `drydock`, in the client's network of a lab.

use crate::certificates::Certified;
use crate::lab::{Lab, Running};
use crate::setup::{MOMENTS, WORKSHOP};
use drydock_config::{Config, Data, DataFailure, Kib, Network, Seconds};
use drydock_engine::context::RunningSet;
use drydock_engine::fetch::FETCHED;
use drydock_engine::fetch::holes::{CLAIM_SUFFIX, Claim};
use drydock_state::{MaybeDigest, SetName};
use drydock_transfer::Ranges;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::Command;

/// What servers are called.
pub(crate) const HOST: &str = "updates.example";
/// All partitions in the order of the disk; the last one is `data`, which begins a filesystem of its own.
const LABELS: [&str; 12] = [
    "bootenv",
    "state",
    "boot-a",
    "boot-b",
    "root-a",
    "root-b",
    "recovery-a",
    "recovery-b",
    "stash",
    "factory",
    "logs",
    "data",
];
/// Where the first partition begins.
const START: u64 = 1 << 20;
/// The size of `data`.
const DATA_KIB: u64 = 16 << 10;
/// Where `data` is mounted.
const MOUNT: &str = "/srv";

/// Puts what a live system has around a command: `/run`, the disk under a name that disks have, `data`, and names. All of it
/// goes away with the command.
const SURROUND: &str = r#"
folder=$1; loop=$2; shift 2
mount -t tmpfs none /run; mkdir /run/drydock; cp "$folder/config.json" "$folder/boot.json" /run/drydock/
mount -t tmpfs none /sys/class/block
mkdir -p "$folder/dev"; mount -t tmpfs none "$folder/dev"
cp -a /dev/null /dev/zero /dev/random /dev/urandom "$folder/dev"
disk=/sys/devices/virtual/block/$loop
ln -s "$disk" /sys/class/block/sda
mknod "$folder/dev/sda" b $(tr : ' ' < "$disk/dev")
for part in "$disk/$loop"p*; do
    ln -s "$part" /sys/class/block/
    mknod "$folder/dev/${part##*/}" b $(tr : ' ' < "$part/dev")
done
mount --bind "$folder/resolv.conf" /etc/resolv.conf; mount --bind "$folder/hosts" /etc/hosts
mount --move "$folder/dev" /dev
mount "/dev/${loop}p12" /srv
exec "$@"
"#;

/// Limits that let a test see what waits are for, without waiting long.
pub(crate) fn impatient() -> Network {
    Network {
        tries: 5,
        resolve_seconds: Seconds(2),
        connect_seconds: Seconds(3),
        answer_seconds: Seconds(3),
        stall_seconds: Seconds(2),
        ..Network::default()
    }
}

pub(crate) struct Device<'l> {
    lab: &'l Lab,
    folder: tempfile::TempDir,
    node: String,
}

impl<'l> Device<'l> {
    /// A device that runs version 2 in set b, with this certificate. The one name that it knows is that of 10.99.0.1.
    pub(crate) fn new(lab: &'l Lab, network: Network, own: &Certified) -> Self {
        Self::with(lab, network, own, |_| ())
    }

    /// The same, with more in its configuration.
    pub(crate) fn with(
        lab: &'l Lab,
        network: Network,
        own: &Certified,
        more: impl FnOnce(&mut Config),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let mut config = WORKSHOP.config.clone();
        config.data = Some(Data {
            label: "data".into(),
            encrypted: false,
            provision: false,
            mount: MOUNT.into(),
            on_failure: DataFailure::Recovery,
            kdf_memory_kib: Kib(32),
            kdf_iterations: 1,
        });
        let on_data = |name: &str| Some(format!("/keys/{name}"));
        let (client_certificate, client_key) = (on_data("own.pem"), on_data("own.key"));
        config.network = Network { client_certificate, client_key, ..network };
        more(&mut config);
        fs::write(at("config.json"), serde_json::to_vec(&config).unwrap()).unwrap();
        let running = RunningSet {
            set: SetName::B,
            root_hash: MaybeDigest::None,
            version: "2".into(),
            degraded: false,
        };
        fs::write(at("boot.json"), serde_json::to_vec(&running).unwrap()).unwrap();
        fs::write(at("hosts"), format!("10.99.0.1 {HOST}\n")).unwrap();
        fs::write(at("resolv.conf"), "nameserver 10.99.0.1\n").unwrap();
        fs::create_dir_all(at("data/keys")).unwrap();
        fs::copy(&own.certificate, at("data/keys/own.pem")).unwrap();
        fs::copy(&own.key, at("data/keys/own.key")).unwrap();
        let image = at("disk.img");
        lay_out(&image);
        let at_data = format!("offset={}", START + WORKSHOP.range("data").start);
        let mut make = Command::new("mkfs.ext4");
        make.args(["-q", "-m", "0", "-E", &at_data, "-d"])
            .arg(at("data"))
            .arg(&image)
            .arg(format!("{DATA_KIB}k"));
        done(&mut make);
        let node = done(Command::new("losetup").args(["--find", "--show"]).arg(&image)).trim().to_owned();
        let device = Self { lab, folder, node };
        done(Command::new("partx").args(["--add", &device.node]));
        device
    }

    /// Names are to be found by asking 10.99.0.1.
    pub(crate) fn without_known_hosts(self) -> Self {
        fs::write(self.folder.path().join("hosts"), "").unwrap();
        self
    }

    /// Starts a program of the device.
    fn program(&self, words: &[&str]) -> Running {
        let mut command = self.lab.exec(&self.lab.client(), "sh");
        command.args(["-euc", SURROUND, "sh"]).arg(self.folder.path());
        command.arg(self.node.trim_start_matches("/dev/")).args(words);
        self.lab.start(command)
    }

    /// Starts `drydock`.
    pub(crate) fn drydock(&self, words: &[&str]) -> Running {
        self.program(&[&[env!("CARGO_BIN_EXE_drydock")], words].concat())
    }

    /// Starts a line for the shell, in which `$drydock` is one.
    #[cfg(feature = "fleet")]
    pub(crate) fn shell(&self, line: &str) -> Running {
        self.program(&["sh", "-euc", &format!("drydock={}; {line}", env!("CARGO_BIN_EXE_drydock"))])
    }

    /// `drydock stage` of a file on the server, over `https`.
    pub(crate) fn stage(&self, name: &str) -> Running {
        self.drydock(&["stage", &format!("https://{HOST}/{name}")])
    }

    /// The same from this address, to its end, which is bad. Returns what was said, and sees to it that nothing has become of
    /// the device.
    #[track_caller]
    pub(crate) fn refuses(&self, url: &str) -> String {
        let before = (self.untouched(), self.status());
        let (ok, said) = self.drydock(&["stage", url]).wait();
        assert!(!ok, "{said}");
        assert_eq!((self.untouched(), self.status()), before, "{said}");
        said
    }

    /// What `drydock status` tells.
    fn status(&self) -> String {
        let (ok, said) = self.drydock(&["status"]).wait();
        assert!(ok, "{said}");
        said
    }

    /// All of the disk before `data`: slots, state, boot environment. Digests, because they are compared.
    pub(crate) fn untouched(&self) -> Vec<String> {
        let image = fs::File::open(self.folder.path().join("disk.img")).unwrap();
        let digest = |label: &&str| {
            let range = WORKSHOP.range(label);
            let mut bytes = vec![0; (range.end - range.start) as usize];
            image.read_exact_at(&mut bytes, START + range.start).unwrap();
            format!("{label} {}", drydock_format::sha256(&bytes))
        };
        LABELS[..LABELS.len() - 1].iter().map(digest).collect()
    }

    /// What is there of the bundle that is fetched, by its claim.
    pub(crate) fn there(&self) -> Ranges {
        let file = format!("{MOUNT}/{FETCHED}{CLAIM_SUFFIX}");
        let (ok, hex) = self.program(&["od", "-An", "-v", "-tx1", &file]).wait();
        assert!(ok, "{hex}");
        let bytes: Vec<_> =
            hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
        Claim::decode(&bytes).unwrap().have
    }

    /// Does something with the files on `data`: a line for the shell.
    pub(crate) fn on_data(&self, line: &str) -> String {
        let (ok, said) = self.program(&["sh", "-euc", &format!("cd {MOUNT}; {line}")]).wait();
        assert!(ok, "{said}");
        said
    }
}

impl Drop for Device<'_> {
    fn drop(&mut self) {
        let _ = Command::new("partx").args(["--delete", &self.node]).status();
        let _ = Command::new("losetup").args(["--detach", &self.node]).status();
    }
}

/// Makes the disk, but for the filesystem on `data`.
fn lay_out(image: &PathBuf) {
    let data = WORKSHOP.range("data").start;
    let file = fs::File::create(image).unwrap();
    file.set_len(START + data + (DATA_KIB << 10) + START).unwrap();
    let mut bytes = vec![0; data as usize];
    MOMENTS.second.read(0, &mut bytes);
    file.write_all_at(&bytes, START).unwrap();
    let mut table = Command::new("sgdisk");
    table.args(["--set-alignment=8"]);
    for (number, label) in (1..).zip(LABELS) {
        let range = WORKSHOP.range(label);
        let end = if label == "data" { data + (DATA_KIB << 10) } else { range.end };
        let (first, last) = ((START + range.start) / 512, (START + end) / 512 - 1);
        table.arg(format!("--new={number}:{first}:{last}")).arg(format!("--change-name={number}:{label}"));
    }
    done(table.arg(image));
}

fn done(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
