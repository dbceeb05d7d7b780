//! What a kernel must be able to do, and whether a given kernel configuration says so.

use drydock_config::Config;
use std::collections::BTreeMap;

/// One option that a kernel needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// The option's name, without `CONFIG_`.
    pub option: &'static str,
    /// The module that has it, where a module will do.
    pub module: Option<&'static str>,
    /// How bad it is to lack it.
    pub severity: Severity,
    /// Which devices need it.
    pub when: When,
    /// What it is for.
    pub why: &'static str,
}

/// How bad it is to lack an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Without it the device does not boot or can't update.
    Must,
    /// Without it something that most devices want is missing.
    Should,
}

/// Which devices need an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// All of them.
    Always,
    /// Those that have a LUKS volume.
    Encrypted,
    /// Those that have a `data` volume.
    Data,
    /// Those whose root slot has this filesystem.
    Root(&'static str),
    /// Those that load modules.
    Modules,
}

const fn must(option: &'static str, why: &'static str) -> Need {
    Need { option, module: None, severity: Severity::Must, when: When::Always, why }
}

const fn should(option: &'static str, why: &'static str) -> Need {
    Need { option, module: None, severity: Severity::Should, when: When::Always, why }
}

impl Need {
    const fn or_module(self, module: &'static str) -> Self {
        Self { module: Some(module), ..self }
    }

    const fn when(self, when: When) -> Self {
        Self { when, ..self }
    }
}

/// Every option that is looked at, in the order of a boot.
pub const NEEDS: &[Need] = &[
    must("BLK_DEV_INITRD", "starts from an initramfs"),
    must("RD_ZSTD", "unpacks the initramfs, which is compressed with zstd"),
    must("BINFMT_ELF", "runs the device binary"),
    must("MODULES", "loads the modules in the initramfs").when(When::Modules),
    must("DEVTMPFS", "makes the device nodes; there is no udev in recovery"),
    must("PROC_FS", "kernel command line, mounts, memory"),
    must("SYSFS", "finds disks and their attributes"),
    must("TMPFS", "/run, and what a boot without `data` uses in its place"),
    must("SHMEM", "tmpfs that is kept in memory with a size limit"),
    must("NET", "uevents come through a netlink socket"),
    must("UNIX", "the live system's sockets"),
    must("MULTIUSER", "the live system's users"),
    must("FUTEX", "threads"),
    must("EPOLL", "waiting with a time limit"),
    must("SIGNALFD", "signals as PID 1 must treat them"),
    must("TIMERFD", "time limits"),
    must("EVENTFD", "waking a thread that waits"),
    must("FILE_LOCKING", "one writer at a time"),
    must("POSIX_TIMERS", "time limits"),
    must("TTY", "consoles"),
    must("BLOCK", "disks"),
    must("EFI_PARTITION", "GPT partitions"),
    must("BLK_DEV_DM", "device mapper").or_module("dm-mod"),
    must("DM_VERITY", "proves the root while it is read").or_module("dm-verity"),
    must("CRYPTO_SHA256", "the hash of dm-verity").or_module("sha256_generic"),
    must("DM_CRYPT", "LUKS volumes").or_module("dm-crypt").when(When::Encrypted),
    must("CRYPTO_AES", "LUKS volumes").or_module("aes_generic").when(When::Encrypted),
    must("CRYPTO_XTS", "LUKS volumes").or_module("xts").when(When::Encrypted),
    must("EXT4_FS", "the `data` volume").or_module("ext4").when(When::Data),
    must("EROFS_FS", "the root filesystem").or_module("erofs").when(When::Root("erofs")),
    must("SQUASHFS", "the root filesystem").or_module("squashfs").when(When::Root("squashfs")),
    must("EXT4_FS", "the root filesystem").or_module("ext4").when(When::Root("ext4")),
    should("VFAT_FS", "reads bundles and keys from a FAT stick").or_module("vfat"),
    should("NLS_CODEPAGE_437", "short names on a FAT stick").or_module("nls_cp437"),
    should("NLS_ISO8859_1", "long names on a FAT stick").or_module("nls_iso8859_1"),
    should("EXFAT_FS", "reads bundles and keys from an exFAT stick").or_module("exfat"),
    should("WATCHDOG", "resets a machine that hangs; the driver of your board's watchdog as well"),
    should("RTC_CLASS", "the date in the history"),
    should("CGROUPS", "systemd in the live system"),
    should("INOTIFY_USER", "systemd in the live system"),
    should("FHANDLE", "systemd in the live system"),
    should("TMPFS_XATTR", "systemd in the live system"),
];

/// What a kernel configuration lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lacking {
    /// The options that are missing.
    pub needs: Vec<Need>,
    /// Modules that the kernel has outside itself: the initramfs must carry them (`initramfs.modules`).
    pub as_modules: Vec<&'static str>,
}

/// Compares a kernel configuration (`.config`) with what drydock needs; with `config`, with what that device
/// needs. With `modules`, `=m` counts too, where a module will do.
pub fn check_kernel(kernel: &str, config: Option<&Config>, modules: bool) -> Lacking {
    let options: BTreeMap<_, _> =
        kernel.lines().filter_map(|line| line.trim().strip_prefix("CONFIG_")?.split_once('=')).collect();
    let mut lacking = Lacking { needs: Vec::new(), as_modules: Vec::new() };
    for need in NEEDS.iter().filter(|need| applies(need.when, config, modules)) {
        match (options.get(need.option).copied(), need.module) {
            (Some("y"), _) => {}
            (Some("m"), Some(module)) if modules => {
                if !lacking.as_modules.contains(&module) {
                    lacking.as_modules.push(module);
                }
            }
            _ => lacking.needs.push(*need),
        }
    }
    lacking
}

/// Without a config the reference device is meant: encrypted `data`, EROFS root.
fn applies(when: When, config: Option<&Config>, modules: bool) -> bool {
    match when {
        When::Always => true,
        When::Modules => modules,
        When::Data => config.is_none_or(|config| config.data.is_some()),
        When::Encrypted => config.is_none_or(|config| {
            config.data.as_ref().is_some_and(|data| data.encrypted)
                || config.slots.iter().any(|slot| slot.encrypted)
        }),
        When::Root(filesystem) => {
            config.map_or("erofs", |config| config.boot.root_filesystem.as_str()) == filesystem
        }
    }
}
