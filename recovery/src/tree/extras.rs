//! Extended attributes of an open file.

use crate::sys;
use drydock_tree::Extra;
use nix::errno::Errno;
use std::ffi::CString;
use std::io;
use std::os::fd::OwnedFd;

/// Reads all of them, by their names.
pub(super) fn read(file: &OwnedFd) -> io::Result<Vec<Extra>> {
    let mut extras = Vec::new();
    for name in names(file)? {
        let value = match sys::get_xattr(file, &name) {
            // Somebody has just taken it away.
            Err(error) if error.raw_os_error() == Some(nix::libc::ENODATA) => continue,
            value => value?,
        };
        extras.push(Extra { name: name.into_bytes(), value });
    }
    extras.sort_unstable();
    Ok(extras)
}

/// Gives a file these, and takes away those that are the owner's, or say who may do what, and are not among them.
pub(super) fn write(file: &OwnedFd, wanted: &[Extra]) -> io::Result<()> {
    for name in names(file)? {
        let extra = Extra { name: name.as_bytes().to_vec(), value: Vec::new() };
        if extra.is_owned() && !wanted.iter().any(|wanted| wanted.name == extra.name) {
            sys::remove_xattr(file, &name)?;
        }
    }
    for Extra { name, value } in wanted {
        let name = CString::new(name.as_slice()).map_err(|_| Errno::EINVAL)?;
        sys::set_xattr(file, &name, value)?;
    }
    Ok(())
}

fn names(file: &OwnedFd) -> io::Result<Vec<CString>> {
    let list = sys::list_xattrs(file)?;
    Ok(list.split(|byte| *byte == 0).filter(|name| !name.is_empty()).flat_map(CString::new).collect())
}
