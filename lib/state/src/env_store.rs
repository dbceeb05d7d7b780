use crate::bootenv::{BootEnv, SIZE};
use crate::fat;
use drydock_block::{BlockDevice, Error, Flush, read_vec};

const WHAT: &str = "boot environment";

/// The boot environment on its partition: the file `grubenv` in the root folder of a FAT filesystem.
///
/// Only the one sector that holds the file is ever written; the filesystem is never mounted.
#[derive(Debug)]
pub struct EnvStore<D> {
    device: D,
    offset: u64,
}

impl<D: BlockDevice> EnvStore<D> {
    /// Finds the file. Fails if it is missing, not 512 bytes long, or not within one sector.
    pub fn open(device: D) -> Result<Self, Error> {
        let file = fat::find(&device, b"GRUBENV    ")?;
        if file.len as usize != SIZE {
            let why = format!("the file has {} bytes instead of {SIZE}", file.len);
            return Err(Error::Damaged { what: WHAT, why });
        }
        let sector = u64::from(device.sector_size());
        if file.offset % sector + SIZE as u64 > sector {
            return Err(Error::Damaged { what: WHAT, why: "the file does not lie in one sector".into() });
        }
        Ok(Self { device, offset: file.offset })
    }

    /// Reads the environment. [`Error::Damaged`] means that the bootloader will take its defaults, too.
    pub fn read(&self) -> Result<BootEnv, Error> {
        let block =
            read_vec(&self.device, self.offset, SIZE).map_err(|source| Error::Read { what: WHAT, source })?;
        BootEnv::decode(&block)
    }

    /// Replaces the environment. On return it is on stable storage and was read back.
    pub fn write(&self, env: &BootEnv) -> Result<(), Error> {
        let block = env.encode();
        let write_error = |source| Error::Write { what: WHAT, source };
        let read_error = |source| Error::Read { what: WHAT, source };
        let sector_size = self.device.sector_size() as usize;
        let start = self.offset - self.offset % sector_size as u64;
        let within = (self.offset - start) as usize;
        let mut sector = vec![0; sector_size];
        self.device.read_at(start, &mut sector).map_err(read_error)?;
        sector[within..within + SIZE].copy_from_slice(&block);
        self.device.write_at(start, &sector).map_err(write_error)?;
        self.device.flush(Flush::BootEnvironment).map_err(write_error)?;
        self.device.drop_caches().map_err(read_error)?;
        let mut back = vec![0; sector_size];
        self.device.read_at(start, &mut back).map_err(read_error)?;
        if back == sector { Ok(()) } else { Err(Error::ReadBack { what: WHAT }) }
    }
}
