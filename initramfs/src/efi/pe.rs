//! The headers of EFI programs: PE32+ files. Microsoft's "PE Format"; UEFI Specification 2.10, section 2.1.1.

use drydock_architecture::Architecture;

/// The fields of the optional header that are asked for or changed, in bytes from its beginning.
const SIZE_OF_INITIALIZED_DATA: usize = 8;
const SECTION_ALIGNMENT: usize = 32;
const FILE_ALIGNMENT: usize = 36;
const SIZE_OF_IMAGE: usize = 56;
const SIZE_OF_HEADERS: usize = 60;
const CHECKSUM: usize = 64;
const NUMBER_OF_DIRECTORIES: usize = 108;
/// The fifth data directory, which says where the signatures are.
const CERTIFICATES: usize = 112 + 4 * 8;
/// The part of the optional header that all of these are in.
const LEAST_OPTIONAL_HEADER: usize = CERTIFICATES + 8;
/// The file header with its signature, and an entry of the section table.
const FILE_HEADER: usize = 24;
/// An entry of the section table, in bytes.
pub(crate) const SECTION_HEADER: usize = 40;

/// A section, as its entry in the table says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    /// Its name, padded with zeros.
    pub(crate) name: [u8; 8],
    /// Where it is in memory, from the image's beginning, in bytes.
    pub(crate) address: u32,
    /// What it takes there, in bytes; beyond what the file has it is zeros.
    pub(crate) size: u32,
    /// Where it is in the file.
    pub(crate) file_at: u32,
    /// What it takes there, in bytes.
    pub(crate) file_size: u32,
    /// What kind of section it is.
    pub(crate) characteristics: u32,
}

impl Section {
    /// Initialised data that can be read.
    pub(crate) const DATA: u32 = 0x4000_0040;

    fn read(entry: &[u8]) -> Option<Self> {
        let name = entry.get(..8)?.try_into().ok()?;
        let [size, address, file_size, file_at] = [8, 12, 16, 20].map(|at| u32_at(entry, at));
        Some(Self {
            name,
            address: address?,
            size: size?,
            file_at: file_at?,
            file_size: file_size?,
            characteristics: u32_at(entry, 36)?,
        })
    }

    /// Its entry in the table.
    pub(crate) fn entry(&self) -> [u8; SECTION_HEADER] {
        let mut entry = [0; SECTION_HEADER];
        entry[..8].copy_from_slice(&self.name);
        for (at, value) in [
            (8, self.size),
            (12, self.address),
            (16, self.file_size),
            (20, self.file_at),
            (36, self.characteristics),
        ] {
            entry[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        entry
    }

    /// Whether it is called that.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.name.iter().copied().take_while(|&byte| byte != 0).eq(name.bytes())
    }
}

/// What the headers of an EFI program say. Everything that they point at has been found to be inside the file.
#[derive(Clone, Debug)]
pub(crate) struct Pe {
    /// The processor's number.
    pub(crate) machine: u16,
    /// What the addresses of sections are multiples of.
    pub(crate) section_alignment: u32,
    /// What the places of sections in the file are multiples of.
    pub(crate) file_alignment: u32,
    /// What the whole takes in memory.
    pub(crate) size_of_image: u32,
    /// What the headers take in the file.
    pub(crate) size_of_headers: u32,
    /// Initialised data, in bytes.
    pub(crate) size_of_initialized_data: u32,
    /// The sections, in the table's order.
    pub(crate) sections: Vec<Section>,
    /// Where the signatures are in the file, and their size; zeros without any.
    pub(crate) certificates: (u32, u32),
    file_header: usize,
    optional_header: usize,
    section_table: usize,
}

impl Pe {
    /// Reads the headers of an EFI program.
    ///
    /// # Errors
    /// What is wrong with it, as the rest of a sentence.
    pub(crate) fn read(file: &[u8]) -> Result<Self, String> {
        Self::parse(file)
            .ok_or_else(|| "is no EFI program for a processor of 64 bits, or is cut off".to_owned())
    }

    fn parse(file: &[u8]) -> Option<Self> {
        let file_header = usize::try_from(u32_at(file, 0x3c)?).ok()?;
        if !file.starts_with(b"MZ") || file.get(file_header..)?.get(..4)? != b"PE\0\0" {
            return None;
        }
        let machine = u16_at(file, file_header.checked_add(4)?)?;
        let count = usize::from(u16_at(file, file_header + 6)?);
        let optional_header = file_header.checked_add(FILE_HEADER)?;
        let size = usize::from(u16_at(file, file_header + 20)?);
        let section_table = optional_header.checked_add(size)?;
        let header = file.get(optional_header..section_table)?;
        // PE32+ with the directory of signatures.
        if size < LEAST_OPTIONAL_HEADER
            || u16_at(header, 0)? != 0x20b
            || u32_at(header, NUMBER_OF_DIRECTORIES)? < 5
        {
            return None;
        }
        let table = file.get(section_table..)?.get(..count * SECTION_HEADER)?;
        let sections: Vec<_> = table.chunks_exact(SECTION_HEADER).map_while(Section::read).collect();
        let read = Self {
            machine,
            section_alignment: u32_at(header, SECTION_ALIGNMENT)?,
            file_alignment: u32_at(header, FILE_ALIGNMENT)?,
            size_of_image: u32_at(header, SIZE_OF_IMAGE)?,
            size_of_headers: u32_at(header, SIZE_OF_HEADERS)?,
            size_of_initialized_data: u32_at(header, SIZE_OF_INITIALIZED_DATA)?,
            sections,
            certificates: (u32_at(header, CERTIFICATES)?, u32_at(header, CERTIFICATES + 4)?),
            file_header,
            optional_header,
            section_table,
        };
        read.is_inside(file.len()).then_some(read)
    }

    /// Whether everything that the headers name is in a file of this length.
    fn is_inside(&self, length: usize) -> bool {
        let inside = |at: u32, size: u32| u64::from(at) + u64::from(size) <= length as u64;
        let table_end = self.section_table + self.sections.len() * SECTION_HEADER;
        self.section_alignment.is_power_of_two()
            && self.file_alignment.is_power_of_two()
            && table_end as u64 <= u64::from(self.size_of_headers)
            && inside(self.size_of_headers, 0)
            && self.sections.iter().all(|one| one.file_size == 0 || inside(one.file_at, one.file_size))
            && self.sections.iter().all(|one| one.address.checked_add(one.size).is_some())
            && inside(self.certificates.0, self.certificates.1)
    }

    /// The processor, where it is a known one.
    pub(crate) fn architecture(&self) -> Option<Architecture> {
        Architecture::of_efi_machine(self.machine)
    }

    /// What people call the processor.
    pub(crate) fn machine_name(&self) -> String {
        match self.architecture() {
            Some(architecture) => architecture.to_string(),
            None => format!("another processor (PE machine {:#x})", self.machine),
        }
    }

    /// Where the file has the last byte of a section or of the headers, and one more.
    pub(crate) fn end(&self) -> u32 {
        let ends = self.sections.iter().filter(|one| one.file_size > 0);
        // Inside of the file, so no sum is too large.
        ends.map(|one| one.file_at + one.file_size).fold(self.size_of_headers, u32::max)
    }

    /// How many more sections the table has room for: up to the first section, and within what counts as headers.
    pub(crate) fn room(&self) -> usize {
        let places = self.sections.iter().filter(|one| one.file_size > 0).map(|one| one.file_at);
        let end = places.fold(self.size_of_headers, u32::min) as usize;
        (end.saturating_sub(self.section_table) / SECTION_HEADER).saturating_sub(self.sections.len())
    }

    /// Where the file has its checksum, of four bytes, which no signature covers.
    pub(crate) fn checksum_at(&self) -> usize {
        self.optional_header + CHECKSUM
    }

    /// Where the file says where its signatures are, in eight bytes, which no signature covers.
    pub(crate) fn certificates_at(&self) -> usize {
        self.optional_header + CERTIFICATES
    }

    /// Writes where the signatures are into the file. Its checksum, which no firmware looks at, becomes 0.
    pub(crate) fn write_certificates(&self, file: &mut [u8]) {
        let (at, size) = self.certificates;
        for (place, value) in
            [(self.checksum_at(), 0), (self.certificates_at(), at), (self.certificates_at() + 4, size)]
        {
            file[place..place + 4].copy_from_slice(&value.to_le_bytes());
        }
    }

    /// Writes what can be changed of the headers into the file that they were read from. Checksum and symbol table, which no
    /// firmware looks at, become 0.
    pub(crate) fn write(&self, file: &mut [u8]) {
        let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
        put(self.file_header + 6, &(self.sections.len() as u16).to_le_bytes());
        put(self.file_header + 12, &[0; 8]);
        for (at, value) in [
            (SIZE_OF_INITIALIZED_DATA, self.size_of_initialized_data),
            (SECTION_ALIGNMENT, self.section_alignment),
            (SIZE_OF_IMAGE, self.size_of_image),
        ] {
            put(self.optional_header + at, &value.to_le_bytes());
        }
        for (n, section) in self.sections.iter().enumerate() {
            put(self.section_table + n * SECTION_HEADER, &section.entry());
        }
        self.write_certificates(file);
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::efi::stub::tests::program;
    use proptest::prelude::*;

    #[test]
    fn a_program_is_read_and_written_back_the_same() {
        let file = program(&[(".text", 0x1000, &[1; 600]), (".data", 0x3000, &[2; 10])]);
        let read = Pe::read(&file).unwrap();
        assert_eq!(read.architecture(), Some(Architecture::REFERENCE));
        assert!(read.sections[0].is_called(".text") && !read.sections[0].is_called(".tex"));
        assert_eq!((read.sections[0].address, read.sections[1].size, read.room()), (0x1000, 10, 15));
        assert_eq!(read.end() as usize, file.len());
        let mut again = file.clone();
        read.write(&mut again);
        assert!(again == file);
    }

    #[test]
    fn what_points_out_of_the_file_is_refused() {
        let file = program(&[(".text", 0x1000, &[1; 600])]);
        let at = Pe::read(&file).unwrap().section_table;
        let headers = Pe::read(&file).unwrap().optional_header;
        for (place, value) in [
            (at + 20, 0xffff_fff0u32),
            (at + 16, 0x1_0000),
            (at + 12, 0xffff_ffff),
            (headers + CERTIFICATES, 0xffff_ffff),
            (headers + SIZE_OF_HEADERS, 0x10),
            (headers + SIZE_OF_HEADERS, 0xffff_ffff),
            (headers + SECTION_ALIGNMENT, 0),
            (headers + FILE_ALIGNMENT, 3),
            (0x3c, 0xffff_ffff),
        ] {
            let mut bad = file.clone();
            bad[place..place + 4].copy_from_slice(&value.to_le_bytes());
            assert!(Pe::read(&bad).is_err(), "{value:#x} at {place:#x}");
        }
        for length in 0..file.len() {
            assert!(Pe::read(&file[..length]).is_err(), "{length} bytes");
        }
    }

    proptest! {
        #[test]
        fn any_headers_are_survived(at in 0usize..0x400, bytes in prop::collection::vec(any::<u8>(), 0..16)) {
            let mut file = program(&[(".text", 0x1000, &[1; 600])]);
            let end = (at + bytes.len()).min(file.len());
            file[at..end].copy_from_slice(&bytes[..end - at]);
            if let Ok(read) = Pe::read(&file) {
                let _ = (read.end(), read.room(), read.machine_name());
                read.write(&mut file);
            }
        }
    }
}
