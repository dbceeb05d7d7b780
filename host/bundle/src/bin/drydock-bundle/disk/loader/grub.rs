//! GRUB with drydock's script inside its core image: nothing is read before the script runs but GRUB itself, and
//! nothing is searched.

use super::super::canvas::Disk;
use super::super::failed::{file, input};
use super::super::labels::{BIOS, BOOTENV, ESP};
use super::super::layout::{Kind, Layout, Own};
use super::seam::{Loader, Site};
use crate::look;
use drydock_architecture::Architecture;
use drydock_block::{BlockDevice, SectorSize};
use drydock_bundle::{Error, fat};
use drydock_config::{Config, Mib, Role};
use drydock_format::tar::Header;
use drydock_state::Bootloader;
use drydock_state::grub::{ENV_SIZE, Grub as Environment};
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

/// The script, with settings that are replaced.
const SCRIPT: &str = include_str!("../../../../../../../bootloader-scripts/grub/grub.cfg");

/// What runs before the script, in GRUB's rescue mode, which knows no `if`: where the script is. `$root` stays
/// the disk that the firmware started.
const EARLY: &str = "set prefix=(memdisk)\n";

/// Everything that the script uses.
const MODULES: &[&str] = &[
    "boot",
    "echo",
    "fat",
    "gcry_crc",
    "hashsum",
    "keystatus",
    "linux",
    "loadenv",
    "memdisk",
    "normal",
    "part_gpt",
    "reboot",
    "regexp",
    "serial",
    "sleep",
    "squash4",
    "tar",
    "terminal",
    "test",
    "true",
];

/// What starts GRUB.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Firmware {
    Bios,
    Efi,
}

/// GRUB, started by this firmware.
pub(super) struct Grub(pub(super) Firmware);

impl Grub {
    /// Puts an environment on the disk that nobody has written to yet.
    pub(super) fn lay_out(&self, site: &Site<'_>) -> Result<(), Error> {
        let id = site.layout.volume_id(site.layout.named(BOOTENV)?);
        fat::make(&site.part(BOOTENV)?, *b"BOOTENV    ", id, &[("grubenv", vec![b'#'; ENV_SIZE])])
    }
}

impl Loader for Grub {
    fn partitions(&self) -> Vec<Own> {
        let first = match self.0 {
            Firmware::Bios => Own { label: BIOS, kind: Kind::BiosBoot, size: Mib(1) },
            Firmware::Efi => Own { label: ESP, kind: Kind::Esp, size: Mib(64) },
        };
        vec![first, Own { label: BOOTENV, kind: Kind::Linux, size: Mib(4) }]
    }

    fn no_disk(&self, sector_size: SectorSize) -> Option<&'static str> {
        let bios = self.0 == Firmware::Bios && sector_size != SectorSize::S512;
        bios.then_some("BIOS firmware starts only from disks with 512-byte sectors; use grub-efi")
    }

    fn no_image(&self, head: &[u8], size: u64) -> Option<String> {
        look::no_grub(head, size)
    }

    fn install(&self, site: &Site<'_>) -> Result<(), Error> {
        let architecture = site.config.layout.architecture;
        let core = Core::make(architecture, self.0, site.grub_modules, &settings(site.config, site.layout))?;
        match self.0 {
            Firmware::Bios => {
                core.install_bios(site.disk, site.layout).map_err(file("writing", site.path))?;
            }
            Firmware::Efi => {
                let id = site.layout.volume_id(site.layout.named(ESP)?);
                let files = [(architecture.efi_loader(), core.image)];
                fat::make(&site.part(ESP)?, *b"ESP        ", id, &files)?;
            }
        }
        self.lay_out(site)
    }

    fn open(&self, site: &Site<'_>) -> Result<Box<dyn Bootloader>, Error> {
        let store = Environment::open(site.part(BOOTENV)?);
        Ok(Box::new(store.map_err(input("the disk image's boot environment"))?))
    }
}

/// The script's settings: name and value.
type Settings = Vec<(&'static str, String)>;

/// What the script has to know of this disk and this device.
fn settings(config: &Config, layout: &Layout) -> Settings {
    let boot = config.class_with_role(Role::Boot).map_or("", |slot| slot.partition());
    let index = |label: String| {
        layout
            .partitions
            .iter()
            .find(|part| part.label == label)
            .map_or_else(String::new, |p| p.index.to_string())
    };
    let (unit, speed) = serial_console(&config.layout.cmdline);
    vec![
        ("part_bootenv", index(BOOTENV.into())),
        ("part_recovery_a", index("recovery-a".into())),
        ("part_recovery_b", index("recovery-b".into())),
        ("part_boot_a", index(format!("{boot}-a"))),
        ("part_boot_b", index(format!("{boot}-b"))),
        ("cmdline", format!("\"{}\"", config.layout.kernel_parameters())),
        ("menu_seconds", config.layout.menu_seconds.to_string()),
        ("serial_unit", unit),
        ("serial_speed", speed),
    ]
}

/// Unit and speed of the first serial port among the kernel's consoles: `console=ttyS0,115200n8`.
fn serial_console(cmdline: &str) -> (String, String) {
    let port = cmdline.split(' ').find_map(|word| word.strip_prefix("console=ttyS"));
    let (unit, options) = port.map_or(("", ""), |port| port.split_once(',').unwrap_or((port, "")));
    let speed: String = options.chars().take_while(char::is_ascii_digit).collect();
    (unit.to_owned(), if speed.is_empty() { "9600".into() } else { speed })
}

/// The script with these settings.
fn script(settings: &Settings) -> String {
    let set = |line: &str| {
        let (name, _) = line.strip_prefix("set ")?.split_once('=')?;
        settings.iter().find(|(key, _)| *key == name).map(|(key, value)| format!("set {key}={value}"))
    };
    SCRIPT.lines().map(|line| set(line).unwrap_or_else(|| line.to_owned()) + "\n").collect()
}

/// GRUB's core image.
struct Core {
    image: Vec<u8>,
    boot_sector: Vec<u8>,
}

impl Core {
    /// Calls `grub-mkimage`, with the platform's modules from its folder in `modules`.
    fn make(
        architecture: Architecture,
        firmware: Firmware,
        modules: &Path,
        settings: &Settings,
    ) -> Result<Self, Error> {
        let platform = match firmware {
            Firmware::Bios => architecture.grub_bios().ok_or_else(|| Error::Input {
                what: "GRUB for BIOS firmware".into(),
                problem: format!("there is none for {architecture}; use grub-efi"),
            })?,
            Firmware::Efi => architecture.grub_efi(),
        };
        let modules = modules.join(platform.name);
        if !modules.is_dir() {
            return Err(Error::Input {
                what: format!("GRUB for {}", platform.name),
                problem: format!(
                    "{} is missing; install Debian's package {}, or name with --grub-modules where it was unpacked",
                    modules.display(),
                    platform.package
                ),
            });
        }
        let work = tempfile::Builder::new().prefix("drydock-grub-").tempdir();
        let work = work.map_err(input("a temporary folder"))?;
        let (early, memdisk, core) =
            (work.path().join("early.cfg"), work.path().join("memdisk.tar"), work.path().join("core"));
        fs::write(&early, EARLY).map_err(file("writing", &early))?;
        fs::write(&memdisk, tar_of("grub.cfg", &script(settings))).map_err(file("writing", &memdisk))?;
        let mut command = Command::new("grub-mkimage");
        // `-m` sets the prefix, and with it `$root`, to the memdisk; the later `-p` takes that back.
        command.args(["-O", platform.name, "-d"]).arg(&modules).arg("-c").arg(&early);
        command.arg("-m").arg(&memdisk).args(["-p", "/", "-o"]).arg(&core).args(MODULES);
        if firmware == Firmware::Bios {
            command.args(["biosdisk", "linux16"]);
        }
        let output = command.output().map_err(|problem| Error::Input {
            what: "grub-mkimage".into(),
            problem: format!("{problem}; install Debian's package grub-common"),
        })?;
        if !output.status.success() {
            return Err(Error::Input {
                what: "grub-mkimage".into(),
                problem: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            });
        }
        let boot_sector = match firmware {
            Firmware::Bios => {
                let path = modules.join("boot.img");
                fs::read(&path).map_err(file("reading", &path))?
            }
            Firmware::Efi => Vec::new(),
        };
        Ok(Self { image: fs::read(&core).map_err(file("reading", &core))?, boot_sector })
    }

    /// Puts the core image into the partition `bios` and the boot code into the MBR, each with the place of what it
    /// loads next, as `grub-install` does.
    fn install_bios(self, disk: &Disk, layout: &Layout) -> io::Result<()> {
        const SECTOR: usize = 512;
        let misfit = || io::Error::other("GRUB's core image does not fit the partition `bios`");
        let part = layout.partitions.iter().find(|part| part.label == BIOS).ok_or_else(misfit)?;
        let mut core = self.image;
        core.resize(core.len().next_multiple_of(SECTOR), 0);
        if core.len() as u64 > part.size || core.len() < 2 * SECTOR || self.boot_sector.len() != SECTOR {
            return Err(misfit());
        }
        let first = part.start / SECTOR as u64;
        // The first sector ends in the list of the others: where (64 bits), how many (16), loaded to which segment.
        let others = (core.len() / SECTOR - 1) as u16;
        core[0x1f4..0x1fc].copy_from_slice(&(first + 1).to_le_bytes());
        core[0x1fc..0x1fe].copy_from_slice(&others.to_le_bytes());
        core[0x1fe..0x200].copy_from_slice(&0x820u16.to_le_bytes());
        disk.write_at(part.start, &core)?;

        let mut mbr = vec![0; SECTOR];
        disk.read_at(0, &mut mbr)?;
        mbr[..440].copy_from_slice(&self.boot_sector[..440]);
        mbr[0x5c..0x64].copy_from_slice(&first.to_le_bytes());
        mbr[0x64] = 0xff; // the drive that the BIOS names
        mbr[0x66..0x68].copy_from_slice(&[0x90, 0x90]); // believe it, also where it is a hard disk
        disk.write_at(0, &mbr)
    }
}

/// A tar with one file.
fn tar_of(name: &str, contents: &str) -> Vec<u8> {
    let mut tar = Header { name: name.into(), size: contents.len() as u64 }.encode().to_vec();
    tar.extend_from_slice(contents.as_bytes());
    tar.resize(tar.len().next_multiple_of(512) + 1024, 0);
    tar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_in_the_script_once() {
        let names = [
            "part_bootenv",
            "part_recovery_a",
            "part_recovery_b",
            "part_boot_a",
            "part_boot_b",
            "cmdline",
            "menu_seconds",
            "serial_unit",
            "serial_speed",
        ];
        let settings: Settings = names.iter().map(|&name| (name, format!("<{name}>"))).collect();
        let script = script(&settings);
        for name in names {
            assert_eq!(script.matches(&format!("\nset {name}=<{name}>\n")).count(), 1, "{name}");
        }
        assert_eq!(script.lines().count(), SCRIPT.lines().count());
    }

    #[test]
    fn whoever_installs_by_hand_takes_the_same_modules() {
        let readme = include_str!("../../../../../../../bootloader-scripts/grub/README.md");
        let list = readme.split("modules=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(list.split_whitespace().collect::<Vec<_>>(), MODULES);
    }

    #[test]
    fn the_serial_port_comes_from_the_kernels_console() {
        let port = |unit: &str, speed: &str| (unit.to_owned(), speed.to_owned());
        assert_eq!(serial_console("quiet console=tty0 console=ttyS1,115200n8"), port("1", "115200"));
        assert_eq!(serial_console("console=ttyS0"), port("0", "9600"));
        assert_eq!(serial_console("console=tty0"), port("", "9600"));
    }
}
