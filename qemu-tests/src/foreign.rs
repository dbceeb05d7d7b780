//! The small system on another processor.

use crate::{ARCHITECTURE, small_config};
use drydock_architecture::Architecture;

/// The small system's configuration for a device with this processor and bootloader: the modules of its kernel, its console, and
/// room for kernels that are not packed. `more` is put in as sections of their own.
pub fn foreign_config(architecture: Architecture, bootloader: &str, more: &str) -> String {
    let (usual, machine) = (ARCHITECTURE.machine(), architecture.machine());
    let quoted =
        |modules: &[&str]| modules.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
    let layout =
        format!("{more}\n\n[layout]\narchitecture = \"{architecture}\"\nbootloader = \"{bootloader}\"\n");
    small_config(&[
        (&quoted(usual.ciphers), &quoted(machine.ciphers)),
        ("[layout]\n", &layout),
        ("disk_mib = 256\nrecovery_mib = 20\n", "disk_mib = 384\nrecovery_mib = 36\n"),
        ("boot = 20", "boot = 36"),
        (&format!("console={}", usual.console), &format!("console={}", machine.console)),
        // Of the reference device's clocks.
        (" tsc=reliable", ""),
        (" no_timer_check", ""),
    ])
}
