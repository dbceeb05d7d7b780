//! Ways to the key of `data`: typed at the console, on a medium, on our own disk. The volumes that are opened are
//! LUKS1, made by Debian's own tools; those that the device makes are judged by them.

use crate::device::{Device, LIMIT, Partition, config, ext4, machine, runs, status};
use drydock_block::{BlockDevice, MemoryDevice, SectorSize};
use drydock_luks::{Limits, Volume};
use drydock_models::CryptDevice;
use drydock_qemu_tests::{Disk, Exit, Qemu, SmallSystem, run};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Longer than many a buffer, and text, as QEMU takes it.
const KEY: &[u8] = &[b'k'; 100_000];

/// Tries every way to a key in turn.
pub(crate) fn system() -> SmallSystem {
    let unlock = r#"
kind = "partition"
label = "stash"
file = "keys/data.key"

[[unlock]]
kind = "partition"
label = "vault"
length = 100000

[[unlock]]
kind = "medium"
file = "keys/data.key"
wait_seconds = 3

[[unlock]]
kind = "passphrase""#;
    let config = config(&[
        ("\nkind = \"initramfs\"\nfile = \"keys/unlock.key\"", unlock),
        ("\"erofs\"]", "\"erofs\", \"vfat\", \"nls_cp437\", \"nls_ascii\"]"),
    ]);
    SmallSystem::with_config("keys", &config).unwrap()
}

#[test]
fn a_passphrase_is_set_at_the_console_asked_for_again_and_shown_nowhere() {
    let device = Device::flashed("passphrase", system());

    // Prompt and answer: first for a new volume, then, after a restart, to open it.
    let setting = [
        ("New passphrase for `data`: ", "mistyped at first"),
        ("The same again: ", "correct horse"),
        ("The two differ.", ""),
        ("New passphrase for `data`: ", "correct horse"),
        ("The same again: ", "correct horse"),
        ("was blank and is new now", ""),
    ];
    let opening = [
        ("Passphrase for `data`: ", "incorrect horse"),
        ("This passphrase does not fit.", ""),
        ("Passphrase for `data`: ", "correct horse"),
        ("`data` is open", ""),
    ];
    for dialogue in [&setting[..], &opening[..]] {
        let mut guest = device.start(None);
        for (said, answer) in dialogue {
            guest.expect(said, LIMIT).unwrap();
            if !answer.is_empty() {
                guest.send(&format!("{answer}\n")).unwrap();
            }
        }
        let status = status(&mut guest);
        assert_eq!((runs(&status), &status["running"]["degraded"]), (("a", "1.0.0"), &false.into()));
        assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::PowerOff);
        assert!(!guest.said().contains("horse"), "a passphrase is on the console");
    }
    let key = device.path("key");
    for (passphrase, fits) in [("correct horse", true), ("incorrect horse", false)] {
        fs::write(&key, passphrase).unwrap();
        Partition::find(&device.disk(), "data").change(|part| {
            let mut open = Command::new("cryptsetup");
            open.args(["open", "--test-passphrase", "--key-file"]).args([&key, part]);
            assert_eq!(run(&mut open).is_ok(), fits, "{passphrase}");
        });
    }
}

/// A device whose `data` is a LUKS1 volume with a filesystem, and whose key is where `place` puts it. Boots, and
/// checks that what the kernel has written can be read by QEMU's own LUKS.
struct Locked(Device);

impl Locked {
    fn new() -> Self {
        let device = Device::flashed("locked", system());
        let (key, plain) = (device.path("data.key"), device.path("plain.img"));
        fs::write(&key, KEY).unwrap();
        ext4(&plain, 32, &[("kept", b"since before\n")]);
        Partition::find(&device.disk(), "data").change(|part| {
            let mut format = Command::new("cryptsetup");
            format.args([
                "luksFormat",
                "--type",
                "luks1",
                "--batch-mode",
                "--pbkdf-force-iterations",
                "1000",
            ]);
            run(format.arg("--key-file").args([&key, part])).unwrap();
            let mut fill = Command::new("qemu-img");
            fill.args(["convert", "-n", "-f", "raw", "--target-image-opts"]).args(secret(&key)).arg(&plain);
            run(fill.arg(luks(part))).unwrap();
        });
        Self(device)
    }

    /// One copy of the device boots and is looked at. Returns what it said.
    fn opens(&self, name: &str, prepare: impl FnOnce(Qemu, &Path) -> Qemu) -> String {
        let disk = self.0.copy(name);
        let mut guest = prepare(machine(name, &disk), &disk).start().unwrap();
        guest.expect("`data` is open", LIMIT).unwrap();
        assert_eq!(runs(&status(&mut guest)), ("a", "1.0.0"), "{name}");
        assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::PowerOff);
        assert!(!guest.said().contains("Passphrase for"), "{name}");

        let plain = disk.with_extension("plain");
        Partition::find(&disk, "data").change(|part| {
            let mut read = Command::new("qemu-img");
            read.args(["convert", "-O", "raw"]).args(secret(&self.0.path("data.key")));
            run(read.arg("--image-opts").arg(luks(part)).arg(&plain)).unwrap();
        });
        run(Command::new("e2fsck").arg("-fn").arg(&plain)).unwrap();
        // mke2fs has made blocks of 1 KiB, and the volume is larger than the filesystem was.
        let shown = run(Command::new("dumpe2fs").arg("-h").arg(&plain)).unwrap();
        let value = |key: &str| -> u64 {
            let line = shown.lines().find_map(|line| line.strip_prefix(key)).unwrap();
            line.trim().parse().unwrap()
        };
        assert_eq!(value("Block size:"), 1024, "{name}");
        assert_eq!(value("Block count:"), fs::metadata(&plain).unwrap().len() / 1024, "{name}");
        let cat = |file: &str| {
            run(Command::new("debugfs").args(["-R", &format!("cat {file}")]).arg(&plain)).unwrap()
        };
        assert_eq!(cat("/kept"), "since before\n", "{name}");
        assert_eq!(cat("/lib/drydock/machine-id").len(), 33, "{name}");
        fs::remove_file(disk).unwrap();
        guest.said()
    }
}

fn secret(key: &Path) -> [String; 2] {
    ["--object".into(), format!("secret,id=key,file={}", key.display())]
}

fn luks(file: &Path) -> String {
    format!("driver=luks,key-secret=key,file.filename={}", file.display())
}

#[test]
fn a_luks1_volume_opens_with_a_key_on_a_stick_in_a_filesystem_of_our_disk_or_raw_on_a_partition() {
    let locked = Locked::new();
    let at = |name: &str| locked.0.path(name);
    let key = at("data.key");
    let stick = || {
        let stick = at("stick.img");
        fs::File::create(&stick).unwrap().set_len(16 << 20).unwrap();
        run(Command::new("mkfs.vfat").arg(&stick)).unwrap();
        run(Command::new("mmd").arg("-i").arg(&stick).arg("::keys")).unwrap();
        run(Command::new("mcopy").arg("-i").args([&stick, &key]).arg("::keys/data.key")).unwrap();
        stick
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Two other sticks come first: one holds noise, the other one a key that fits nothing.
            let [noise, other] = ["noise.img", "other.img"].map(at);
            fs::write(&noise, vec![0xa5; 1 << 20]).unwrap();
            ext4(&other, 8, &[("keys/data.key", b"another key")]);
            let said = locked.opens("key-on-stick", |qemu, _| {
                let all = [noise, other, stick()];
                all.iter().fold(qemu, |qemu, stick| qemu.disk(Disk::file(stick).read_only()))
            });
            for bad in ["keys/data.key on /dev/vdb: ", "keys/data.key on /dev/vdc does not fit"] {
                assert!(said.contains(bad), "{bad}");
            }
        });
        locked.opens("key-in-filesystem", |qemu, disk| {
            let image = at("stash.img");
            ext4(&image, 8, &[("keys/data.key", KEY)]);
            Partition::find(disk, "stash").write(&fs::read(image).unwrap());
            qemu
        });
        locked.opens("raw-key", |qemu, disk| {
            // A partition that drydock does not write to.
            let vault = Partition::find(disk, "stash");
            run(Command::new("sgdisk").arg(format!("--change-name={}:vault", vault.number)).arg(disk))
                .unwrap();
            vault.write(KEY);
            qemu
        });
    });
}

/// Puts an empty filesystem into the volume on a partition. `plain` is a file for it.
pub(crate) fn fill(part: &Path, key: &[u8], plain: &Path) {
    // cryptsetup makes volumes with sectors of 4096 bytes, and mke2fs smaller blocks in so small a filesystem.
    run(Command::new("mke2fs").args(["-q", "-t", "ext4", "-b", "4096"]).arg(plain).arg("16M")).unwrap();
    let volume = MemoryDevice::from_bytes(fs::read(part).unwrap(), SectorSize::S512);
    let unlocked = Volume::open(&volume, &Limits::new(64 << 10)).unwrap().unlock(key).unwrap();
    let inside = CryptDevice::new(&volume, &unlocked).unwrap();
    inside.write_at(0, &fs::read(plain).unwrap()).unwrap();
    fs::write(part, volume.snapshot()).unwrap();
}

/// A first way that gives a wrong key, then a person who mistypes. Beside the key slot that is theirs, the volume has one
/// that asks for more memory than there is, and one that drydock does not know.
#[test]
fn a_key_slot_of_a_stranger_keeps_no_other_way_and_no_second_try_from_being_taken() {
    let device = Device::flashed("stranger", system());
    let image = device.path("stash.img");
    ext4(&image, 8, &[("keys/data.key", b"wrong")]);
    Partition::find(&device.disk(), "stash").write(&fs::read(image).unwrap());
    let (ours, costly, unknown) = (device.path("ours"), device.path("costly"), device.path("unknown"));
    for (file, key) in [(&ours, "correct horse"), (&costly, "costly"), (&unknown, "unknown")] {
        fs::write(file, key).unwrap();
    }
    let plain = device.path("plain.img");
    Partition::find(&device.disk(), "data").change(|part| {
        let add = |how: &[&str], file: &Path| {
            let mut add = Command::new("cryptsetup");
            run(add
                .args(["luksAddKey", "--batch-mode", "--key-file"])
                .args([&ours, part])
                .arg(file)
                .args(how))
            .unwrap();
        };
        let pbkdf2 = ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"];
        let mut format = Command::new("cryptsetup");
        run(format
            .args(["luksFormat", "--batch-mode", "--sector-size", "512"])
            .args(pbkdf2)
            .arg("--key-file")
            .args([&ours, part]))
        .unwrap();
        add(&["--pbkdf", "argon2id", "--pbkdf-memory", "400000", "--pbkdf-force-iterations", "4"], &costly);
        add(&[&pbkdf2[..], &["--hash", "sha3-512"]].concat(), &unknown);
        fill(part, b"correct horse", &plain);
    });

    let mut guest = device.start(None);
    for (said, answer) in [
        ("Passphrase for `data`: ", "incorrect horse\n"),
        ("This passphrase does not fit.", ""),
        ("Passphrase for `data`: ", "correct horse\n"),
        ("`data` is open", ""),
    ] {
        guest.expect(said, LIMIT).unwrap();
        guest.send(answer).unwrap();
    }
    let said = guest.said();
    assert!(
        said.contains("key slot 1 needs 400000 KiB") && said.contains("key slot 2 is not understood"),
        "{said}"
    );
    assert_eq!(runs(&status(&mut guest)), ("a", "1.0.0"));
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::PowerOff);
}
