//! drydock's side of EFI Boot Guard on real FAT filesystems, with the model of the loader at the other end: a policy's life
//! with one try and room for two choices, and every cut of a write.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cuts;
mod device;
mod files;
mod life;
