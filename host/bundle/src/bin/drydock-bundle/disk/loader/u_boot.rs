//! U-Boot with drydock's script. U-Boot itself is the board's, and is flashed with the board's own tools: it lies before the
//! first partition, on an eMMC's boot partition or in a flash of its own.

use super::super::canvas::Disk;
use super::super::failed::{file, input};
use super::super::layout::{Kind, Layout, Own};
use super::seam::{Loader, Site};
use crate::look;
use drydock_architecture::Architecture;
use drydock_block::{Section, SectorSize, crc32};
use drydock_bundle::{Error, fat};
use drydock_config::{Config, Mib, Role};
use drydock_state::Bootloader;
use drydock_state::u_boot::{Environment, Place, UBoot as Store};

/// The script, with settings that are replaced.
const SCRIPT: &str = include_str!("../../../../../../../bootloader-scripts/u-boot/boot.cmd");
/// The partition with the environment, unless the configuration says otherwise.
const ENVIRONMENT: &str = "bootenv";
/// The partition with the script.
const BOOT: &str = "u-boot";
/// What the board's environment must have, and what for.
const NEEDED: [(&str, &str); 3] = [
    ("bootcmd", "U-Boot would not run drydock's script"),
    ("kernel_addr_r", "the script loads the kernel there"),
    ("ramdisk_addr_r", "the script loads the initramfs there"),
];

pub(super) struct UBoot;

impl UBoot {
    fn store(site: &Site<'_>) -> Result<Store<Section<Disk>>, Error> {
        let set = &site.config.u_boot;
        let place = Place { offset: set.offset, second: set.second(), size: set.size };
        let device = match set.partition.as_str() {
            "" => Section::new(site.disk.clone(), 0, site.layout.disk_size)
                .map_err(file("writing", site.path))?,
            label => site.part(label)?,
        };
        Store::open(device, place).map_err(input("u_boot"))
    }
}

impl Loader for UBoot {
    fn partitions(&self) -> Vec<Own> {
        let own = |label, size| Own { label, kind: Kind::Linux, size: Mib(size) };
        vec![own(ENVIRONMENT, 1), own(BOOT, 4)]
    }

    fn no_disk(&self, _: SectorSize) -> Option<&'static str> {
        None
    }

    fn no_image(&self, head: &[u8], size: u64) -> Option<String> {
        look::no_grub(head, size).map(|problem| problem.replace("GRUB", "U-Boot"))
    }

    fn install(&self, site: &Site<'_>) -> Result<(), Error> {
        let architecture = site.config.layout.architecture;
        let image =
            script_image(&script(&settings(site.config, site.layout)), architecture, site.layout.time);
        let id = site.layout.volume_id(site.layout.named(BOOT)?);
        fat::make(&site.part(BOOT)?, *b"U-BOOT     ", id, &[("boot.scr", image)])?;
        Self::store(site)?.lay_out(&environment(site.config)?).map_err(input("layout.u_boot_environment"))
    }

    fn open(&self, site: &Site<'_>) -> Result<Box<dyn Bootloader>, Error> {
        Ok(Box::new(Self::store(site)?))
    }
}

/// What the board begins with.
fn environment(config: &Config) -> Result<Environment, Error> {
    let what = || "layout.u_boot_environment".to_owned();
    let path = config.layout.u_boot_environment.as_str();
    let text = std::fs::read_to_string(path).map_err(file("reading", path.as_ref()))?;
    let environment = Environment::from_lines(text.lines()).map_err(input("layout.u_boot_environment"))?;
    for (name, why) in NEEDED {
        if environment.get(name).is_none_or(str::is_empty) {
            return Err(Error::Input { what: what(), problem: format!("{path} sets no `{name}`: {why}") });
        }
    }
    Ok(environment)
}

/// The script's settings: name and value.
fn settings(config: &Config, layout: &Layout) -> Vec<(&'static str, String)> {
    let boot = config.class_with_role(Role::Boot).map_or("", |slot| slot.partition());
    let index = |label: String| {
        let part = layout.partitions.iter().find(|part| part.label == label);
        part.map_or_else(String::new, |part| format!("{:x}", part.index))
    };
    let (interface, disk) = config.layout.u_boot_disk.split_once(' ').unwrap_or_default();
    vec![
        ("ddl_interface", interface.into()),
        ("ddl_disk", disk.into()),
        ("ddl_recovery_a", index("recovery-a".into())),
        ("ddl_recovery_b", index("recovery-b".into())),
        ("ddl_boot_a", index(format!("{boot}-a"))),
        ("ddl_boot_b", index(format!("{boot}-b"))),
        ("ddl_cmdline", format!("\"{}\"", config.layout.kernel_parameters())),
        ("ddl_start", config.layout.architecture.u_boot_start().into()),
    ]
}

/// The script with these settings, each of which it has in one line before the decision.
fn script(settings: &[(&'static str, String)]) -> String {
    let (head, decision) = SCRIPT.split_once("# ---- The decision").unwrap_or((SCRIPT, ""));
    let set = |line: &str| {
        let (name, _) = line.split_once('=')?;
        settings.iter().find(|(key, _)| *key == name).map(|(key, value)| format!("{key}={value}"))
    };
    let lines: String =
        head.lines().map(|line| set(line).unwrap_or_else(|| line.to_owned()) + "\n").collect();
    format!("{lines}# ---- The decision{decision}")
}

/// A script as `mkimage -T script` packs it: the header of `include/image.h` in U-Boot, the length of the one script, a
/// zero that ends the list of lengths, the script.
fn script_image(script: &str, architecture: Architecture, time: u64) -> Vec<u8> {
    const MAGIC: u32 = 0x2705_1956;
    const LINUX: u8 = 5;
    const TYPE_SCRIPT: u8 = 6;
    let data = [&(script.len() as u32).to_be_bytes()[..], &[0; 4], script.as_bytes()].concat();
    let mut header = [0; 64];
    let mut put = |at: usize, value: u32| header[at..at + 4].copy_from_slice(&value.to_be_bytes());
    put(0, MAGIC);
    put(8, time as u32);
    put(12, data.len() as u32);
    put(24, crc32(&data));
    header[28..31].copy_from_slice(&[LINUX, architecture.u_boot_image(), TYPE_SCRIPT]);
    header[32..39].copy_from_slice(b"drydock");
    let checksum = crc32(&header);
    header[4..8].copy_from_slice(&checksum.to_be_bytes());
    [&header[..], &data].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_in_the_script_once() {
        let names = [
            "ddl_interface",
            "ddl_disk",
            "ddl_recovery_a",
            "ddl_recovery_b",
            "ddl_boot_a",
            "ddl_boot_b",
            "ddl_cmdline",
            "ddl_start",
        ];
        let settings: Vec<_> = names.iter().map(|&name| (name, format!("<{name}>"))).collect();
        let script = script(&settings);
        for name in names {
            assert_eq!(script.matches(&format!("\n{name}=<{name}>\n")).count(), 1, "{name}");
        }
        assert_eq!(script.lines().count(), SCRIPT.lines().count());
    }

    #[test]
    fn no_apostrophe_is_in_the_script_which_would_end_it_within_a_loop() {
        assert!(!SCRIPT.contains('\''));
    }

    #[test]
    fn mkimage_finds_in_the_image_what_it_would_have_packed() {
        let folder = tempfile::tempdir().unwrap();
        let (text, packed) = (folder.path().join("text"), folder.path().join("packed"));
        std::fs::write(&text, SCRIPT).unwrap();
        let mut known = Vec::new();
        // Its names are the kernel's for one processor, and Debian's for the other one.
        for (architecture, name) in
            Architecture::ALL.into_iter().flat_map(|one| [(one, one.name()), (one, one.debian())])
        {
            let mut mkimage = std::process::Command::new("mkimage");
            mkimage.args(["-A", name, "-T", "script", "-C", "none", "-n", "drydock", "-d"]);
            let made =
                mkimage.arg(&text).arg(&packed).env("SOURCE_DATE_EPOCH", "1700000000").output().unwrap();
            if made.status.success() {
                let ours = script_image(SCRIPT, architecture, 1_700_000_000);
                assert!(ours == std::fs::read(&packed).unwrap(), "{name}");
                known.push(architecture);
            }
        }
        assert_eq!(known, Architecture::ALL);
    }
}
