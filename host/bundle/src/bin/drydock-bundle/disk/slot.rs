//! What goes into a slot: image, hash tree, trailer.

use super::canvas::Part;
use super::content::RawImage;
use super::failed::{file, input};
use crate::unpack::unpack;
use drydock_block::BlockDevice;
use drydock_bundle::Error;
use drydock_format::Bundle;
use drydock_format::trailer::{self, Trailer};
use drydock_format::tree::{GROUP, Hasher};
use indicatif::ProgressBar;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Writes an image of the bundle to one slot or several, proving every group on the way.
pub(super) fn write(
    bundle: &Bundle,
    name: &str,
    targets: &[Part],
    disk: &Path,
    bar: &ProgressBar,
) -> Result<(), Error> {
    let reader = bundle.image(name)?;
    let hasher = Hasher::new(&reader.image().salt);
    let (mut at, mut leaves) = (0, Vec::new());
    unpack(&reader, bar, |data| {
        for group in data.chunks(GROUP) {
            leaves.extend(hasher.leaf_block(group));
        }
        put(targets, at, &data, disk)?;
        at += data.len() as u64;
        Ok(())
    })?;
    put(targets, at, &[reader.groups(), &leaves].concat(), disk)?;
    let trailer = Trailer {
        manifest: bundle.manifest_bytes().to_vec(),
        signatures: bundle.signature_bytes().to_vec(),
        image: name.to_owned(),
    };
    targets.iter().try_for_each(|slot| trailer::write(slot, &trailer)).map_err(input("a slot's trailer"))
}

/// Copies an image that is not the bundle's. Without a signature there is no trailer.
pub(super) fn copy(raw: &RawImage, targets: &[Part], disk: &Path) -> Result<(), Error> {
    let mut at = 0;
    while at < raw.size {
        let len = (raw.size - at).min(1 << 20) as usize;
        let mut data = vec![0; len];
        raw.file.read_exact_at(&mut data, at).map_err(file("reading", &raw.path))?;
        data.resize(len.next_multiple_of(4096), 0);
        put(targets, at, &data, disk)?;
        at += len as u64;
    }
    Ok(())
}

/// Writes zeros like any other bytes: every block of an image and its tree is read again on the device.
fn put(targets: &[Part], offset: u64, data: &[u8], disk: &Path) -> Result<(), Error> {
    targets.iter().try_for_each(|slot| slot.write_at(offset, data)).map_err(file("writing", disk))
}
