//! The drydock bundle: one signed file that carries the images of a release.
//!
//! A bundle is a POSIX tar. It opens with `tar`, `zstd`, `openssl` and `veritysetup`, can be read in one
//! pass from a pipe and at random by ranges, and proves every 512 KiB group of every image against a
//! dm-verity root hash that the manifest signs. `docs/bundle-format.md` is the format's reference, exact
//! enough for a second implementation.
//!
//! The way in is [`Bundle::open`]. Until the signatures hold it reads two tar headers, the manifest's bytes
//! and the signature lines, and parses no more than the lines; only then is the manifest taken apart
//! ([`Manifest::parse`]) and compared with the headers of the members. What a member contains is proven when
//! it is used: the group digests against the root hash ([`tree`]), each frame by its hashes once it is
//! unpacked ([`frames`]).
//!
//! Without the feature `host` this is what a device needs, and it does no I/O but through [`Source`]. With it
//! come the other direction, `create` and `keys`, files that appear whole (`new_file`), and the tool `drydock-bundle`.

#[cfg(feature = "host")]
pub mod create;
mod digest;
mod error;
pub mod frames;
mod json;
#[cfg(feature = "host")]
pub mod keys;
pub mod manifest;
mod members;
#[cfg(feature = "host")]
pub mod new_file;
mod open;
#[cfg(feature = "host")]
pub mod ordered;
#[cfg(feature = "host")]
mod pem;
pub mod signature;
pub mod slot;
pub mod source;
pub mod tar;
pub mod tree;

pub use digest::{Digest, sha256};
pub use error::{Error, FrameFault};
pub use manifest::{Image, Manifest, Pin, Salt};
pub use members::{MAX_FURTHER, Member};
pub use open::{Bundle, ImageReader, MANIFEST, SIGNATURES, Tail};
pub use signature::{KeyId, PublicKey, Trusted};
pub use source::Source;
