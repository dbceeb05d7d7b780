//! Which revision of the hardware this is: from the device tree, from DMI, or from a file.

use drydock_config::{Hardware, Revision};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// More than this is no revision.
const LONGEST: u64 = 4096;

/// Reads the revision below the root folder `root`.
pub(super) fn read(root: &Path, hardware: &Hardware) -> Revision {
    let path = match hardware {
        Hardware::DeviceTree { property } => format!("sys/firmware/devicetree/base/{property}"),
        Hardware::Dmi { field } => format!("sys/class/dmi/id/{field}"),
        Hardware::File { path } => path.trim_start_matches('/').to_owned(),
    };
    match read_text(&root.join(&path)) {
        Ok(text) => Revision { found: words(hardware, &text), trouble: None },
        Err(error) => Revision { found: vec![], trouble: Some(format!("/{path}: {error}")) },
    }
}

fn read_text(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn words(hardware: &Hardware, text: &str) -> Vec<String> {
    let first_line = || text.lines().next().unwrap_or_default();
    let words: Vec<&str> = match hardware {
        // A list of strings, each with a NUL at its end (Devicetree Specification 0.4, section 2.2.4).
        Hardware::DeviceTree { .. } => text.split('\0').collect(),
        Hardware::Dmi { .. } => vec![first_line()],
        // What is left of an EEPROM's cells is NUL or all ones.
        Hardware::File { .. } => vec![first_line().trim_end_matches(['\0', '\u{fffd}'])],
    };
    words.into_iter().map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

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
        let tree = Hardware::DeviceTree { property: "compatible".into() };
        let file = "sys/firmware/devicetree/base/compatible";
        assert_eq!(found(file, b"acme,pump-r2\0acme,pump\0", tree), ["acme,pump-r2", "acme,pump"]);
        let dmi = Hardware::Dmi { field: "board_version".into() };
        assert_eq!(found("sys/class/dmi/id/board_version", b"R2 \n", dmi), ["R2"]);
        let eeprom = || Hardware::File { path: "/sys/eeprom".into() };
        assert_eq!(found("sys/eeprom", b"r2\xff\xff\xff", eeprom()), ["r2"]);
        assert_eq!(found("sys/eeprom", b"r2\nserial 7\n", eeprom()), ["r2"]);
        assert!(found("sys/eeprom", b"", eeprom()).is_empty());
    }

    #[test]
    fn what_can_not_be_read_is_told_with_its_path() {
        let revision = read(Path::new("/nonexistent"), &Hardware::Dmi { field: "board_version".into() });
        assert!(revision.trouble.unwrap().starts_with("/sys/class/dmi/id/board_version: "));
    }

    #[test]
    fn a_file_without_end_is_read_no_further_than_a_revision_can_be() {
        let endless = read(Path::new("/"), &Hardware::File { path: "/dev/zero".into() });
        assert!(endless.found.is_empty() && endless.trouble.is_none());
    }
}
