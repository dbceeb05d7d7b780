//! What a machine knows of itself and its surroundings.

use crate::error::Error;

/// Who reads it.
pub trait Sensors {
    /// Returns the first 4096 bytes of a file below `/sys` or `/proc`, as text without white space at its ends.
    fn attribute(&self, path: &str) -> Result<String, Error> {
        Err(nothing(path))
    }

    /// Returns the names of what is in a folder below `/sys`, in order.
    fn names(&self, folder: &str) -> Result<Vec<String>, Error> {
        Err(nothing(folder))
    }

    /// Returns whether a line of a GPIO chip, which is named by its node, is high.
    fn is_high(&self, chip: &str, _line: u32) -> Result<bool, Error> {
        Err(nothing(chip))
    }

    /// Returns how many bytes are free on the `data` volume, which is mounted.
    fn free_on_data(&self) -> Result<u64, Error> {
        Err(nothing("the data volume"))
    }
}

fn nothing(what: &str) -> Error {
    Error::Missing { what: what.into(), advice: "this machine knows nothing of its surroundings".into() }
}
