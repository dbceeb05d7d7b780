//! The filesystems of simulated devices: what stands for one, and what the kernel makes of one.

use crate::machine::ext4;
use drydock_block::{BlockDevice, Flush, read_vec};
use drydock_engine::files::Files;
use drydock_engine::machine::Device;
use drydock_engine::reset::archive::Entry;
use drydock_format::sha256;
use drydock_luks::{Cost, FormatOptions};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Mutex;

/// What the files that are kept consist of, in part: it must not be found on a disk in the clear.
pub const IDENTITY: &[u8; 48] = b"the identity of this pump, known to nobody else\n";
/// Begins what stands for a filesystem: then come the length and the checksum of what is in it.
const MAGIC: &[u8; 16] = b"SIMULATED FILES\n";
const AT: u64 = 4096;

/// Where the payload of `data` begins, in bytes: two headers and room for two small key slots.
pub const PAYLOAD: u64 = 320 << 10;

/// How a new volume shall be: small, and cheap to open.
pub fn format_options() -> FormatOptions {
    let cost = Cost::Pbkdf2 { iterations: 1000 };
    FormatOptions { data_offset: PAYLOAD, key_size: 32, ..FormatOptions::new(cost) }
}

/// Makes a filesystem with this in it. On return it is on stable storage.
pub fn make(device: &dyn BlockDevice, contents: &[u8]) -> io::Result<()> {
    let mut bytes = vec![0; AT as usize];
    bytes[..16].copy_from_slice(MAGIC);
    bytes[16..24].copy_from_slice(&(contents.len() as u64).to_le_bytes());
    bytes[24..56].copy_from_slice(&sha256(contents).0);
    bytes.extend(contents);
    bytes.resize(bytes.len().next_multiple_of(4096), 0);
    device.write_at(0, &bytes)?;
    device.flush(Flush::FilesystemWritten)
}

/// What is in a filesystem, if there is a whole one.
pub fn contents(device: &dyn BlockDevice) -> Option<Vec<u8>> {
    let head = read_vec(device, 0, 56).ok()?;
    let len = u64::from_le_bytes(*head[16..].first_chunk()?);
    if !head.starts_with(MAGIC) || len > device.size() - AT {
        return None;
    }
    let contents = read_vec(device, AT, len as usize).ok()?;
    (sha256(&contents).0 == head[24..56]).then_some(contents)
}

/// Why the kernel would not mount what is there, if it would not: a simulated filesystem, or an ext4.
pub fn mount(device: &dyn BlockDevice) -> Result<(), String> {
    if contents(device).is_some() {
        return Ok(());
    }
    if ext4::is_ext4(device) { ext4::mount(device) } else { Err("there is none".into()) }
}

/// A simulated filesystem that is mounted. What is put into it is there once all is flushed.
pub struct FakeFiles {
    device: Device,
    archive: Mutex<Vec<u8>>,
}

impl FakeFiles {
    /// The one on this device, which is empty.
    pub fn new(device: Device) -> Self {
        Self { device, archive: Mutex::default() }
    }
}

impl Files for FakeFiles {
    fn read(&self, _path: &Path, _limit: u64) -> io::Result<Vec<u8>> {
        Err(ErrorKind::NotFound.into())
    }
    fn make_folder(&self, _path: &Path) -> io::Result<bool> {
        Ok(false)
    }
    fn put(&self, entry: &Entry<'_>) -> io::Result<()> {
        assert!(entry.append(&mut self.archive.lock().expect("nobody has panicked")));
        Ok(())
    }
    fn rename(&self, _from: &Path, _to: &Path) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }
    fn remove(&self, _path: &Path) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }
    fn flush(&self, _path: &Path, _guard: Flush) -> io::Result<()> {
        Ok(())
    }
    fn flush_all(&self, _guard: Flush) -> io::Result<()> {
        make(&self.device, &self.archive.lock().expect("nobody has panicked"))
    }
}
