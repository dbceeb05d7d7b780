//! U-Boot: its own environment, in one copy or two, which a script counts down in and saves.

mod environment;

pub use environment::{Environment, second_is_newer};

use super::variables::{MOST_STARTS, damaged};
use super::{Bootloader, Observed, Wanted};
use crate::error::Error as StateError;
use drydock_block::{BlockDevice, Error, Flush, read_vec};

const WHAT: &str = "boot environment";
/// What no board's environment is larger than, in bytes.
pub const MOST_SIZE: u32 = 1 << 20;

/// Where the environment lies on a device, as U-Boot was built for it, and as `fw_env.config` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where the first copy begins, in bytes.
    pub offset: u64,
    /// Where the second copy begins, if there are two.
    pub second: Option<u64>,
    /// The size of each copy in bytes.
    pub size: u32,
}

/// U-Boot's environment on a device.
///
/// With two copies a write goes to the one that does not count, and makes it the newer one: a cut leaves the other one. With one
/// copy a cut within the write leaves an environment that U-Boot does not believe.
#[derive(Debug)]
pub struct UBoot<D> {
    device: D,
    place: Place,
}

/// The copy that counts.
struct Newest {
    /// 0 or 1.
    index: usize,
    environment: Environment,
}

impl<D: BlockDevice> UBoot<D> {
    /// Takes the device that the environment is on. Reads nothing.
    ///
    /// # Errors
    /// [`Damaged`](Error::Damaged) if no environment can be in that place: a copy leaves the device, begins or ends within a
    /// sector, or lies over the other one.
    pub fn open(device: D, place: Place) -> Result<Self, StateError> {
        let (size, sector) = (u64::from(place.size), u64::from(device.sector_size().bytes()));
        let misplaced = |why: &str| damaged(&format!("{why}; correct [u_boot] in the configuration"));
        if size == 0 || place.size > MOST_SIZE || size % sector != 0 {
            return Err(misplaced(&format!("its size is {size} bytes, on sectors of {sector}")).into());
        }
        for offset in [Some(place.offset), place.second].into_iter().flatten() {
            if offset % sector != 0 || offset.checked_add(size).is_none_or(|end| end > device.size()) {
                let room = device.size();
                return Err(misplaced(&format!(
                    "{size} bytes at {offset} are not whole sectors of {room} bytes"
                ))
                .into());
            }
        }
        if place.second.is_some_and(|second| second.abs_diff(place.offset) < size) {
            return Err(misplaced("its two copies lie over each other").into());
        }
        Ok(Self { device, place })
    }

    /// Writes the first environment of a device, in all copies: what a workshop does. On return it is on stable storage
    /// and was read back.
    pub fn lay_out(&self, environment: &Environment) -> Result<(), StateError> {
        let copy = environment.encode(self.place.size as usize, self.is_redundant())?;
        self.offsets().into_iter().flatten().try_for_each(|offset| self.write(offset, &copy))
    }

    fn is_redundant(&self) -> bool {
        self.place.second.is_some()
    }

    fn offsets(&self) -> [Option<u64>; 2] {
        [Some(self.place.offset), self.place.second]
    }

    /// The copy that U-Boot takes. One that can't be read is as good as one with a wrong checksum to U-Boot, and so it is here,
    /// as long as the other one is whole.
    fn newest(&self) -> Result<Newest, StateError> {
        let read = |offset| {
            let copy = read_vec(&self.device, offset, self.place.size as usize)
                .map_err(|source| Error::Read { what: WHAT, source })?;
            Environment::decode(&copy, self.is_redundant())
        };
        let first = read(self.place.offset);
        let second = self.place.second.map(read);
        match (first, second) {
            (Ok(first), Some(Ok(second))) if second_is_newer(first.flag, second.flag) => {
                Ok(Newest { index: 1, environment: second })
            }
            (Ok(environment), _) => Ok(Newest { index: 0, environment }),
            (Err(_), Some(Ok(environment))) => Ok(Newest { index: 1, environment }),
            (Err(error), _) => Err(error.into()),
        }
    }

    fn write(&self, offset: u64, copy: &[u8]) -> Result<(), StateError> {
        let write_error = |source| Error::Write { what: WHAT, source };
        let read_error = |source| Error::Read { what: WHAT, source };
        self.device.write_at(offset, copy).map_err(write_error)?;
        self.device.flush(Flush::BootEnvironment).map_err(write_error)?;
        self.device.drop_caches().map_err(read_error)?;
        let back = read_vec(&self.device, offset, copy.len()).map_err(read_error)?;
        if back == copy { Ok(()) } else { Err(Error::ReadBack { what: WHAT }.into()) }
    }
}

impl<D: BlockDevice> Bootloader for UBoot<D> {
    fn most_starts(&self) -> u8 {
        MOST_STARTS
    }

    fn observe(&self) -> Result<Observed, StateError> {
        Ok(self.newest()?.environment.observed()?)
    }

    /// What the environment has beside drydock's variables is what U-Boot starts with at all. So where no copy is whole, there is
    /// nothing to begin with: U-Boot's script saves its built-in environment before it starts recovery.
    fn want(&self, wanted: &Wanted) -> Result<(), StateError> {
        let Newest { index, environment } = self.newest().map_err(|error| match error {
            StateError::Storage(Error::Damaged { why, .. }) => {
                damaged(&format!("{why}, and U-Boot's other variables are lost with it; restart the device: U-Boot's script makes it anew"))
                    .into()
            }
            other => other,
        })?;
        let offset = match self.place.second {
            Some(second) if index == 0 => second,
            _ => self.place.offset,
        };
        let copy = environment.telling(wanted).encode(self.place.size as usize, self.is_redundant())?;
        self.write(offset, &copy)
    }
}

#[cfg(test)]
mod tests;
