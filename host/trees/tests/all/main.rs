//! Images of one varied tree, made by the real tools and read back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod damaged;
mod erofs;
mod ext;
mod source;
mod squashfs;
