//! The variables of QEMU's EFI firmware, written before it starts: which keys it trusts, and what it tries to boot. They lie in the
//! flash's file as EDK II keeps them: `MdeModulePkg/Include/Guid/VariableFormat.h`, with the headers of authenticated variables.

use crate::{ARCHITECTURE, QemuError};
use std::path::{Path, PathBuf};

/// A GUID as it lies in memory: the first three groups little-endian.
type Guid = [u8; 16];

/// 8be4df61-93ca-11d2-aa0d-00e098032b8c: what the UEFI Specification itself defines.
const GLOBAL: Guid =
    [0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0, 0xe0, 0x98, 0x03, 0x2b, 0x8c];
/// d719b2cb-3d3a-4596-a3bc-dad00e67656f: the lists of what is trusted.
const SECURITY: Guid =
    [0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45, 0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f];
/// f0a30bc7-af08-4556-99c4-001009c93a44: EDK II's own switch.
const SWITCH: Guid =
    [0xc7, 0x0b, 0xa3, 0xf0, 0x08, 0xaf, 0x56, 0x45, 0x99, 0xc4, 0, 0x10, 0x09, 0xc9, 0x3a, 0x44];
/// a5c059a1-94e4-4aa7-87b5-ab155c2bf072: that a list holds an X.509 certificate.
const X509: Guid =
    [0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a, 0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72];

/// Kept, and there while the firmware boots; in the running system, too; and changed only by who is let to.
const BOOT: u32 = 3;
const RUNNING: u32 = 7;
const AUTHENTICATED: u32 = 0x27;

/// In the flash: the header of the volume, and in it where it ends itself.
const VOLUME_HEADER_LENGTH: usize = 0x30;
/// The header of the store, which begins with its format's GUID and its size.
const STORE_HEADER: usize = 28;
/// A variable's header, and its mark.
const HEADER: usize = 60;
const MARK: u16 = 0x55aa;
/// Its states: written, and deleted later.
const ADDED: u8 = 0x3f;
const DELETED: u8 = 0x3d;

/// What the firmware tries to boot.
#[derive(Clone, Debug)]
pub struct BootEntry<'a> {
    /// What it says that it is.
    pub name: &'a str,
    /// The partition's number, its first sector, its sectors and its GUID.
    pub partition: (u32, u64, u64, [u8; 16]),
    /// The program in it, from its root.
    pub file: &'a str,
    /// What the program is told.
    pub options: &'a str,
}

/// The variables of one machine.
#[derive(Debug)]
pub struct EfiVariables {
    path: PathBuf,
    flash: Vec<u8>,
}

impl EfiVariables {
    /// Those of a new machine, which trusts nobody and boots whatever it finds. They are in the file when they are
    /// [saved](EfiVariables::save).
    pub fn new(path: &Path) -> Result<Self, QemuError> {
        Self::read(path, Path::new(ARCHITECTURE.machine().efi.variables))
    }

    /// Those of a machine that was started before.
    pub fn open(path: &Path) -> Result<Self, QemuError> {
        Self::read(path, path)
    }

    fn read(path: &Path, from: &Path) -> Result<Self, QemuError> {
        let flash = std::fs::read(from).map_err(QemuError::io(format!("read {}", from.display())))?;
        Ok(Self { path: path.to_owned(), flash })
    }

    /// Switches Secure Boot on: this certificate, in DER, is the platform's, may change the lists, and is all that is trusted.
    pub fn trust(&mut self, certificate: &[u8]) -> &mut Self {
        let size = (16 + certificate.len()) as u32;
        let mut list = X509.to_vec();
        list.extend((28 + size).to_le_bytes());
        list.extend(0u32.to_le_bytes());
        list.extend(size.to_le_bytes());
        // Whose it is does not matter to the firmware.
        list.extend(GLOBAL);
        list.extend(certificate);
        self.set("db", SECURITY, AUTHENTICATED, &list);
        self.set("KEK", GLOBAL, AUTHENTICATED, &list);
        self.set("PK", GLOBAL, AUTHENTICATED, &list);
        self.set("SecureBootEnable", SWITCH, BOOT, &[1])
    }

    /// Has the firmware try these, in this order.
    pub fn boot(&mut self, entries: &[BootEntry<'_>]) -> &mut Self {
        for (n, entry) in entries.iter().enumerate() {
            self.set(&format!("Boot{n:04X}"), GLOBAL, RUNNING, &entry.encode());
        }
        let order: Vec<u8> = (0..entries.len() as u16).flat_map(u16::to_le_bytes).collect();
        self.set("BootOrder", GLOBAL, RUNNING, &order)
    }

    /// Has the firmware try the entry with this number first, once.
    pub fn boot_next(&mut self, entry: u16) -> &mut Self {
        self.set("BootNext", GLOBAL, RUNNING, &entry.to_le_bytes())
    }

    /// Writes them to the machine's file.
    pub fn save(&self) -> Result<(), QemuError> {
        std::fs::write(&self.path, &self.flash)
            .map_err(QemuError::io(format!("write {}", self.path.display())))
    }

    /// Sets a variable: the one that is there is marked as deleted, and the new one comes behind all others.
    fn set(&mut self, name: &str, guid: Guid, attributes: u32, data: &[u8]) -> &mut Self {
        let name: Vec<u8> = name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
        let store = usize::from(u16::from_le_bytes([
            self.flash[VOLUME_HEADER_LENGTH],
            self.flash[VOLUME_HEADER_LENGTH + 1],
        ]));
        let end = store + self.number(store + 16) as usize;
        let mut at = store + STORE_HEADER;
        while self.number(at) as u16 == MARK {
            let (name_size, size) = (self.number(at + 36) as usize, self.number(at + 40) as usize);
            let same =
                self.flash[at + HEADER..].starts_with(&name) && self.flash[at + 44..at + HEADER] == guid;
            if same && self.flash[at + 2] == ADDED {
                self.flash[at + 2] = DELETED;
            }
            at = (at + HEADER + name_size + size).next_multiple_of(4);
        }
        let mut variable = MARK.to_le_bytes().to_vec();
        variable.extend([ADDED, 0]);
        variable.extend(attributes.to_le_bytes());
        variable.extend(0u64.to_le_bytes());
        // A time that every later one is later than: 2020-01-01.
        variable.extend([0xe4, 0x07, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        variable.extend(0u32.to_le_bytes());
        variable.extend((name.len() as u32).to_le_bytes());
        variable.extend((data.len() as u32).to_le_bytes());
        variable.extend(guid);
        variable.extend(name);
        variable.extend(data);
        assert!(at + variable.len() <= end, "the firmware's variables have no room left");
        self.flash[at..at + variable.len()].copy_from_slice(&variable);
        self
    }

    fn number(&self, at: usize) -> u32 {
        self.flash[at..at + 4].iter().rev().fold(0, |number, &byte| number << 8 | u32::from(byte))
    }
}

impl BootEntry<'_> {
    /// UEFI Specification 2.10, sections 3.1.3 (load options), 10.3.5.1 (hard drive) and 10.3.5.4 (file path).
    fn encode(&self) -> Vec<u8> {
        let utf16 =
            |text: &str| text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        let (number, first, sectors, guid) = &self.partition;
        let mut path = vec![4, 1, 42, 0];
        path.extend(number.to_le_bytes());
        path.extend(first.to_le_bytes());
        path.extend(sectors.to_le_bytes());
        path.extend(guid);
        // A GPT, whose partitions have GUIDs.
        path.extend([2, 2]);
        let file = utf16(&self.file.replace('/', "\\"));
        path.extend([4, 4]);
        path.extend((4 + file.len() as u16).to_le_bytes());
        path.extend(file);
        path.extend([0x7f, 0xff, 4, 0]);
        let mut entry = 1u32.to_le_bytes().to_vec();
        entry.extend((path.len() as u16).to_le_bytes());
        entry.extend(utf16(self.name));
        entry.extend(path);
        if !self.options.is_empty() {
            entry.extend(utf16(self.options));
        }
        entry
    }
}
