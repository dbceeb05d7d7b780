//! Trees of files and layers of roots: cut at every write, rename and flush of an update, of the removal of an old tree, of a
//! rollback and of a factory reset, on a filesystem that keeps only what was flushed. After each cut the device comes up with a
//! set whose tree, and whose layer, is exactly that set's.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod carry;
mod cuts;
mod own;
mod resets;
mod updates;
