//! The places that frames come from.

use super::write::{Frames, Scratch};
use crate::error::Error;
use crate::machine::Device;
use drydock_block::BlockDevice;
use drydock_format::{Image, ImageReader};
use std::borrow::Borrow;
use std::ops::Range;

/// Frames out of a bundle.
pub struct BundleFrames<R>(pub R);

impl<R: Borrow<ImageReader> + Sync> Frames for BundleFrames<R> {
    fn fetch(&self, index: usize, scratch: &mut Scratch, out: &mut [u8]) -> Result<(), Error> {
        let Scratch { compressed, decoder } = scratch;
        let reader = self.0.borrow();
        reader.read_frame(index as u64, compressed)?;
        Ok(reader.unpack(decoder, index as u64, compressed, out)?)
    }

    fn has(&self, index: usize) -> bool {
        self.0.borrow().has_frame(index as u64)
    }

    fn places(&self, index: usize) -> Vec<Range<u64>> {
        self.0.borrow().frame_places(index as u64)
    }

    fn not_proven(&self, image: &Image, group: usize) -> Error {
        Error::NotProven {
            what: format!("image {} in the bundle", image.name),
            why: format!("its group {group} does not have its signed digest"),
            advice: "take the bundle from where it came from once more",
        }
    }
}

/// Frames out of the same class of another set.
pub struct BaseFrames {
    base: Device,
    frame_size: u64,
    label: String,
}

impl BaseFrames {
    /// The frames of a slot that holds the image already.
    pub fn new(base: Device, image: &Image, label: String) -> Self {
        Self { base, frame_size: u64::from(image.frame_size), label }
    }
}

impl Frames for BaseFrames {
    fn fetch(&self, index: usize, _scratch: &mut Scratch, out: &mut [u8]) -> Result<(), Error> {
        let read_error =
            Error::system("reading", &self.label, "check the disk; the update can be tried again");
        self.base.read_at(index as u64 * self.frame_size, out).map_err(read_error)
    }

    fn not_proven(&self, image: &Image, group: usize) -> Error {
        Error::NotProven {
            what: format!("slot {}, from where the bundle wants image {} copied,", self.label, image.name),
            why: format!("its group {group} does not have its signed digest"),
            advice: "take a bundle that carries this image itself",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Silent;
    use crate::update::write::Content;
    use drydock_block::{MemoryDevice, SectorSize};
    use drydock_format::Digest;
    use drydock_format::tree::Hasher;
    use std::sync::Arc;

    #[test]
    fn what_is_wrong_with_the_running_set_is_not_said_of_the_bundle() {
        let image = Image {
            name: "root".into(),
            class: "root".into(),
            size: 8192,
            salt: Digest([0; 32]).into(),
            root_hash: Digest([0; 32]),
            frame_size: 512 << 10,
        };
        let frames =
            BaseFrames::new(Arc::new(MemoryDevice::new(1 << 20, SectorSize::S512)), &image, "root-a".into());
        let hasher = Hasher::new(&image.salt);
        let content =
            Content { image: &image, groups: &[Digest([7; 32])], hasher, frames: &frames, delta: None };
        let said = content.prove("root", 1, &Silent, |_, _, _| Ok(())).unwrap_err().to_string();
        assert!(said.starts_with("slot root-a, from where the bundle wants image root copied,"), "{said}");
        assert!(said.ends_with("take a bundle that carries this image itself"), "{said}");
    }
}
