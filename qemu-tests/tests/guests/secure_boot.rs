//! Secure Boot, with firmware that trusts one key of ours: what `drydock-initramfs uki` signs is started and updates the device,
//! and what anybody else has made or changed is refused by the firmware, which goes on to the next entry.

use crate::device::{LIMIT, config, status};
use drydock_qemu_tests::{
    BootEntry, DebianKernel, Disk, EfiVariables, Exit, Firmware, Guest, Qemu, Recipe, Script, SmallSystem,
    Tools, run,
};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const SYSTEMD: &str = "/usr/lib/systemd/boot/efi/linuxx64.efi.stub";
const EFI_BOOT_GUARD: &str = "/usr/lib/x86_64-linux-gnu/efibootguard/kernel-stubx64.efi";

/// What a configuration is changed to: the kernel tells what it is given, and has the modules that it must have when it is locked
/// down.
const LOUD: [(&str, &str); 2] = [(" quiet", ""), ("lsm=capability", "lsm=lockdown,integrity,capability")];

/// A folder with keys and images, and the small system that the images are made of.
struct Bench {
    folder: tempfile::TempDir,
    system: SmallSystem,
}

impl Bench {
    fn new(name: &str, changes: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["own", "other"] {
            let mut openssl = Command::new("openssl");
            openssl.args(["req", "-new", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650"]);
            openssl.args(["-subj", &format!("/CN={name}/"), "-keyout", &format!("{name}.key")]);
            run(openssl.args(["-out", &format!("{name}.crt")]).current_dir(&folder)).unwrap();
        }
        let system = SmallSystem::with_config(name, &config(changes)).unwrap();
        Self { folder, system }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes an image, signed by the key of this name if there is one.
    fn uki(&self, stub: &str, purpose: &str, key: Option<&str>, name: &str) -> PathBuf {
        let output = self.path(name);
        let mut uki = Command::new(&Tools::build().unwrap().initramfs);
        uki.args(["uki", "--for", purpose, "--stub", stub, "--os-release", "/etc/os-release", "--config"]);
        uki.arg(self.system.config()).arg("--kernel").arg(DebianKernel::cloud().unwrap().vmlinuz);
        uki.arg("--initramfs").arg(self.system.initramfs()).arg("--output").arg(&output);
        if let Some(key) = key {
            uki.arg("--key").arg(self.path(&format!("{key}.key")));
            uki.arg("--certificate").arg(self.path(&format!("{key}.crt")));
        }
        run(&mut uki).unwrap();
        output
    }

    /// A FAT filesystem with these files.
    fn fat(&self, name: &str, mib: u32, files: &[PathBuf]) -> PathBuf {
        let image = self.path(name);
        let mut format = Command::new("mkfs.vfat");
        run(format.args(["-C", "-i", "0d0c0b0a"]).arg(&image).arg((mib * 1024).to_string())).unwrap();
        run(Command::new("mcopy").arg("-i").arg(&image).args(files).arg("::")).unwrap();
        image
    }

    /// Firmware that trusts the key `own`, and what else it is to have.
    fn firmware(&self, more: impl FnOnce(&mut EfiVariables)) -> Firmware {
        let (file, certificate) = (self.path("vars.fd"), self.path("own.crt"));
        let mut openssl = Command::new("openssl");
        openssl
            .args(["x509", "-outform", "DER", "-in"])
            .arg(certificate)
            .arg("-out")
            .arg(self.path("own.der"));
        run(&mut openssl).unwrap();
        let mut variables = EfiVariables::new(&file).unwrap();
        variables.trust(&fs::read(self.path("own.der")).unwrap());
        more(&mut variables);
        variables.save().unwrap();
        Firmware::SecureBoot(file)
    }
}

/// A partition of a disk with a GPT and sectors of 512 bytes, as a boot entry names it.
fn partition(disk: &Path, label: &str) -> (u32, u64, u64, [u8; 16]) {
    let mut table = vec![0; 128 * 128];
    File::open(disk).unwrap().read_exact_at(&mut table, 1024).unwrap();
    let label: Vec<u8> = label.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
    let index = table.chunks(128).position(|entry| entry[56..].starts_with(&label)).unwrap();
    let entry = &table[index * 128..][..128];
    let number = |at: usize| u64::from_le_bytes(entry[at..at + 8].try_into().unwrap());
    (index as u32 + 1, number(32), number(40) - number(32) + 1, entry[16..32].try_into().unwrap())
}

/// A disk with nothing but a filesystem of these files, in a partition called `boot`.
fn disk_with(bench: &Bench, name: &str, files: &[PathBuf]) -> PathBuf {
    let (fat, disk) = (bench.fat(&format!("{name}.fat"), 120, files), bench.path(&format!("{name}.img")));
    File::create(&disk).unwrap().set_len(128 << 20).unwrap();
    run(Command::new("sgdisk").args(["-n1:2048:+120M", "-c1:boot", "-t1:ef00"]).arg(&disk)).unwrap();
    File::options()
        .write(true)
        .open(&disk)
        .unwrap()
        .write_all_at(&fs::read(fat).unwrap(), 2048 * 512)
        .unwrap();
    disk
}

/// The line that the kernel says it was given.
fn command_line(guest: &mut Guest) -> String {
    let line = guest.expect_line("Command line: ", LIMIT).unwrap();
    line.split_once("Command line: ").unwrap().1.to_owned()
}

/// Puts words behind the command line in an image, where its section has room before the next one, and tells the stub so.
fn append(image: &Path, words: &str) {
    let mut bytes = fs::read(image).unwrap();
    let find = |bytes: &[u8], text: &[u8]| bytes.windows(text.len()).position(|part| part == text).unwrap();
    let (entry, line) = (find(&bytes, b".cmdline"), find(&bytes, b"panic=10 systemd.gpt_auto=0"));
    let size = u32::from_le_bytes(bytes[entry + 8..entry + 12].try_into().unwrap());
    bytes[line + size as usize..][..words.len()].copy_from_slice(words.as_bytes());
    bytes[entry + 8..entry + 12].copy_from_slice(&(size + words.len() as u32).to_le_bytes());
    fs::write(image, bytes).unwrap();
}

/// What is told to each image by its boot entry, in vain where it is signed.
const OPTIONS: &str =
    "console=ttyS0,115200 panic=3 drydock.recovery drydock.reason=menu-factory-reset rdinit=/none";

#[test]
fn what_is_not_signed_as_it_is_gets_refused_and_the_next_entry_is_started_with_its_own_command_line() {
    let bench = Bench::new("secure-boot-loud", &LOUD);
    let signed = "panic=10 systemd.gpt_auto=0 console=ttyS0,115200";
    for (stub, name) in [(SYSTEMD, "systemd"), (EFI_BOOT_GUARD, "efi-boot-guard")] {
        let unsigned = bench.uki(stub, "set-a", None, "unsigned.efi");
        let mut files = vec![
            unsigned.clone(),
            bench.uki(stub, "set-a", Some("other"), "foreign.efi"),
            bench.uki(stub, "set-b", Some("own"), "signed.efi"),
        ];
        if stub == SYSTEMD {
            let appended = bench.uki(stub, "recovery-a", Some("own"), "appended.efi");
            append(&appended, " drydock.set=b");
            files.insert(2, appended);
        }
        let names: Vec<_> = files.iter().map(|file| file.file_name().unwrap().to_str().unwrap()).collect();
        let disk = disk_with(&bench, name, &files);
        let boot = partition(&disk, "boot");
        let entry = |name: &&'static str| BootEntry { name, partition: boot, file: name, options: OPTIONS };
        let names: Vec<&'static str> = names.iter().map(|name| &*name.to_string().leak()).collect();
        let entries: Vec<_> = names.iter().map(entry).collect();

        let firmware = bench.firmware(|variables| {
            variables.boot(&entries);
        });
        let machine = Qemu::new(name).firmware(firmware).disk(Disk::file(&disk));
        let mut guest = machine.start().unwrap();
        for refused in &names[..names.len() - 1] {
            let line = guest.expect_line("failed to load", LIMIT).unwrap();
            assert!(line.contains(refused) && line.contains("Access Denied"), "{line}");
        }
        guest.expect("UEFI Secure Boot is enabled", LIMIT).unwrap();
        let line = command_line(&mut guest);
        assert!(line.starts_with(signed) && line.ends_with(" drydock.set=b --"), "{line}");
        guest.expect("Kernel is locked down from EFI Secure Boot", LIMIT).unwrap();
        println!("{name}: signed image, Secure Boot, to the kernel's first lines: {:?}", guest.elapsed());
        drop(guest);

        // The same without Secure Boot: whatever comes first is started, and systemd's stub takes what it is told.
        let file = bench.path("open.fd");
        EfiVariables::new(&file).unwrap().boot(&entries).save().unwrap();
        let mut guest =
            Qemu::new(name).firmware(Firmware::Efi(file)).disk(Disk::file(&disk)).start().unwrap();
        let line = command_line(&mut guest);
        match stub {
            SYSTEMD => assert_eq!(line, OPTIONS),
            _ => assert!(line.starts_with(signed) && line.ends_with(" drydock.set=a --"), "{line}"),
        }
    }
}

#[test]
fn signed_images_in_boot_slots_start_a_set_and_update_the_device_under_secure_boot() {
    let bench = Bench::new(
        "secure-boot",
        &[
            LOUD[0],
            LOUD[1],
            ("disk_mib = 256", "disk_mib = 384\nbootloader = \"none\""),
            ("recovery_mib = 20", "recovery_mib = 48"),
            ("boot = 20", "boot = 48"),
        ],
    );
    let signed = |purpose: &str, name: &str| bench.uki(SYSTEMD, purpose, Some("own"), name);
    let sets = [signed("set-a", "drydock-a.efi"), signed("set-b", "drydock-b.efi")];
    let copies = [signed("recovery-a", "recovery-a.efi"), signed("recovery-b", "recovery-b.efi")];
    let (boot, recovery) = (bench.fat("boot.fat", 44, &sets), bench.fat("recovery.fat", 44, &copies));
    let tools = Tools::build().unwrap();
    let make = |version: &str, security_version: u32| {
        let root = bench.system.release(version, security_version).unwrap().root;
        let images = [("boot", &*boot), ("root", &*root), ("recovery", &*recovery)];
        let key = bench.system.key();
        let recipe = Recipe {
            hooks: None,
            compatible: "drydock-test",
            version,
            security_version,
            images: &images[..if version == "1.0.0" { 3 } else { 2 }],
            key: &key,
            level: 3,
        };
        let bundle = bench.path(&format!("{version}.drydock"));
        run(&mut tools.create(&recipe, &bundle)).unwrap();
        bundle
    };
    let (v1, v2) = (make("1.0.0", 1), make("2.0.0", 2));
    let disk = bench.path("disk.img");
    run(&mut tools.disk(&bench.system.config(), &v1, &disk)).unwrap();

    let entry = |name, label, file| BootEntry { name, partition: partition(&disk, label), file, options: "" };
    let entries = [
        entry("set a", "boot-a", "drydock-a.efi"),
        entry("set b", "boot-b", "drydock-b.efi"),
        entry("recovery a", "recovery-a", "recovery-a.efi"),
    ];
    let firmware = bench.firmware(|variables| {
        variables.boot(&entries);
    });
    let machine = Qemu::new("secure-boot").firmware(firmware).disk(Disk::file(&disk));
    // What a bootloader does that has read the environment. QEMU's firmware forgets entries that it finds no program for, as in
    // set b before it was written.
    let choose = |entry: u16| {
        let mut variables = EfiVariables::open(&bench.path("vars.fd")).unwrap();
        variables.boot(&entries).boot_next(entry).save().unwrap();
    };

    let script = Script::stage(&v2).unwrap();
    let script_file = bench.path("script.img");
    script.write(&script_file).unwrap();
    let mut guest = machine.clone().disk(Disk::file(&script_file)).start().unwrap();
    guest.expect("UEFI Secure Boot is enabled", LIMIT).unwrap();
    guest.expect("DRYDOCK-TEST-UP set=a version=1.0.0", LIMIT).unwrap();
    println!("set a is up under Secure Boot after {:?}", guest.elapsed());
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);

    choose(2);
    let mut guest = machine.start().unwrap();
    guest.expect("UEFI Secure Boot is enabled", LIMIT).unwrap();
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);

    choose(1);
    let mut guest = machine.start().unwrap();
    guest.expect("UEFI Secure Boot is enabled", LIMIT).unwrap();
    guest.expect("DRYDOCK-TEST-UP set=b version=2.0.0", LIMIT).unwrap();
    let status = status(&mut guest);
    assert_eq!(status["sets"]["b"]["status"], "good");
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::PowerOff);

    // One byte of the kernel in set b's slot: the firmware refuses it, and starts the set that comes next.
    let (_, first, ..) = partition(&disk, "boot-b");
    let file = File::options().read(true).write(true).open(&disk).unwrap();
    let mut byte = [0];
    // The first of the two programs ends before 15 MiB, the second one, set b's, before 30.
    let place = first * 512 + (22 << 20);
    file.read_exact_at(&mut byte, place).unwrap();
    file.write_all_at(&[byte[0] ^ 1], place).unwrap();
    choose(1);
    let mut guest = machine.start().unwrap();
    let line = guest.expect_line("failed to load", LIMIT).unwrap();
    assert!(line.contains("set b") && line.contains("Access Denied"), "{line}");
    guest.expect("UEFI Secure Boot is enabled", LIMIT).unwrap();
    let line = command_line(&mut guest);
    assert!(line.ends_with(" drydock.set=a --"), "{line}");
}
