//! JSON as the types that it stands for, with little code for each type.
//!
//! `serde_json` reads a type right from the text, and for each struct it brings code for its fields in an object and once
//! more for its fields in an array, with the parser in between. Here the text becomes a [`Value`] first, and a struct is an
//! object and nothing else: that is half the code, which counts on a device.

#![forbid(unsafe_code)]

mod read;

use serde::de::{Deserialize, DeserializeOwned};
use serde_json::{Error, Value};

/// Reads one JSON text. A key that an object names twice has its last value. An error says what is wrong with the text, or what
/// does not fit the type.
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    from_value(&serde_json::from_slice::<Value>(bytes)?)
}

/// Reads what a text has become. An error says what does not fit the type.
pub fn from_value<'v, T: Deserialize<'v>>(value: &'v Value) -> Result<T, Error> {
    T::deserialize(read::Read(value))
}

#[cfg(test)]
mod tests;
