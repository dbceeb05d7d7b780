//! What must hold for a configuration beyond its shape. No I/O.

use crate::fleet::check_fleet;
use crate::hooks::check_hooks;
use crate::lan::check_lan;
use crate::loader::check_loader;
use crate::names::{check_label, is_taken};
use crate::network::check_network;
use crate::problems::{Problem, Problems, is_absolute, is_word};
use crate::servers::{check_file, check_servers};
use crate::service::check_service;
use crate::slots::check_slots;
use crate::tree::check_trees;
use drydock_config::{Config, Data, Layout, MAX_KEY, Mib, Seconds, Unlock, WipeHow};

/// What `state` and the two partition tables take.
const FIXED_MIB: u64 = 8 + 2;
/// Kernel parameters that would get in the way, and why.
const FOREIGN_PARAMETERS: [(&str, &str); 7] = [
    ("drydock.", "the boot entries set drydock's parameters themselves"),
    ("root=", "drydock mounts the root through dm-verity"),
    ("roothash=", "systemd takes it for its own and waits for devices that never come"),
    ("usrhash=", "systemd takes it for its own and waits for devices that never come"),
    ("systemd.verity", "systemd would set up dm-verity a second time"),
    ("init=", "set `boot.init`"),
    ("--", "the kernel reads nothing behind it, and drydock's own parameters come there"),
];

/// Everything that is wrong with `config`, in the order of its keys.
pub(crate) fn check(config: &Config) -> Vec<Problem> {
    let mut problems = Problems(Vec::new());
    problems.unless(
        is_word(&config.compatible, 64, "._-", true),
        "compatible",
        "must be 1 to 64 characters of A-Z a-z 0-9 . _ -",
    );
    check_disk(config, &mut problems);
    check_slots(config, &mut problems);
    check_signatures(config, &mut problems);
    if let Some(data) = &config.data {
        check_data(config, data, &mut problems);
    }
    check_unlock(config, &mut problems);
    check_factory_reset(config, &mut problems);
    problems.unless_within(config.recovery.starts, 1, 1000, "recovery.starts");
    problems.unless_within(config.recovery.medium_wait_seconds.0, 1, 3600, "recovery.medium_wait_seconds");
    if !config.recovery.rescue_file.is_empty() {
        check_file(&config.recovery.rescue_file, "recovery.rescue_file".into(), &mut problems);
    }
    check_servers(config, &mut problems);
    check_boot(config, &mut problems);
    check_initramfs(config, &mut problems);
    check_network(&config.network, &mut problems);
    check_fleet(config, &mut problems);
    check_service(config, &mut problems);
    check_lan(config, &mut problems);
    check_trees(config, &mut problems);
    check_hooks(config, &mut problems);
    check_layout(config, &config.layout, &mut problems);
    problems.0
}

fn check_disk(config: &Config, problems: &mut Problems) {
    if let Some(bus) = &config.disk.bus {
        let good = !bus.is_empty() && bus.bytes().all(|byte| byte.is_ascii_graphic());
        problems.unless(good, "disk.bus", "must be a part of a path below /sys/devices, without spaces");
    }
    if let Some(guid) = &config.disk.guid {
        problems.unless(
            is_guid(guid),
            "disk.guid",
            "must be a GUID: 8-4-4-4-12 hex digits, as in 6a0cb3a5-4e5f-4a0f-9d6d-0d2f3b1c7e55",
        );
    }
    problems.unless_within(config.disk.wait_seconds.0, 1, 3600, "disk.wait_seconds");
}

fn check_signatures(config: &Config, problems: &mut Problems) {
    let signatures = &config.signatures;
    problems.unless(!signatures.keys.is_empty(), "signatures.keys", "at least one public key is needed");
    for (index, key) in signatures.keys.iter().enumerate() {
        problems.unless(
            signatures.keys.iter().position(|other| other == key) == Some(index),
            format!("signatures.keys.{index}"),
            "this key is listed already",
        );
    }
    let keys = u32::try_from(signatures.keys.len()).unwrap_or(u32::MAX).max(1);
    problems.unless(
        (1..=keys).contains(&signatures.threshold),
        "signatures.threshold",
        format!("{} is out of range: 1 to the number of keys, {keys}", signatures.threshold),
    );
}

fn check_data(config: &Config, data: &Data, problems: &mut Problems) {
    check_label(&data.label, "data.label", problems);
    problems.unless(
        !is_taken(config, &data.label),
        "data.label",
        format!("another partition has the label `{}`", data.label),
    );
    problems.unless(
        data.mount.len() > 1 && is_absolute(&data.mount),
        "data.mount",
        "must be an absolute path other than /, without `..`",
    );
    problems.unless_within(data.kdf_memory_kib.0, 32, 4 << 20, "data.kdf_memory_kib");
    problems.unless_within(data.kdf_iterations, 1, 1000, "data.kdf_iterations");
}

fn check_factory_reset(config: &Config, problems: &mut Problems) {
    let reset = &config.factory_reset;
    for (index, path) in reset.keep.iter().enumerate() {
        check_file(path, format!("factory_reset.keep.{index}"), problems);
    }
    problems.unless(
        reset.keep.is_empty() || config.data.as_ref().is_some_and(|data| data.encrypted),
        "factory_reset.keep",
        "what is kept is sealed under the key of the new `data`, so that it never lies in the clear: `data.encrypted` must be true",
    );
    problems.unless_within(reset.keep_limit_kib.0, 1, 64 << 10, "factory_reset.keep_limit_kib");
    // The stash holds the new volume's header, with a key slot, beside what is kept.
    let needed = Mib::holding(reset.keep_limit_kib.bytes()).0 + 1;
    problems.unless(
        reset.keep.is_empty() || config.layout.stash_mib >= Mib(needed),
        "factory_reset.keep_limit_kib",
        format!("`layout.stash_mib` must be at least {needed} for that much"),
    );
    problems.unless_within(reset.confirm_seconds.0, 1, 3600, "factory_reset.confirm_seconds");
    for (index, wipe) in config.wipes.iter().enumerate() {
        let at = format!("wipe.{index}.label");
        check_label(&wipe.label, &at, problems);
        problems.unless(
            !is_taken(config, &wipe.label),
            &at,
            format!("`{}` holds what drydock needs to boot, to update or to remember", wipe.label),
        );
        problems.unless(
            config.data.as_ref().is_none_or(|data| data.label != wipe.label),
            &at,
            "the data volume is made new by `drydock factory-reset`, which also keeps what is to be kept",
        );
        problems.unless(
            config.wipes.iter().position(|other| other.label == wipe.label) == Some(index),
            &at,
            "this partition is listed already",
        );
        problems.unless(
            wipe.how != WipeHow::Volume || !wipe.encrypted || !config.unlock.is_empty(),
            format!("wipe.{index}.how"),
            "is encrypted, but no [[unlock]] says where its key comes from (or set `encrypted = false`)",
        );
    }
    problems.unless_within(config.watchdog.seconds.0, 5, 3600, "watchdog.seconds");
}

fn check_unlock(config: &Config, problems: &mut Problems) {
    let encrypted_data = config.data.as_ref().is_some_and(|data| data.encrypted);
    let encrypted_slot = config.slots.iter().position(|slot| slot.encrypted);
    if config.unlock.is_empty() {
        let message = "is encrypted, but no [[unlock]] says where its key comes from";
        problems.unless(!encrypted_data, "data.encrypted", message);
        if let Some(index) = encrypted_slot {
            problems.unless(false, format!("slot.{index}.encrypted"), message);
        }
    }
    let mut in_initramfs = 0;
    for (index, unlock) in config.unlock.iter().enumerate() {
        let at = |key: &str| format!("unlock.{index}.{key}");
        match unlock {
            Unlock::Initramfs { .. } => {
                in_initramfs += 1;
                problems.unless(in_initramfs == 1, at("kind"), "only one key file fits into the initramfs");
            }
            Unlock::Partition { label, file, length } => {
                check_label(label, &at("label"), problems);
                let own = config.data.as_ref().is_some_and(|data| data.label == *label);
                problems.unless(
                    !own && (file.is_some() || !is_taken(config, label)),
                    at("label"),
                    "drydock writes to this partition itself: its bytes don't stay a key",
                );
                problems.unless(
                    file.is_some() != length.is_some(),
                    format!("unlock.{index}"),
                    "give either `file` (a file on that partition) or `length` (raw bytes at its start)",
                );
                if let Some(file) = file {
                    check_file(file, at("file"), problems);
                }
                if let Some(length) = *length {
                    problems.unless_within(length, 1, MAX_KEY, at("length"));
                }
            }
            Unlock::Medium { file, wait_seconds } => {
                check_file(file, at("file"), problems);
                problems.unless_within(wait_seconds.0, 1, 3600, at("wait_seconds"));
            }
            Unlock::Passphrase { tries, wait_seconds } => {
                problems.unless_within(*tries, 1, 100, at("tries"));
                problems.unless_within(wait_seconds.0, 1, 3600, at("wait_seconds"));
            }
        }
    }
}

fn check_boot(config: &Config, problems: &mut Problems) {
    let boot = &config.boot;
    problems.unless_within(u32::from(boot.attempts), 1, 9, "boot.attempts");
    problems.unless(
        boot.init.len() > 1 && is_absolute(&boot.init),
        "boot.init",
        "must be an absolute path in the new root, without `..`",
    );
    problems.unless(
        is_word(&boot.root_filesystem, 32, "", false),
        "boot.root_filesystem",
        "must be a filesystem's name as in /proc/filesystems",
    );
}

fn check_initramfs(config: &Config, problems: &mut Problems) {
    let lists =
        [("modules", &config.initramfs.modules), ("modules_by_alias", &config.initramfs.modules_by_alias)];
    for (list, names) in lists {
        for (index, name) in names.iter().enumerate() {
            problems.unless(
                is_word(name, 64, "_-", true),
                format!("initramfs.{list}.{index}"),
                "must be a module's name as modprobe takes it, without path and .ko",
            );
        }
    }
    for (index, file) in config.initramfs.firmware.iter().enumerate() {
        check_file(file, format!("initramfs.firmware.{index}"), problems);
    }
}

fn check_layout(config: &Config, layout: &Layout, problems: &mut Problems) {
    let mut needed = (FIXED_MIB + check_loader(config, problems))
        .saturating_add(layout.stash_mib.0)
        .saturating_add(layout.factory_mib.0)
        .saturating_add(layout.recovery_mib.0.saturating_mul(2));
    for (class, &Mib(mib)) in &layout.slot_mib {
        let at = format!("layout.slot_mib.{class}");
        let own = config.trees.iter().any(|tree| tree.partition.as_ref() == Some(class));
        let known = own || config.set_classes().any(|slot| slot.class == *class);
        problems.unless(
            known,
            &at,
            format!("no [[slot]] has the class `{class}` (the recovery's size is `recovery_mib`)"),
        );
        problems.unless(mib > 0, &at, "must be at least 1 MiB");
        needed = needed.saturating_add(mib.saturating_mul(if own { 1 } else { 2 }));
    }
    needed = needed.saturating_add(u64::from(config.data.is_some()));
    problems.unless(
        layout.disk_mib == Mib(0) || layout.disk_mib >= Mib(needed),
        "layout.disk_mib",
        format!("the partitions need {needed} MiB at least, more than the disk's {}", layout.disk_mib),
    );
    problems.unless_within(layout.menu_seconds.0, 0, 60, "layout.menu_seconds");
    if layout.watchdog_seconds != Seconds(0) {
        problems.unless_within(layout.watchdog_seconds.0, 10, 3600, "layout.watchdog_seconds");
    }
    let plain = |byte: u8| (b' '..=b'~').contains(&byte) && !b"'\"`\\$;&|<>{}#".contains(&byte);
    problems.unless(
        layout.cmdline.bytes().all(plain),
        "layout.cmdline",
        "must be one line without quotes and without \\ ` $ ; & | < > { } #",
    );
    for word in layout.cmdline.split(' ') {
        for (prefix, why) in FOREIGN_PARAMETERS {
            problems.unless(!word.starts_with(prefix), "layout.cmdline", format!("`{word}`: {why}"));
        }
    }
}

fn is_guid(guid: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let mut parts = guid.split('-');
    let all = lengths.iter().all(|&length| {
        parts
            .next()
            .is_some_and(|part| part.len() == length && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
    });
    all && parts.next().is_none()
}
