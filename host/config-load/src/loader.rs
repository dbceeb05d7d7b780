//! What must hold for the bootloader that is named, each in one arm.

use crate::names::check_label;
use crate::problems::{Problems, is_word};
use drydock_config::{Bootloader, Config, MOST_ENVIRONMENT};

/// Checks what the bootloader needs. Returns how many MiB its own partitions take.
pub(crate) fn check_loader(config: &Config, problems: &mut Problems) -> u64 {
    let layout = &config.layout;
    match layout.bootloader {
        Bootloader::GrubBios => {
            problems.unless(
                layout.architecture.grub_bios().is_some(),
                "layout.bootloader",
                format!(
                    "there is no GRUB for BIOS firmware on {}: set \"grub-efi\", or \"none\"",
                    layout.architecture
                ),
            );
            1 + 4
        }
        Bootloader::GrubEfi => 64 + 4,
        Bootloader::UBoot => {
            let (start, number) = layout.u_boot_disk.split_once(' ').unwrap_or_default();
            problems.unless(
                is_word(start, 16, "_", false) && is_word(number, 8, ":.", false),
                "layout.u_boot_disk",
                "must be an interface and a number, as U-Boot's `load` takes them: \"mmc 0\"",
            );
            problems.unless(
                !layout.u_boot_environment.is_empty(),
                "layout.u_boot_environment",
                "must name a file with the board's own environment, which `make u-boot-initial-env` makes in U-Boot's \
                 sources: without it U-Boot would not find drydock's script",
            );
            check_place(config, problems);
            1 + 4
        }
        Bootloader::EfiBootGuard => 64 + 4 + 4,
        Bootloader::None => 1 + 4,
    }
}

/// Checks where U-Boot's environment lies, as far as that can be without the disk.
fn check_place(config: &Config, problems: &mut Problems) {
    let place = &config.u_boot;
    if !place.partition.is_empty() {
        check_label(&place.partition, "u_boot.partition", problems);
    }
    let whole = |bytes: u64| bytes.is_multiple_of(512);
    problems.unless(
        place.size > 0 && place.size <= MOST_ENVIRONMENT && whole(place.size.into()),
        "u_boot.size",
        format!("must be whole sectors, at most {MOST_ENVIRONMENT} bytes"),
    );
    problems.unless(whole(place.offset), "u_boot.offset", "must be a multiple of 512");
    if place.redundant {
        let apart = place.second_offset.abs_diff(place.offset) >= u64::from(place.size);
        problems.unless(
            whole(place.second_offset) && apart,
            "u_boot.second_offset",
            "must be a multiple of 512, and the second copy must not lie over the first one",
        );
    }
}
