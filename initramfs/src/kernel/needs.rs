//! The table of what drydock needs of a kernel.

use super::{Need, Severity, When};
use crate::Compression;

const fn need(option: &'static str, severity: Severity, why: &'static str) -> Need {
    Need { option, module: None, severity, when: When::Always, uses: &[], why }
}

const fn must(option: &'static str, why: &'static str) -> Need {
    need(option, Severity::Must, why)
}

const fn should(option: &'static str, why: &'static str) -> Need {
    need(option, Severity::Should, why)
}

impl Need {
    const fn or_module(self, module: &'static str) -> Self {
        Self { module: Some(module), ..self }
    }

    const fn when(self, when: When) -> Self {
        Self { when, ..self }
    }

    const fn uses(self, uses: &'static [&'static str]) -> Self {
        Self { uses, ..self }
    }
}

/// Every option that is looked at, in the order of a boot.
pub const NEEDS: &[Need] = &[
    must("BLK_DEV_INITRD", "starts from an initramfs"),
    must("RD_ZSTD", "unpacks the initramfs, which is compressed with zstd")
        .when(When::Compressed(Compression::Zstd)),
    must("RD_XZ", "unpacks the initramfs, which is compressed with xz")
        .when(When::Compressed(Compression::Xz)),
    must("XZ_DEC_X86", "unpacks the programs in it, which are filtered").when(When::Filtered),
    must("BINFMT_ELF", "runs the device binary"),
    must("MODULES", "loads the modules in the initramfs").when(When::Modules).uses(&["SYS_finit_module"]),
    must("DEVTMPFS", "makes the device nodes; there is no udev in recovery").uses(&["\"devtmpfs\""]),
    must("PROC_FS", "kernel command line, mounts, memory").uses(&[
        "\"proc\"",
        "/proc/cmdline",
        "/proc/meminfo",
        "/proc/self/fdinfo/",
        "/proc/self/mountinfo",
        "/proc/self/status",
    ]),
    must("SYSFS", "finds disks and their attributes").uses(&["\"sysfs\"", "/sys/dev/block/", "/sys/devices"]),
    must("TMPFS", "/run, and what a boot without `data` uses in its place").uses(&["\"tmpfs\""]),
    must("SHMEM", "tmpfs that is kept in memory with a size limit"),
    must("NET", "uevents come through a netlink socket")
        .uses(&["nix::sys::socket", "AddressFamily::Netlink"]),
    must("UNIX", "the live system's sockets"),
    must("MULTIUSER", "the live system's users"),
    must("FUTEX", "threads").uses(&["std::thread", "std::sync"]),
    must("SIGNALFD", "signals as PID 1 must treat them").uses(&["nix::sys::signalfd"]),
    must("EVENTFD", "waking a thread that waits").uses(&["nix::sys::eventfd"]),
    must("FILE_LOCKING", "one writer at a time").uses(&["nix::fcntl"]),
    must("POSIX_TIMERS", "time limits").uses(&["std::time", "nix::time"]),
    must("TTY", "consoles").uses(&[
        "nix::sys::termios",
        "ioctl output_queue",
        "/dev/console",
        "/sys/class/tty/console/active",
    ]),
    must("BLOCK", "disks").uses(&[
        "ioctl size64",
        "ioctl sector_size",
        "ioctl discard",
        "ioctl flush_buffers",
        "ioctl partition",
        "/sys/class/block",
    ]),
    must("EFI_PARTITION", "GPT partitions").uses(&["crate gpt"]),
    must("BLK_DEV_DM", "device mapper").or_module("dm-mod").uses(&["crate devicemapper", "/dev/dm-"]),
    must("DM_VERITY", "proves the root while it is read").or_module("dm-verity").uses(&["\"verity\""]),
    must("CRYPTO_SHA256", "the hash of dm-verity").or_module("sha256_generic").uses(&["sha256"]),
    must("DM_CRYPT", "LUKS volumes").or_module("dm-crypt").when(When::Encrypted).uses(&["\"crypt\""]),
    must("KEYS", "gives dm-crypt the key of a LUKS volume").when(When::Encrypted).uses(&[
        "SYS_add_key",
        "SYS_keyctl",
        "\"logon\"",
    ]),
    must("CRYPTO_AES", "LUKS volumes").or_module("aes_generic").when(When::Encrypted).uses(&["aes"]),
    must("CRYPTO_XTS", "LUKS volumes").or_module("xts").when(When::Encrypted).uses(&["xts"]),
    must("EXT4_FS", "the `data` volume")
        .or_module("ext4")
        .when(When::Data)
        .uses(&["\"ext4\"", "ioctl resize"]),
    must("EROFS_FS", "the root filesystem").or_module("erofs").when(When::Root("erofs")).uses(&["\"erofs\""]),
    must("SQUASHFS", "the root filesystem").or_module("squashfs").when(When::Root("squashfs")),
    must("EXT4_FS", "the root filesystem").or_module("ext4").when(When::Root("ext4")),
    should("EROFS_FS_ZIP", "a root filesystem that is compressed").when(When::Root("erofs")),
    should("SQUASHFS_ZLIB", "a root filesystem that is compressed with gzip").when(When::Root("squashfs")),
    should("SQUASHFS_XZ", "a root filesystem that is compressed with xz").when(When::Root("squashfs")),
    should("SQUASHFS_ZSTD", "a root filesystem that is compressed with zstd").when(When::Root("squashfs")),
    should("MSDOS_PARTITION", "finds the filesystem on a stick, most of which have an MBR"),
    should("VFAT_FS", "reads bundles and keys from a FAT stick").or_module("vfat").uses(&["\"vfat\""]),
    should("FAT_DEFAULT_UTF8", "finds names outside ASCII on a FAT stick"),
    should("NLS_CODEPAGE_437", "short names on a FAT stick").or_module("nls_cp437"),
    should("NLS_ISO8859_1", "long names on a FAT stick")
        .or_module("nls_iso8859_1")
        .when(When::FatNames("iso8859-1")),
    should("NLS_ASCII", "long names on a FAT stick").or_module("nls_ascii").when(When::FatNames("ascii")),
    should("NLS_UTF8", "long names on a FAT stick").or_module("nls_utf8").when(When::FatNames("utf8")),
    should("EXFAT_FS", "reads bundles and keys from an exFAT stick").or_module("exfat").uses(&["\"exfat\""]),
    should("ISO9660_FS", "reads bundles from a CD image").or_module("isofs").uses(&["\"iso9660\""]),
    should("JOLIET", "long names on a CD image without those of Unix"),
    should("SQUASHFS", "reads bundles from a squashfs stick").or_module("squashfs").uses(&["\"squashfs\""]),
    must("OVERLAY_FS", "lays what is carried over the root")
        .or_module("overlay")
        .when(When::Carry)
        .uses(&["\"overlay\""]),
    must("PID_NS", "ends a hook with all that it has started").when(When::Hooks).uses(&["nix::sched"]),
    must("NET_NS", "keeps a hook from the network").when(When::Hooks),
    should("MEMCG", "limits the memory of a hook and all that it starts; else each process has a limit")
        .when(When::Hooks)
        .uses(&["\"cgroup2\"", "/sys/fs/cgroup"]),
    should("CGROUP_PIDS", "limits how many processes a hook may start").when(When::Hooks),
    should("POWER_SUPPLY", "gates that ask for power; the driver of your board's supply as well")
        .when(When::Hooks)
        .uses(&["/sys/class/power_supply"]),
    should("HWMON", "gates that ask for a temperature; the driver of your board's sensor as well")
        .when(When::Hooks)
        .uses(&["/sys/class/hwmon"]),
    should("GPIO_CDEV", "gates that ask for a line's level; the driver of your board's lines as well")
        .when(When::Hooks)
        .uses(&["ioctl get_line", "ioctl get_values"]),
    must("INET", "a network in recovery; the driver of your board's interface as well")
        .when(When::Network)
        .uses(&["std::net", "AddressFamily::Inet", "/sys/class/net", "/sys/devices/virtual/"]),
    must("PACKET", "DHCP, before there is an address").or_module("af_packet").when(When::Network).uses(&[
        "AddressFamily::Packet",
        "libc::bind",
        "libc::setsockopt",
    ]),
    must("VLAN_8021Q", "a network with tags").or_module("8021q").when(When::Vlan),
    should("IPV6", "a network with IPv6")
        .or_module("ipv6")
        .when(When::Network)
        .uses(&["AddressFamily::Inet6", "/proc/net/if_inet6"]),
    should("PROC_SYSCTL", "whether an interface takes what IPv6 routers advertise")
        .when(When::Network)
        .uses(&["/proc/sys/net/"]),
    should("RANDOM_TRUST_CPU", "keys of new volumes at once, from the processor's generator")
        .when(When::Encrypted)
        .uses(&["libc::getrandom", "/dev/urandom"]),
    should("HW_RANDOM", "keys of new volumes; the driver of your board's generator as well")
        .or_module("rng-core")
        .when(When::Encrypted),
    should("WATCHDOG", "resets a machine that hangs; the driver of your board's watchdog as well").uses(&[
        "ioctl support",
        "ioctl set_timeout",
        "/dev/watchdog",
    ]),
    should("WATCHDOG_SYSFS", "names the watchdog before it is opened")
        .uses(&["/sys/class/watchdog/watchdog"]),
    should("MAGIC_SYSRQ", "resets a machine whose kernel does not shut down").uses(&["/proc/sysrq-trigger"]),
    should("PRINTK", "the kernel's own messages")
        .uses(&["/dev/kmsg", "/sys/module/printk/parameters/always_kmsg_dump"]),
    should("PSTORE", "the reason of a failed boot outlives the reset")
        .uses(&["\"pstore\"", "/sys/fs/pstore"]),
    should("PSTORE_PMSG", "the reason of a failed boot outlives the reset").uses(&["/dev/pmsg0"]),
    should("RTC_CLASS", "the date in the history"),
    should("EPOLL", "systemd in the live system"),
    should("TIMERFD", "systemd in the live system"),
    should("CGROUPS", "systemd in the live system"),
    should("INOTIFY_USER", "systemd in the live system"),
    should("FHANDLE", "systemd in the live system"),
    should("TMPFS_XATTR", "systemd in the live system"),
];
