//! One operation, and how its end is judged.

use crate::contents::Contents;
use crate::cut::Progress;
use crate::device::SimDevice;
use drydock_state::Outcome;

/// One operation, from a device in a known state.
pub struct Operation<'f> {
    /// Its name in messages.
    pub name: &'static str,
    /// The device at its beginning.
    pub device: SimDevice<'f>,
    /// Does it.
    pub run: fn(&SimDevice),
    /// The versions that may run in the end, for what had been promised before the cut.
    pub expect: fn(&Progress) -> &'static [&'static str],
    /// What the history may tell besides the ordinary course of an update.
    pub story: &'static [Outcome],
    /// The version that runs where the cut came before any of that.
    pub unless: &'static str,
    /// Whether it stages by itself what its story tells: before that is on stable storage there is nothing to tell.
    pub stages: bool,
    /// Whether the record of state may be lost: it was at the beginning.
    pub lost: bool,
    /// Of an operation that takes long, only one state in so many gets second cuts.
    pub seldom: usize,
    /// Of an operation that writes much, only one of the many choices in so many is tried.
    pub thin: usize,
    /// The disk with what a cut had torn in the filesystem on `data`, mended.
    pub mended: Option<Contents>,
}

/// An ordinary operation.
pub fn op<'f>(
    name: &'static str,
    device: SimDevice<'f>,
    run: fn(&SimDevice),
    expect: fn(&Progress) -> &'static [&'static str],
) -> Operation<'f> {
    Operation {
        name,
        device,
        run,
        expect,
        story: &[],
        unless: "",
        stages: false,
        lost: false,
        seldom: 1,
        thin: 1,
        mended: None,
    }
}

/// Boots until the device is at rest.
pub(super) fn boot(device: &SimDevice) {
    device.run();
}

/// A factory reset leaves the slots alone.
pub(super) fn without_slots(mut device: SimDevice<'_>) -> SimDevice<'_> {
    device.config.factory_reset.restore_slots = false;
    device
}
