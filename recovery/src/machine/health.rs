//! What a disk says of its own health. It is only asked, and what it can't say is said.

use super::Hardware;
use crate::disk::abandon::within;
use crate::sys;
use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

/// How long a disk may take.
const ANSWER: Duration = Duration::from_secs(20);

impl Hardware<'_> {
    pub(super) fn disk_health(&self) -> Vec<String> {
        let node = self.disk.node.clone();
        self.events.allow(2 * ANSWER);
        let asked = within(ANSWER, move || ask(&node));
        asked.unwrap_or_else(|| vec![format!("{} does not answer", self.disk.node.display())])
    }
}

fn ask(node: &Path) -> Vec<String> {
    let name = node.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let disk = match File::open(node) {
        Ok(disk) => disk,
        Err(error) => return vec![format!("{name}: {error}")],
    };
    let told = |health: io::Result<[u8; 512]>, what: &str, read: fn(&[u8; 512]) -> Vec<String>| match health {
        Ok(data) => read(&data).into_iter().map(|line| format!("{name}: {line}")).collect(),
        Err(error) => vec![format!("{name} has no {what} to show ({error})")],
    };
    match &*name {
        name if name.starts_with("nvme") => told(sys::nvme_health(&disk), "health log of NVMe", nvme),
        name if name.starts_with("mmcblk") => {
            told(sys::mmc_ext_csd(&disk), "registers of an eMMC, as an SD card has none", mmc)
        }
        name if name.starts_with("sd") => told(sys::smart_data(&disk), "SMART data", smart),
        _ => vec![format!("{name}: disks of this kind have nothing to show")],
    }
}

/// A little-endian number of up to 8 bytes.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// NVM Express 1.4, figure 194.
fn nvme(data: &[u8; 512]) -> Vec<String> {
    let mut told = vec![
        format!("{} % of its life used, {} % of its spare left (limit {} %)", data[5], data[3], data[4]),
        format!(
            "{} C, {} hours on, {} unsafe shutdowns, {} errors of the medium",
            number(&data[1..3]).saturating_sub(273),
            number(&data[128..136]),
            number(&data[144..152]),
            number(&data[160..168])
        ),
    ];
    if data[0] != 0 {
        told.push(format!("IT WARNS of itself (bits {:#04x})", data[0]));
    }
    told
}

/// JESD84-B51, 7.4: DEVICE_LIFE_TIME_EST_TYP_A (268) and _B (269), PRE_EOL_INFO (267).
fn mmc(data: &[u8; 512]) -> Vec<String> {
    let used = |estimate: u8| match estimate {
        0 => "unknown".to_owned(),
        11.. => "MORE THAN ALL".into(),
        tenth => format!("{} to {} %", (tenth - 1) * 10, tenth * 10),
    };
    let spare = match data[267] {
        1 => "normal",
        2 => "80 % USED",
        3 => "90 % USED",
        _ => "unknown",
    };
    vec![format!(
        "life used: {} (type A), {} (type B); spare blocks: {spare}",
        used(data[268]),
        used(data[269])
    )]
}

/// ATA: a table of 30 attributes of 12 bytes from byte 2 on, each with a number, flags, a value, the worst one and six raw
/// bytes. What the numbers mean is a custom that disks keep.
fn smart(data: &[u8; 512]) -> Vec<String> {
    const KNOWN: [(u8, &str); 9] = [
        (5, "sectors replaced"),
        (9, "hours on"),
        (187, "errors not mended"),
        (194, "C"),
        (197, "sectors waiting to be replaced"),
        (198, "sectors that can't be read"),
        (199, "errors on the cable"),
        (202, "life left or used"),
        (231, "life left"),
    ];
    let attributes = data[2..362].chunks_exact(12);
    let told = attributes.filter_map(|attribute| {
        let (_, name) = KNOWN.iter().find(|(id, _)| *id == attribute[0])?;
        let raw = match attribute[0] {
            // Other bytes of a temperature are the lowest and the highest one.
            194 => number(&attribute[5..6]),
            _ => number(&attribute[5..9]),
        };
        Some(format!("{name} {raw} (value {}, worst {})", attribute[3], attribute[4]))
    });
    let told: Vec<_> = told.collect();
    if told.is_empty() { vec!["its SMART data has no attribute that is known here".into()] } else { told }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drive_of_nvme_tells_its_age_and_warns() {
        let mut data = [0; 512];
        (data[0], data[3], data[4], data[5]) = (4, 90, 10, 12);
        data[1..3].copy_from_slice(&310_u16.to_le_bytes());
        data[128] = 200;
        let told = nvme(&data).join("; ");
        assert!(
            told.starts_with("12 % of its life used, 90 %") && told.contains("37 C, 200 hours"),
            "{told}"
        );
        assert!(told.ends_with("WARNS of itself (bits 0x04)"), "{told}");
    }

    #[test]
    fn an_emmc_tells_what_is_used_of_its_life() {
        let mut data = [0; 512];
        (data[267], data[268], data[269]) = (1, 2, 11);
        let told = mmc(&data).join("");
        assert_eq!(told, "life used: 10 to 20 % (type A), MORE THAN ALL (type B); spare blocks: normal");
    }

    #[test]
    fn smart_attributes_are_found_wherever_they_stand() {
        let mut data = [0; 512];
        data[2 + 12..2 + 24].copy_from_slice(&[5, 0, 0, 99, 98, 7, 1, 0, 0, 0, 0, 0]);
        assert_eq!(smart(&data), ["sectors replaced 263 (value 99, worst 98)"]);
        assert_eq!(smart(&[0; 512]).len(), 1);
        assert_eq!(smart(&[0xff; 512]).len(), 1);
    }

    #[test]
    fn what_is_no_disk_with_a_health_says_so() {
        assert!(ask(Path::new("/dev/null"))[0].contains("nothing to show"));
        assert!(ask(Path::new("/dev/no-such-disk"))[0].contains("No such file"));
        let file = tempfile::Builder::new().prefix("sdx").tempfile().unwrap();
        assert!(ask(file.path())[0].contains("no SMART data to show"));
        let file = tempfile::Builder::new().prefix("nvme").tempfile().unwrap();
        assert!(ask(file.path())[0].contains("no health log"));
        let file = tempfile::Builder::new().prefix("mmcblk").tempfile().unwrap();
        assert!(ask(file.path())[0].contains("an SD card has none"));
    }
}
