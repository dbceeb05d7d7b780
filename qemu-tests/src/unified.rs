//! Unified kernel images for EFI Boot Guard: one for each slot, since what a boot is for is inside of them.

use crate::paths::run;
use crate::{ARCHITECTURE, QemuError};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The slots, and what process 1 is told in each.
const SLOTS: [(&str, &str); 4] = [
    ("boot-a", "drydock.set=a"),
    ("boot-b", "drydock.set=b"),
    ("recovery-a", "drydock.recovery drydock.copy=a"),
    ("recovery-b", "drydock.recovery drydock.copy=b"),
];

/// Makes the images of a release: FATs with an image and their slot's label, in this folder. Returns the class and the file of each.
pub(crate) fn slot_images(
    folder: &Path,
    vmlinuz: &Path,
    initramfs: &Path,
    cmdline: &str,
) -> Result<Vec<(&'static str, PathBuf)>, QemuError> {
    let stub = ARCHITECTURE.efi_boot_guard_stub();
    let make = |(slot, told): (&'static str, &str)| {
        let image = folder.join(format!("{slot}.fat"));
        let kernel = folder.join(format!("{slot}.efi"));
        let label = folder.join(format!("{slot}.label"));
        let utf16: Vec<u8> = slot.encode_utf16().flat_map(u16::to_le_bytes).collect();
        fs::write(&label, utf16).map_err(QemuError::io("write a slot's label"))?;
        let mut unify = Command::new("bg_gen_unified_kernel");
        unify.args(["-c", &format!("{cmdline} panic=10 {told}"), "-i"]).arg(initramfs);
        run(unify.arg(stub).arg(vmlinuz).arg(&kernel))?;
        let size = fs::metadata(&kernel).map_err(QemuError::io("measure a unified image"))?.len();
        run(Command::new("mkfs.fat").args(["-C"]).arg(&image).arg(((size >> 10) + 512).to_string()))?;
        for (file, name) in [(&kernel, "::drydock.efi"), (&label, "::EFILABEL")] {
            run(Command::new("mcopy").arg("-i").arg(&image).arg(file).arg(name))?;
        }
        Ok((slot, image))
    };
    SLOTS.into_iter().map(make).collect()
}
