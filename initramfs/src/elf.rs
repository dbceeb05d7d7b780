//! What is asked of ELF files: which processor they are for, and whether the device binary needs a dynamic linker.

use drydock_architecture::Architecture;

const PT_INTERP: u32 = 3;

/// Accepts a static ELF executable of either word size (little-endian).
///
/// # Errors
/// A sentence on what is wrong with it.
pub(crate) fn check_static(file: &[u8]) -> Result<(), String> {
    match is_static(file) {
        Some(true) => Ok(()),
        Some(false) => Err("needs a dynamic linker, which the initramfs does not have; build it with \
                            RUSTFLAGS=\"-C target-feature=+crt-static\""
            .into()),
        None => Err("is not an ELF executable for a little-endian machine".into()),
    }
}

/// Returns the processor that a little-endian ELF file of any kind is for, as its header names it (`e_machine`), or `None`
/// where there is no such header.
pub(crate) fn machine(file: &[u8]) -> Option<u16> {
    let header = file.starts_with(b"\x7fELF") && matches!(file.get(4..6)?, [1 | 2, 1]);
    let field = file.get(18..20).filter(|_| header)?;
    // 0 is no machine.
    Some(u16::from_le_bytes(field.try_into().ok()?)).filter(|&machine| machine != 0)
}

/// Returns what people call this processor.
pub(crate) fn machine_name(machine: u16) -> String {
    match Architecture::of_elf_machine(machine) {
        Some(architecture) => architecture.to_string(),
        None => format!("another processor (ELF machine {machine})"),
    }
}

fn is_static(file: &[u8]) -> Option<bool> {
    let number = |at: usize, bytes: usize| {
        let field = file.get(at..at.checked_add(bytes)?)?;
        Some(field.iter().rev().fold(0u64, |value, &byte| value << 8 | u64::from(byte)))
    };
    let (wide, little) = (number(4, 1)?, number(5, 1)?);
    if !file.starts_with(b"\x7fELF") || little != 1 {
        return None;
    }
    // e_phoff, e_phentsize, e_phnum
    let (table, entry, count) = match wide {
        1 => (number(28, 4)?, number(42, 2)?, number(44, 2)?),
        2 => (number(32, 8)?, number(54, 2)?, number(56, 2)?),
        _ => return None,
    };
    for index in 0..count {
        let at = table.checked_add(entry * index)?;
        if number(usize::try_from(at).ok()?, 4)? == u64::from(PT_INTERP) {
            return Some(false);
        }
    }
    Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elf(wide: bool, segment: u8) -> Vec<u8> {
        let mut file = vec![0; 128];
        file[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 1 + u8::from(wide), 1]);
        let (table, entry, count) = if wide { (32, 54, 56) } else { (28, 42, 44) };
        (file[table], file[entry], file[count]) = (64, 32, 2);
        file[96] = segment;
        file
    }

    #[test]
    fn a_dynamic_binary_is_refused() {
        for wide in [false, true] {
            assert_eq!(check_static(&elf(wide, 1)), Ok(()));
            assert!(check_static(&elf(wide, 3)).unwrap_err().contains("dynamic linker"));
            assert!(check_static(&elf(wide, 1)[..90]).unwrap_err().contains("not an ELF"));
        }
        assert!(check_static(b"#!/bin/sh\n").is_err());
    }

    #[test]
    fn a_file_tells_its_processor_if_it_has_a_header() {
        let mut file = elf(true, 1);
        assert_eq!(machine(&file), None);
        let known = Architecture::REFERENCE;
        file[18] = known.elf_machine() as u8;
        assert_eq!(machine(&file).map(machine_name), Some(known.to_string()));
        assert_eq!(machine_name(8), "another processor (ELF machine 8)");
        assert_eq!(machine(&file[..19]), None);
        assert_eq!(machine(b"\x7fELF kernel/md/dm-mod.ko"), None);
    }
}
