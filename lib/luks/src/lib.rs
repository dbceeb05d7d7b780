//! LUKS1 and LUKS2 in safe Rust.
//!
//! A LUKS volume is a header, an area with key slots and the encrypted payload. A key slot holds the
//! volume's key, split into 4000 stripes (so that the loss of any of them destroys it) and encrypted under
//! a key that a slow function derives from a passphrase or a key file. LUKS2 has its header twice; each
//! copy carries a checksum and a sequence number, and the newest one that is whole counts.
//!
//! - [`Volume::open`] reads and checks the headers, [`Volume::unlock`] finds the volume key.
//! - [`Unlocked::table`] renders the dm-crypt table, with the key as a reference into the kernel's keyring.
//! - [`format()`] makes a LUKS2 volume, in two steps where something must happen in between ([`new_headers`],
//!   [`write_headers`]); [`erase`] destroys all key slots of whatever is there.
//! - [`Volume::add_key`], [`Volume::change_key`] and [`Volume::destroy_slot`] change key slots so that a cut
//!   of power at any moment leaves a volume that opens.
//!
//! Headers come from a disk that anybody may have written. So ciphers and key derivation functions are on an
//! allow-list, costs are checked before they are paid, and what is not understood is refused: a volume whose segment or
//! digest is not, and of the key slots those that are not. Sources: the LUKS1 on-disk format 1.2.3, the LUKS2 on-disk
//! format 1.1.1, and the behaviour of cryptsetup 2.6.

mod af;
mod cipher;
mod error;
mod format;
mod header1;
mod header2;
mod headers;
mod json;
mod kdf;
mod keyring;
mod keyslot;
mod open;
pub mod parse;
mod seal;
mod slot;
mod slot2;
mod table;
mod wipe;

pub use cipher::Xts;
pub use error::Error;
pub use format::{FormatOptions, format, new_headers, write_headers};
pub use headers::Headers;
pub use kdf::{Cost, Limits};
pub use keyring::{KeyType, KeyringKey};
pub use open::{Unlocked, Volume};
pub use table::Table;
pub use wipe::erase;

/// A source of random bytes: the kernel's on a device, a seeded one in the simulator. It must fill the whole
/// buffer or fail.
pub type Random<'a> = &'a mut dyn FnMut(&mut [u8]) -> std::io::Result<()>;
