//! GRUB: one file with the script's variables, which the script counts down itself.

mod env;

pub use env::{ENV_SIZE, decode_env, encode_env};

use super::{Bootloader, Observed, Wanted, fat, variables};
use crate::error::Error as StateError;
use drydock_block::{BlockDevice, Error, Flush, read_vec};

const WHAT: &str = "boot environment";

/// GRUB's environment on its partition: the file `grubenv` in the root folder of a FAT filesystem.
///
/// Only the one sector that holds the file is ever written; the filesystem is never mounted.
#[derive(Debug)]
pub struct Grub<D> {
    device: D,
    offset: u64,
}

impl<D: BlockDevice> Grub<D> {
    /// Finds the file. Fails if it is missing, not 512 bytes long, or not within one sector.
    pub fn open(device: D) -> Result<Self, StateError> {
        let file = fat::find(&device, b"GRUBENV    ")?;
        if file.len as usize != ENV_SIZE {
            let why = format!("the file has {} bytes instead of {ENV_SIZE}", file.len);
            return Err(Error::Damaged { what: WHAT, why }.into());
        }
        let sector = u64::from(device.sector_size().bytes());
        if file.offset % sector + ENV_SIZE as u64 > sector {
            let why = "the file does not lie in one sector".into();
            return Err(Error::Damaged { what: WHAT, why }.into());
        }
        Ok(Self { device, offset: file.offset })
    }
}

impl<D: BlockDevice> Bootloader for Grub<D> {
    fn most_starts(&self) -> u8 {
        variables::MOST_STARTS
    }

    fn observe(&self) -> Result<Observed, StateError> {
        let block = read_vec(&self.device, self.offset, ENV_SIZE)
            .map_err(|source| Error::Read { what: WHAT, source })?;
        Ok(decode_env(&block)?)
    }

    fn want(&self, wanted: &Wanted) -> Result<(), StateError> {
        let block = encode_env(wanted);
        let write_error = |source| Error::Write { what: WHAT, source };
        let read_error = |source| Error::Read { what: WHAT, source };
        let sector_size = self.device.sector_size();
        let start = sector_size.round_down(self.offset);
        let within = (self.offset - start) as usize;
        let mut sector = vec![0; sector_size.as_usize()];
        self.device.read_at(start, &mut sector).map_err(read_error)?;
        sector[within..within + ENV_SIZE].copy_from_slice(&block);
        self.device.write_at(start, &sector).map_err(write_error)?;
        self.device.flush(Flush::BootEnvironment).map_err(write_error)?;
        self.device.drop_caches().map_err(read_error)?;
        let mut back = vec![0; sector.len()];
        self.device.read_at(start, &mut back).map_err(read_error)?;
        if back == sector { Ok(()) } else { Err(Error::ReadBack { what: WHAT }.into()) }
    }
}
