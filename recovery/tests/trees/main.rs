//! Trees of files on a real filesystem, with real owners, permissions, capabilities, access lists and links, against the tools
//! that everybody has: `tar`, `getcap`, `setcap`, `getfacl`, `setfacl`, `getfattr`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod archives;
mod attacks;
mod common;
mod layers;
mod updates;
