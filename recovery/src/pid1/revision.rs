//! Which revision of the hardware this is: from the device tree, from DMI, or from a file.

use drydock_config::{Hardware, HardwareKind, Revision};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// More than this is no revision.
const LONGEST: u64 = 4096;

/// Reads the revision below the root folder `root`.
pub(super) fn read(root: &Path, hardware: &Hardware) -> Revision {
    let path = match hardware.kind {
        HardwareKind::DeviceTree => format!("sys/firmware/devicetree/base/{}", hardware.property),
        HardwareKind::Dmi => format!("sys/class/dmi/id/{}", hardware.field),
        HardwareKind::File => hardware.path.as_deref().unwrap_or_default().trim_start_matches('/').to_owned(),
    };
    match read_text(&root.join(&path)) {
        Ok(text) => Revision { found: words(&text), trouble: None },
        Err(error) => Revision { found: vec![], trouble: Some(format!("/{path}: {error}")) },
    }
}

fn read_text(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The strings of a device tree's list, each with a NUL at its end (Devicetree Specification 0.4, section 2.2.4), or the lines of
/// a file. What is left of an EEPROM's cells is NUL or all ones.
fn words(text: &str) -> Vec<String> {
    let words = text.split(['\0', '\n', '\u{fffd}']).map(str::trim);
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn hardware(kind: HardwareKind, path: Option<&str>) -> Hardware {
        let (property, field) = ("compatible".into(), "board_version".into());
        Hardware { kind, property, field, path: path.map(Into::into) }
    }

    #[track_caller]
    fn found(file: &str, contents: &[u8], hardware: Hardware) -> Vec<String> {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
        read(root.path(), &hardware).found
    }

    #[test]
    fn a_revision_is_read_from_each_of_its_places() {
        let tree = hardware(HardwareKind::DeviceTree, None);
        let file = "sys/firmware/devicetree/base/compatible";
        assert_eq!(found(file, b"acme,pump-r2\0acme,pump\0", tree), ["acme,pump-r2", "acme,pump"]);
        let dmi = hardware(HardwareKind::Dmi, None);
        assert_eq!(found("sys/class/dmi/id/board_version", b"R2 \n", dmi), ["R2"]);
        let eeprom = || hardware(HardwareKind::File, Some("/sys/eeprom"));
        assert_eq!(found("sys/eeprom", b"r2\xff\xff\xff", eeprom()), ["r2"]);
        assert_eq!(found("sys/eeprom", b"r2\nserial 7\n", eeprom()), ["r2", "serial 7"]);
        assert!(found("sys/eeprom", b"", eeprom()).is_empty());
    }

    #[test]
    fn what_can_not_be_read_is_told_with_its_path() {
        let revision = read(Path::new("/nonexistent"), &hardware(HardwareKind::Dmi, None));
        assert!(revision.trouble.unwrap().starts_with("/sys/class/dmi/id/board_version: "));
    }

    #[test]
    fn a_file_without_end_is_read_no_further_than_a_revision_can_be() {
        let endless = read(Path::new("/"), &hardware(HardwareKind::File, Some("/dev/zero")));
        assert!(endless.found.is_empty() && endless.trouble.is_none());
    }
}
