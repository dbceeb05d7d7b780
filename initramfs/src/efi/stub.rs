//! Stubs: the EFI programs that start the kernel which lies behind them. Each has names of its own for what it looks for.

use super::pe::Pe;

/// A stub that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stub {
    /// systemd's, as the UAPI Group's "Unified Kernel Image" specification has it.
    Systemd,
    /// EFI Boot Guard's: `kernel-stub/main.c` and `tools/bg_gen_unified_kernel` in its source.
    EfiBootGuard,
}

impl Stub {
    /// Finds out which stub a program is: systemd's has a section that says so, EFI Boot Guard's says its name when it starts.
    pub(crate) fn of(file: &[u8], pe: &Pe) -> Option<Self> {
        let utf16: Vec<u8> =
            "Unified kernel stub (EFI Boot Guard".encode_utf16().flat_map(u16::to_le_bytes).collect();
        if pe.sections.iter().any(|section| section.is_called(".sdmagic")) {
            Some(Self::Systemd)
        } else if file.windows(utf16.len()).any(|bytes| bytes == utf16) {
            Some(Self::EfiBootGuard)
        } else {
            None
        }
    }

    /// The name of the section with the kernel.
    pub(crate) fn kernel_section(self) -> &'static str {
        match self {
            Self::Systemd => ".linux",
            Self::EfiBootGuard => ".kernel",
        }
    }

    /// A command line, as the stub reads it: systemd's takes the bytes, EFI Boot Guard's hands on what the kernel gets from
    /// firmware, UTF-16 with an end.
    pub(crate) fn command_line(self, line: &str) -> Vec<u8> {
        match self {
            Self::Systemd => line.as_bytes().to_vec(),
            Self::EfiBootGuard => line.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect(),
        }
    }

    /// Whether the kernel runs where it lies in the image. systemd's stub has it copied to a place of its own.
    pub(crate) fn runs_in_place(self) -> bool {
        self == Self::EfiBootGuard
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::efi::pe::Section;
    use drydock_architecture::Architecture;

    /// A program for the reference device with headers of 1 KiB and these sections: name, address, content.
    pub(crate) fn program(sections: &[(&str, u32, &[u8])]) -> Vec<u8> {
        let mut file = vec![0; 0x400];
        file[..2].copy_from_slice(b"MZ");
        file[0x3c] = 0x40;
        file[0x40..0x44].copy_from_slice(b"PE\0\0");
        file[0x44..0x46].copy_from_slice(&Architecture::REFERENCE.efi_machine().to_le_bytes());
        file[0x46] = sections.len() as u8;
        file[0x54] = 240;
        for (at, value) in [(0, 0x20bu32), (32, 0x1000), (36, 0x200), (56, 0x10000), (60, 0x400), (108, 16)] {
            file[0x58 + at..0x58 + at + 4].copy_from_slice(&value.to_le_bytes());
        }
        for (n, (name, address, content)) in sections.iter().enumerate() {
            let mut padded = [0; 8];
            padded[..name.len()].copy_from_slice(name.as_bytes());
            let file_at = file.len() as u32;
            file.extend_from_slice(content);
            file.resize(file.len().next_multiple_of(0x200), 0);
            let section = Section {
                name: padded,
                address: *address,
                size: content.len() as u32,
                file_at,
                file_size: file.len() as u32 - file_at,
                characteristics: Section::DATA,
            };
            let entry = 0x58 + 240 + n * 40;
            file[entry..entry + 40].copy_from_slice(&section.entry());
        }
        file
    }

    #[test]
    fn a_stub_is_known_by_what_is_in_it() {
        let of = |file: &[u8]| Stub::of(file, &Pe::read(file).unwrap());
        let name: Vec<u8> =
            "Unified kernel stub (EFI Boot Guard 1)".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(of(&program(&[(".text", 0x1000, b"x"), (".sdmagic", 0x2000, b"x")])), Some(Stub::Systemd));
        assert_eq!(of(&program(&[(".text", 0x1000, &name)])), Some(Stub::EfiBootGuard));
        assert_eq!(of(&program(&[(".text", 0x1000, b"x")])), None);
    }
}
