//! What the two environments name.

use crate::bootloader::{Mode, Wanted};
use crate::name::{CopyName, SetName};

/// What an environment starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Image {
    /// A set's.
    Set(SetName),
    /// A copy of the recovery.
    Recovery(CopyName),
}

/// What comes first, and what comes after it. With a job that is recovery, without one the set that is first. A set without
/// starts is neither. Where there is nothing else, recovery's other copy comes second.
pub fn order(wanted: &Wanted) -> [Image; 2] {
    let [recovery, last] = [wanted.copy, wanted.copy.other()].map(Image::Recovery);
    let (first, next) = (wanted.first, wanted.first.other());
    let set = match (wanted.attempts.of(first) > 0, wanted.attempts.of(next) > 0) {
        (true, true) => [Some(first), Some(next)],
        (true, false) => [Some(first), None],
        (false, true) => [Some(next), None],
        (false, false) => [None, None],
    };
    let job = wanted.mode == Mode::Recovery && wanted.attempts.recovery > 0;
    match (job, set) {
        (true, [set, _]) => [recovery, set.map_or(last, Image::Set)],
        (false, [Some(set), next]) => [Image::Set(set), next.map_or(recovery, Image::Set)],
        (false, [None, _]) => [recovery, last],
    }
}

/// Where images lie: on the FAT in their slot, whose file `EFILABEL` has the partition's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// What the partitions of boot slots are called, without `-a` and `-b`.
    pub boot: String,
    /// What those of the recovery's copies are called.
    pub recovery: String,
}

impl Names {
    /// The unified kernel image on each of them.
    pub const FILE: &str = "drydock.efi";

    /// Returns what EFI Boot Guard is told to start.
    pub fn of(&self, image: Image) -> String {
        format!("C:{}:{}", self.label(image), Self::FILE)
    }

    /// Returns the label of the partition that an image lies on.
    pub fn label(&self, image: Image) -> String {
        match image {
            Image::Set(set) => set.label(&self.boot),
            Image::Recovery(copy) => copy.label(&self.recovery),
        }
    }
}
