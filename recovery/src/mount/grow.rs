//! Growing a mounted ext4.

use crate::answer::Result;
use crate::sys;
use drydock_engine::Error;
use nix::sys::statfs::fstatfs;
use std::fs::File;
use std::path::Path;

const BLOCK_SIZE: u64 = 4096;

/// Grows a mounted filesystem to `size` bytes, in blocks of its own size. Nothing happens if it is as large already.
/// `node` is the device that it is on.
pub fn grow(mount_point: &Path, size: u64, node: &Path) -> Result<()> {
    let resize = || {
        let folder = File::open(mount_point)?;
        let block = u64::try_from(fstatfs(&folder)?.block_size()).unwrap_or(BLOCK_SIZE);
        sys::resize_ext4(&folder, size / block.max(1))
    };
    resize().map_err(Error::doing(format_args!("grow the filesystem on {} to {size} bytes", node.display())))
}
