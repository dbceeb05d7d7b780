//! The drydock bundle: one signed file that carries the images of a release; and the slot that holds one of them.
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
//! A file may add deltas to a release that was signed before: a [supplement], with signatures of its own.
//!
//! A slot holds an image, its whole hash tree ([`slot`]) and, at its end, the signed manifest that it came with
//! ([`trailer`]).
//!
//! Nothing here does I/O but through [`ReadAt`] and [`drydock_block::BlockDevice`].

mod archive;
pub mod delta;
mod digest;
mod error;
pub mod frames;
mod head;
#[cfg(feature = "hooks")]
pub mod hook;
mod image;
pub mod json;
mod limits;
pub mod manifest;
mod members;
mod object;
mod open;
mod outline;
mod read_at;
mod salt;
pub mod signature;
pub mod slot;
pub mod supplement;
pub mod tar;
pub mod trailer;
pub mod tree;

pub use archive::{Signed, Tail};
pub use delta::Delta;
pub use digest::{Digest, KeyId, Summing, sha256};
pub use error::{Error, FrameFault};
pub use image::{Image, Pin};
pub use limits::{DELTAS, DELTAS_SIGNATURES, LEFT_OUT, MANIFEST, SIGNATURES};
pub use manifest::Manifest;
pub use members::{MAX_FURTHER, Member};
pub use open::{Bundle, ImageReader, MemberBytes};
pub use outline::Outline;
pub use read_at::ReadAt;
pub use salt::Salt;
pub use signature::{PublicKey, Trusted};
pub use supplement::Supplement;
