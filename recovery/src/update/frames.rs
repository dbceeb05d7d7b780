//! The places that frames come from.

use super::write::{Frames, Scratch};
use crate::error::Error;
use crate::machine::Device;
use drydock_block::BlockDevice;
use drydock_bundle::{Image, ImageReader};
use std::borrow::Borrow;

/// Frames out of a bundle.
pub struct BundleFrames<R>(pub R);

impl<R: Borrow<ImageReader> + Sync> Frames for BundleFrames<R> {
    fn fetch(&self, index: usize, scratch: &mut Scratch, out: &mut [u8]) -> Result<(), Error> {
        let Scratch { compressed, decoder } = scratch;
        let reader = self.0.borrow();
        reader.read_frame(index as u64, compressed)?;
        Ok(reader.unpack(decoder, index as u64, compressed, out)?)
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
}
