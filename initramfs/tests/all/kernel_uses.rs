//! The table of what a kernel must be able to do (`NEEDS`) is held against what the device's sources ask of one.
//!
//! Whoever uses something new of the kernel adds it to the table, or, where every kernel has it, to [`PLAIN`]. What is
//! looked for, and how it is written there:
//! - `SYS_add_key`: a system call by number; `libc::signal`: a function of the C library;
//! - `ioctl size64`: an ioctl, by the name that `nix::ioctl_…!` is given;
//! - `nix::sys::eventfd`, `std::thread`, `AddressFamily::Netlink`: a module of these libraries (of the standard library's
//!   those in [`SYSTEM`]), a family of sockets;
//! - `crate devicemapper`: what the device's crates depend on;
//! - `/proc/cmdline`, `/dev/watchdog`: a file of the kernel's, up to the first `{`;
//! - `"ext4"`: a text that is the name of a filesystem, of a device-mapper target or of a type of key;
//! - `sha256`: a hash, cipher or mode that the kernel is told to use.
//!
//! What stays for `make test-kernel`, which boots a kernel with nothing but the fragment's options, is what a library
//! does inside itself.

use drydock_initramfs::NEEDS;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What makes the device binary.
const SOURCES: [&str; 10] = [
    "recovery",
    "engine",
    "lib/luks",
    "lib/block",
    "lib/gpt",
    "lib/state",
    "lib/format",
    "lib/lan",
    "lib/config",
    "lib/architecture",
];

/// The modules of the standard library that need more than files of a kernel.
const SYSTEM: [&str; 5] = ["net", "process", "sync", "thread", "time"];

/// Names that the kernel gives to filesystems, device-mapper targets and types of keys.
const NAMES: &str = "9p autofs bpf btrfs ceph cgroup cgroup2 cifs configfs cramfs debugfs devpts devtmpfs ecryptfs efivarfs \
    erofs exfat ext2 ext3 ext4 f2fs fuse fuseblk hfs hfsplus hugetlbfs iso9660 jffs2 jfs minix mqueue nfs nfs4 ntfs \
    ntfs3 nilfs2 overlay proc pstore ramfs romfs securityfs squashfs sysfs tmpfs tracefs ubifs udf vfat virtiofs xfs \
    zonefs clone crypt dust ebs error flakey integrity linear log-writes mirror multipath raid snapshot snapshot-merge \
    snapshot-origin striped switch thin thin-pool unstriped verity writecache zero zoned \
    asymmetric big_key encrypted keyring logon trusted user";

/// Hashes, ciphers and modes that the kernel may be told to use.
const CRYPTO: &str = "adiantum aegis128 aes anubis authenc blake2b blake2s blowfish camellia cast5 cast6 cbc ccm chacha20 \
    cmac crc32 crc32c ctr cts ecb essiv gcm hctr2 hmac lrw md5 poly1305 rmd160 serpent sha1 sha224 sha256 sha384 sha512 \
    sm3 sm4 streebog twofish wp512 xcbc xts xxhash64";

/// What every kernel has that can start a process.
const PLAIN: &[&str] = &[
    "nix::Result",
    // How a hook is given its room, and a program of our own starts itself again.
    "/proc/self/exe",
    "SYS_capset",
    "libc::prctl",
    "nix::mount",
    "nix::spawn",
    "nix::sys::prctl",
    "nix::sys::resource",
    "std::os::unix::net",
    // What a console or a folder that is open is called; what support asks for.
    "/dev/kmsg:",
    "/proc/self/fd/",
    "nix::dir",
    // Why the machine was started, where a watchdog tells.
    "/sys/class/watchdog",
    // Files of trees, and what belongs to them.
    "ioctl ficlone",
    "libc::fgetxattr",
    "libc::flistxattr",
    "libc::fremovexattr",
    "libc::fsetxattr",
    // A disk's health: it is asked, and whoever does not know the question says so.
    "ioctl mmc_command",
    "ioctl nvme_admin",
    "ioctl sg_io",
    "std::process",
    // How a fetch in the live system stands back.
    "/proc/loadavg",
    "SYS_ioprio_get",
    "SYS_ioprio_set",
    "nix::sys::statvfs",
    // How the agent knows one start from another, and runs what the integrator names.
    "/proc/sys/kernel/random/boot_id",
    "std::os::unix::process",
    "libc::getpriority",
    "libc::malloc_trim",
    "libc::setpriority",
    "libc::signal",
    "libc::syscall",
    "nix::cmsg",
    "nix::errno",
    "nix::ioctl",
    "nix::libc",
    "nix::poll",
    "nix::request",
    "nix::sys::reboot",
    "nix::sys::signal",
    "nix::sys::stat",
    "nix::sys::statfs",
    "nix::sys::wait",
    "nix::unistd",
    "crate lexopt",
    "crate nix",
    "crate sys-mount",
];

/// What is no kernel's business: drydock computes it itself.
const PURE: &[&str] = &[
    "crate aes",
    "crate argon2",
    "crate base64ct",
    "crate drydock-access",
    "crate drydock-architecture",
    "crate drydock-block",
    "crate drydock-channel",
    "crate drydock-ddi",
    "crate drydock-delta",
    "crate drydock-engine",
    "crate drydock-format",
    "crate drydock-json",
    "crate drydock-config",
    "crate drydock-gpt",
    "crate drydock-lan",
    "crate drydock-luks",
    "crate drydock-modem",
    "crate drydock-page",
    "crate drydock-state",
    "crate drydock-transfer",
    "crate drydock-tree",
    "crate ed25519-dalek",
    "crate hmac",
    "crate pbkdf2",
    // Sockets are what the link asks for.
    "crate ring",
    "crate rustls",
    "crate rustls-pki-types",
    "crate serde",
    "crate serde_json",
    "crate sha1",
    "crate sha2",
    "crate smoltcp",
    "crate ureq",
    "crate xts-mode",
    "crate zeroize",
    "crate zstd-safe",
    // A way to wipe.
    "\"zero\"",
    // Types of keys that a mapping's table may name. No way to get such a key is there yet; the one that comes will ask
    // the kernel for it, and belongs into the table.
    "\"encrypted\"",
    "\"trusted\"",
    // Hashes of LUKS' key derivation.
    "sha1",
    "sha512",
];

#[test]
fn everything_that_the_sources_ask_of_a_kernel_is_in_the_table() {
    let found = words();
    let listed: BTreeSet<&str> =
        NEEDS.iter().flat_map(|need| need.uses).chain(PLAIN).chain(PURE).copied().collect();
    let missing: Vec<_> = found.iter().filter(|word| !listed.contains(word.as_str())).collect();
    assert!(
        missing.is_empty(),
        "add to `uses` in initramfs/src/kernel/needs.rs, or to PLAIN or PURE here: {missing:#?}"
    );
    let stale: Vec<_> = listed.iter().filter(|word| !found.contains(**word)).collect();
    assert!(stale.is_empty(), "nothing in the sources uses these any more: {stale:#?}");
}

fn words() -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for part in SOURCES {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(part);
        let mut files = vec![];
        collect(&folder.join("src"), &mut files);
        assert!(!files.is_empty(), "{}", folder.display());
        for file in files {
            take(&without_tests(&fs::read_to_string(&file).unwrap()), &mut words);
        }
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let (_, rest) = manifest.split_once("[dependencies]\n").unwrap();
        let dependencies = rest.lines().take_while(|line| !line.is_empty());
        let needed = dependencies.filter(|line| !line.starts_with('#'));
        words.extend(needed.map(|line| format!("crate {}", line.split(['.', ' ']).next().unwrap())));
    }
    words
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let name = entry.file_name().into_string().unwrap();
        if path.is_dir() {
            collect(&path, files);
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
            files.push(path);
        }
    }
}

/// The code without its test module, which stands at the end, and without comments.
fn without_tests(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

fn take(code: &str, words: &mut BTreeSet<String>) {
    assert!(!code.contains("nix::{") && !code.contains("nix::sys::{"), "import by full paths:\n{code}");
    let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let after = |text: &'static str| {
        let starts = code.match_indices(text).filter(move |(at, _)| !code[..*at].ends_with(name));
        starts.map(move |(at, _)| {
            let rest = &code[at + text.len()..];
            &rest[..rest.find(|c| !name(c)).unwrap_or(rest.len())]
        })
    };
    words.extend(after("SYS_").map(|call| format!("SYS_{call}")));
    words.extend(after("AddressFamily::").map(|family| format!("AddressFamily::{family}")));
    for module in after("nix::").filter(|module| !module.is_empty() && *module != "sys") {
        let module = module.split_once('_').map_or(module, |(start, _)| start);
        words.insert(format!("nix::{module}"));
    }
    words.extend(after("nix::sys::").map(|module| format!("nix::sys::{module}")));
    words.extend(after("std::").filter(|m| SYSTEM.contains(m)).map(|module| format!("std::{module}")));
    words.extend(
        after("std::os::unix::").filter(|m| SYSTEM.contains(m)).map(|m| format!("std::os::unix::{m}")),
    );
    for (at, _) in code.match_indices("nix::ioctl_") {
        let rest = &code[at..];
        let arguments = &rest[rest.find("!(").unwrap() + 2..];
        words.insert(format!("ioctl {}", arguments.split(',').next().unwrap().trim()));
    }
    for (at, _) in code.match_indices("libc::") {
        let rest = &code[at + 6..];
        let end = rest.find(|c| !name(c)).unwrap_or(rest.len());
        if rest[end..].starts_with('(') {
            words.insert(format!("libc::{}", &rest[..end]));
        }
    }
    literals(code, words);
}

fn literals(code: &str, words: &mut BTreeSet<String>) {
    let known: BTreeSet<&str> = NAMES.split_whitespace().collect();
    let crypto: BTreeSet<&str> = CRYPTO.split_whitespace().collect();
    for text in strings(code) {
        if known.contains(text.as_str()) {
            words.insert(format!("\"{text}\""));
        }
        // Files, not words on them: `/proc/meminfo does not say`.
        let file = text.split(['{', ' ']).next().unwrap();
        if ["/proc/", "/sys/", "/dev/"].iter().any(|top| file.starts_with(top) && file.len() > top.len()) {
            words.insert(file.to_owned());
        }
        // Ciphers are told in a table's line or as `aes-xts-plain64`, never in a sentence.
        let parts = text.split([' ', '-', ':', '(', ')']);
        words.extend(parts.filter(|part| crypto.contains(part)).map(str::to_owned));
    }
}

/// The contents of the code's string literals.
fn strings(code: &str) -> Vec<String> {
    let mut found = vec![];
    let mut chars = code.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                // A character, or a lifetime: only `'"'` and `'\"'` matter.
                let next = chars.peek().copied();
                if next == Some('\\') {
                    chars.next();
                    chars.next();
                } else if next == Some('"') {
                    chars.next();
                }
            }
            '"' => {
                let mut text = String::new();
                while let Some(c) = chars.next().filter(|c| *c != '"') {
                    match c {
                        '\\' => text.extend(chars.next().map(|_| ' ')),
                        c => text.push(c),
                    }
                }
                found.push(text);
            }
            _ => {}
        }
    }
    found
}
