//! Unified kernel images: a stub, and behind it what it is to start. UAPI Group, "Unified Kernel Image (UKI)".

use super::pe::{Pe, Section};
use super::stub::Stub;
use drydock_architecture::Architecture;

/// What an image is made of: the bytes of each.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// systemd's stub or EFI Boot Guard's.
    pub stub: &'a [u8],
    /// The kernel, an EFI program itself (`CONFIG_EFI_STUB`).
    pub kernel: &'a [u8],
    /// The initramfs.
    pub initramfs: &'a [u8],
    /// The command line.
    pub command_line: &'a str,
    /// The system's `os-release`, by which systemd-boot names and sorts images; it passes over one without.
    pub os_release: Option<&'a [u8]>,
    /// The kernel's version, as `uname -r` says it.
    pub uname: Option<&'a str>,
    /// The processor of the device.
    pub architecture: Architecture,
}

/// Why no image can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The stub is at fault; the rest of a sentence.
    Stub(String),
    /// The kernel is.
    Kernel(String),
    /// The image would be larger than 4 GiB.
    TooLarge,
}

/// What memory is given out in, and what sections begin at at least.
const PAGE: u32 = 4096;

/// Makes an image. The same parts give the same bytes.
///
/// # Errors
/// Stub or kernel are not what they should be, or for different processors; the stub's headers have no room for more sections.
pub fn make(parts: &Parts<'_>) -> Result<Vec<u8>, Wrong> {
    let mut pe = Pe::read(parts.stub).map_err(Wrong::Stub)?;
    let stub = Stub::of(parts.stub, &pe).ok_or_else(|| {
        Wrong::Stub(
            "is neither systemd's stub (Debian's package systemd-boot-efi) nor EFI Boot Guard's (package efibootguard)".into(),
        )
    })?;
    let not_ours = |pe: &Pe| {
        let other = pe.architecture() != Some(parts.architecture);
        other.then(|| format!("is for {}, the device is {}", pe.machine_name(), parts.architecture))
    };
    not_ours(&pe).map_or(Ok(()), |why| Err(Wrong::Stub(why)))?;
    let kernel = Pe::read(parts.kernel).map_err(|why| {
        Wrong::Kernel(format!("{why}; it must be built with CONFIG_EFI_STUB, and not be packed once more"))
    })?;
    not_ours(&kernel).map_or(Ok(()), |why| Err(Wrong::Kernel(why)))?;

    let line = stub.command_line(parts.command_line);
    // The kernel is last, because one that unpacks itself in place may use what is behind it.
    let all: [(&str, Option<&[u8]>); 5] = [
        (".osrel", parts.os_release),
        (".cmdline", Some(&line)),
        (".uname", parts.uname.map(str::as_bytes)),
        (".initrd", Some(parts.initramfs)),
        (stub.kernel_section(), Some(parts.kernel)),
    ];
    let added: Vec<_> = all.into_iter().filter_map(|(name, content)| Some((name, content?))).collect();
    if let Some((name, _)) = all.iter().find(|(name, _)| pe.sections.iter().any(|one| one.is_called(name))) {
        return Err(Wrong::Stub(format!("has a section {name} already; take the bare stub")));
    }
    if added.len() > pe.room() {
        let why =
            format!("has room for {} more sections in its headers, {} are needed", pe.room(), added.len());
        return Err(Wrong::Stub(why));
    }
    // A signature of the stub says nothing of the image, and symbols are for nobody.
    pe.certificates = (0, 0);
    let mut file = parts.stub[..pe.end() as usize].to_vec();
    if stub.runs_in_place() {
        pe.section_alignment = pe.section_alignment.max(kernel.section_alignment);
    }
    for (name, content) in added {
        let in_memory = match name == stub.kernel_section() && stub.runs_in_place() {
            true => kernel.size_of_image,
            false => 0,
        };
        append(&mut pe, &mut file, name, content, in_memory).ok_or(Wrong::TooLarge)?;
    }
    pe.write(&mut file);
    Ok(file)
}

/// Adds a section behind all others, in the file and in memory. Returns `None` where one of the two has no room for it.
fn append(pe: &mut Pe, file: &mut Vec<u8>, name: &str, content: &[u8], least: u32) -> Option<()> {
    let alignment = pe.section_alignment.max(PAGE);
    let ends = pe.sections.iter().map(|one| one.address.checked_add(one.size.max(one.file_size)));
    let end = ends.chain([Some(pe.size_of_headers)]).try_fold(0, |end, one| Some(one?.max(end)))?;
    let mut padded = [0; 8];
    padded.get_mut(..name.len())?.copy_from_slice(name.as_bytes());
    file.resize(file.len().next_multiple_of(pe.file_alignment as usize), 0);
    let file_at = u32::try_from(file.len()).ok()?;
    file.extend_from_slice(content);
    file.resize(file.len().next_multiple_of(pe.file_alignment as usize), 0);
    let file_size = u32::try_from(file.len()).ok()? - file_at;
    let section = Section {
        name: padded,
        address: end.checked_next_multiple_of(alignment)?,
        size: u32::try_from(content.len()).ok()?.max(least),
        file_at,
        file_size,
        characteristics: Section::DATA,
    };
    let end = section.address.checked_add(section.size.max(file_size))?;
    pe.size_of_image = end.checked_next_multiple_of(alignment)?;
    pe.size_of_initialized_data = pe.size_of_initialized_data.checked_add(file_size)?;
    pe.sections.push(section);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::efi::stub::tests::program;

    fn stub() -> Vec<u8> {
        // Debian's stub is followed by symbols.
        let stub = program(&[(".text", 0x1000, &[1; 600]), (".sdmagic", 0x2100, b"#### LoaderInfo ####")]);
        [stub, vec![0x53; 77]].concat()
    }

    fn kernel() -> Vec<u8> {
        program(&[(".text", 0x1000, &[7; 9000])])
    }

    fn parts<'a>(stub: &'a [u8], kernel: &'a [u8]) -> Parts<'a> {
        Parts {
            stub,
            kernel,
            initramfs: b"initramfs",
            command_line: "drydock.set=a --",
            os_release: Some(b"ID=test\n"),
            uname: Some("6.1.0"),
            architecture: Architecture::REFERENCE,
        }
    }

    /// Names, places in memory and contents, as a loader finds them.
    fn sections(image: &[u8]) -> Vec<(String, u32, Vec<u8>)> {
        let pe = Pe::read(image).unwrap();
        let look = |one: &Section| {
            let name = String::from_utf8_lossy(&one.name).trim_end_matches('\0').to_owned();
            let in_file = &image[one.file_at as usize..][..one.file_size as usize];
            let mut content = in_file[..in_file.len().min(one.size as usize)].to_vec();
            content.resize(one.size as usize, 0);
            (name, one.address, content)
        };
        pe.sections.iter().map(look).collect()
    }

    #[test]
    fn a_stub_keeps_its_sections_and_gets_the_parts_behind_them() {
        let (stub, kernel) = (stub(), kernel());
        let image = make(&parts(&stub, &kernel)).unwrap();
        assert!(make(&parts(&stub, &kernel)).unwrap() == image, "the same parts, other bytes");
        let found = sections(&image);
        assert_eq!(found[..2], sections(&stub)[..]);
        let names: Vec<_> = found.iter().map(|(name, ..)| name.as_str()).collect();
        assert_eq!(names, [".text", ".sdmagic", ".osrel", ".cmdline", ".uname", ".initrd", ".linux"]);
        let contents: Vec<_> = found[2..].iter().map(|(.., content)| &content[..]).collect();
        assert_eq!(contents, [b"ID=test\n", &b"drydock.set=a --"[..], b"6.1.0", b"initramfs", &kernel]);
        let pe = Pe::read(&image).unwrap();
        for pair in pe.sections.windows(2) {
            assert!(pair[0].address + pair[0].size.max(pair[0].file_size) <= pair[1].address, "{pair:?}");
            assert!(
                pair[1].file_at.is_multiple_of(0x200)
                    && pair[0].file_at + pair[0].file_size == pair[1].file_at
            );
        }
        assert!(pe.sections[2..].iter().all(|one| one.address.is_multiple_of(0x1000)));
        let last = pe.sections.last().unwrap();
        assert!(pe.size_of_image >= last.address + last.size && pe.size_of_image.is_multiple_of(0x1000));
        assert_eq!(pe.end() as usize, image.len());
    }

    #[test]
    fn efi_boot_guards_stub_gets_utf16_and_a_kernel_with_room_to_run_in() {
        let name: Vec<u8> =
            "Unified kernel stub (EFI Boot Guard 0.13)".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let (stub, kernel) = (program(&[(".text", 0x1000, &name)]), kernel());
        let parts = Parts { os_release: None, uname: None, ..parts(&stub, &kernel) };
        let found = sections(&make(&parts).unwrap());
        let names: Vec<_> = found.iter().map(|(name, ..)| name.as_str()).collect();
        assert_eq!(names, [".text", ".cmdline", ".initrd", ".kernel"]);
        let line: Vec<u8> = "drydock.set=a --\0".bytes().flat_map(|byte| [byte, 0]).collect();
        assert_eq!(found[1].2, line);
        assert_eq!(found[3].2.len(), 0x10000, "the kernel's own size in memory");
    }

    #[test]
    fn what_is_no_stub_or_no_kernel_is_refused_with_the_reason() {
        let (stub, kernel) = (stub(), kernel());
        let why = |parts: &Parts<'_>| match make(parts).unwrap_err() {
            Wrong::Stub(why) | Wrong::Kernel(why) => why,
            Wrong::TooLarge => "too large".into(),
        };
        assert!(why(&parts(&kernel, &kernel)).contains("is neither systemd's stub"));
        assert!(why(&parts(b"MZ", &kernel)).contains("is no EFI program"));
        assert!(why(&parts(&stub, b"\x1f\x8b packed")).contains("CONFIG_EFI_STUB"));
        let image = make(&parts(&stub, &kernel)).unwrap();
        assert!(why(&parts(&image, &kernel)).contains("has a section .osrel already"));
        let device = Architecture::REFERENCE;
        let other = Architecture::ALL.into_iter().find(|one| *one != device).unwrap();
        let for_other = |file: &[u8]| {
            let mut file = file.to_vec();
            file[0x44..0x46].copy_from_slice(&other.efi_machine().to_le_bytes());
            file
        };
        let told = format!("is for {other}, the device is {device}");
        assert_eq!(why(&parts(&stub, &for_other(&kernel))), told);
        assert_eq!(why(&parts(&for_other(&stub), &kernel)), told);
        let mut full = stub.clone();
        // Headers that end where the table has room for one more.
        full[0x58 + 60..0x58 + 64].copy_from_slice(&(0x58 + 240 + 3 * 40u32).to_le_bytes());
        assert_eq!(why(&parts(&full, &kernel)), "has room for 1 more sections in its headers, 5 are needed");
    }
}
