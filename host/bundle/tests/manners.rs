//! How the host tool treats what is around it: names of any bytes, names that are taken, disks that are full, the
//! environment.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::factory::{erofs, squashfs};
use drydock_fixtures::noise;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

/// The tool in this folder, for a shell that has it as `$tool`.
fn sh(dir: &Path, script: &[u8]) -> Output {
    let mut command = Command::new("bash");
    command.env("tool", env!("CARGO_BIN_EXE_drydock-bundle")).env("TMPDIR", dir).current_dir(dir);
    command.args(["-euc".as_ref(), OsStr::from_bytes(script)]).output().unwrap()
}

fn succeeds(dir: &Path, script: &[u8]) -> String {
    let output = sh(dir, script);
    let said = String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{}: {said}", String::from_utf8_lossy(script));
    said
}

fn fails(dir: &Path, script: &[u8], words: &str) {
    let output = sh(dir, script);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{}: {said}", String::from_utf8_lossy(script));
    assert!(said.contains(words), "`{words}` is not in: {said}");
}

fn names(dir: &Path) -> Vec<OsString> {
    let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
}

const CREATE: &str = "$tool create --compatible acme-pump --version 1 --level 1 --frame-size 524288 \
    --image boot=boot.img --image root=root.img --key k.pem -o v1.drydock";
const DISK: &str = "$tool disk --config device.toml --bundle v1.drydock -o disk.img";

/// Without a bootloader.
fn config() -> String {
    drydock_fixtures::config("k.pub.pem", "[layout]\nbootloader = \"none\"\n")
}

/// A folder with keys, images, a bundle and a configuration.
fn workshop() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path();
    erofs(path, "root.img", &noise(1_500_000, 1));
    squashfs(path, "boot.img", &noise(9000, 2), "-noI -noD -noF -noX");
    fs::write(path.join("device.toml"), config()).unwrap();
    succeeds(path, b"$tool keygen k.pem");
    succeeds(path, CREATE.as_bytes());
    dir
}

/// A script with a name that is not UTF-8 in place of `NAME`.
fn with_odd_name(script: &str) -> Vec<u8> {
    let parts: Vec<&[u8]> = script.split("NAME").map(str::as_bytes).collect();
    parts.join(&b"caf\xe9"[..])
}

#[test]
fn names_that_are_not_utf8_are_names_like_others() {
    let dir = workshop();
    let dir = dir.path();
    let odd = OsString::from_vec(b"caf\xe9".to_vec());
    fs::create_dir(dir.join(&odd)).unwrap();
    for script in [
        "$tool keygen NAME/NAME.pem; $tool --json keygen NAME/two.pem --public NAME/NAME.pub",
        "$tool create --compatible a --version 1 --level 1 --image root=root.img --key NAME/NAME.pem -o NAME/NAME",
        "$tool --json create --compatible a --version 1 --level 1 --image root=root.img -o NAME/NAME",
        "$tool --json sign NAME/NAME --key NAME/NAME.pem",
        "$tool --json info NAME/NAME",
        "$tool --json verify NAME/NAME --key NAME/NAME.pub.pem",
        "$tool extract NAME/NAME --unverified --dir NAME; $tool --json extract NAME/NAME --unverified --dir NAME",
        "cp device.toml NAME.toml; cp v1.drydock NAME.drydock; cp boot.img NAME.img",
        "$tool disk --config NAME.toml --bundle NAME.drydock --recovery-image NAME.img --bmap -o NAME.disk",
        "$tool --json disk --config NAME.toml --bundle NAME.drydock --key k.pub.pem --bmap -o NAME.disk",
        "$tool man --dir NAME",
    ] {
        let said = succeeds(dir, &with_odd_name(script));
        if script.contains("-o NAME/NAME") {
            assert!(said.contains("caf\u{fffd}/caf\u{fffd}"), "{said}");
        }
    }
    assert!(dir.join(&odd).join(&odd).is_file() && dir.join(&odd).join("root.img").is_file());
    for script in [
        "$tool --json info NAME/nothing",
        "$tool --json verify v1.drydock --key NAME/nothing",
        "$tool --json sign v1.drydock --attach NAME/nothing --pubkey k.pub.pem",
        "$tool --json sign v1.drydock --attach device.toml --pubkey NAME/nothing",
        "$tool --json create --compatible a --version 1 --image root=root.img -o NAME/nothing/out",
        "$tool --json extract v1.drydock --unverified --dir NAME/nothing",
        "$tool --json keygen NAME/nothing/k.pem",
        "$tool --json disk --config NAME/nothing --bundle v1.drydock -o x",
        "$tool --json disk --config device.toml --bundle v1.drydock -o NAME/nothing/x",
    ] {
        fails(dir, &with_odd_name(script), "drydock-bundle: ");
    }
    // Here the name is part of text, and refused before anything is written.
    let refused =
        sh(dir, &with_odd_name("$tool create --compatible a --version 1 --image root=NAME.img -o out"));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("invalid UTF-8"), "{refused:?}");
    assert_eq!((refused.status.code(), dir.join("out").exists()), (Some(2), false));
}

#[test]
fn a_public_key_is_called_like_its_private_key_whatever_dots_that_has() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let said = succeeds(
        dir,
        b"$tool keygen release-1.0; $tool keygen release-1.1.pem; $tool keygen plain; $tool --json keygen a.pem.key",
    );
    assert!(said.contains("\"ok\":true"), "{said}");
    let expected = [
        "a.pem.key",
        "a.pem.key.pub.pem",
        "plain",
        "plain.pub.pem",
        "release-1.0",
        "release-1.0.pub.pem",
        "release-1.1.pem",
        "release-1.1.pub.pem",
    ];
    assert_eq!(names(dir), expected);
}

#[test]
fn a_key_pair_comes_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::write(dir.join("taken.pub.pem"), "mine").unwrap();
    for (script, words) in [
        ("$tool keygen taken.pem", "taken.pub.pem: File exists"),
        ("$tool keygen k.pem --public missing/k.pub", "missing/k.pub: No such file"),
        ("$tool keygen k.pem --public k.pem", "File exists"),
        ("trap '' XFSZ; ulimit -f 0; $tool keygen k.pem", "File too large"),
    ] {
        fails(dir, script.as_bytes(), words);
        assert_eq!(names(dir), ["taken.pub.pem"], "{script}");
    }
    assert_eq!(fs::read(dir.join("taken.pub.pem")).unwrap(), b"mine");
}

#[test]
fn names_that_others_have_taken_are_in_nobodys_way() {
    let dir = workshop();
    let dir = dir.path();
    // In a container every run has the same process id, and what was killed there once is still there.
    let taken = "for name in v1.drydock.$$.new v1.drydock.$$.scratch v1.drydock.new v1.drydock.scratch root.img.part \
        disk.img.part disk.img.new disk.img.bmap.new drydock-grub-$$; do mkdir -p $name; done; exec";
    for command in [CREATE, DISK, "$tool extract v1.drydock --unverified root"] {
        succeeds(dir, format!("{taken} {command}").as_bytes());
    }
    let grub = config().replace("none", "grub-bios");
    fs::write(dir.join("device.toml"), grub).unwrap();
    succeeds(dir, format!("{taken} {DISK}").as_bytes());
}

#[test]
fn a_full_disk_leaves_nothing_behind() {
    let dir = workshop();
    let dir = dir.path();
    fs::create_dir(dir.join("out")).unwrap();
    let full = "trap '' XFSZ; ulimit -f 200;";
    for command in [
        CREATE.replace("-o ", "-o out/"),
        DISK.replace("-o ", "-o out/"),
        "$tool extract v1.drydock --unverified --dir out".into(),
    ] {
        fails(dir, format!("{full} {command}").as_bytes(), "File too large");
        let left: Vec<_> = names(&dir.join("out")).into_iter().filter(|name| name != "boot.img").collect();
        assert!(left.is_empty(), "{command}: {left:?}");
    }
    assert_eq!(names(dir).len(), 7, "{:?}", names(dir));
}

#[test]
fn a_disk_that_holds_a_key_is_its_owners_alone() {
    let dir = workshop();
    let dir = dir.path();
    let mode = |name: &str| fs::metadata(dir.join(name)).unwrap().permissions().mode() & 0o777;
    succeeds(dir, format!("umask 022; {DISK}").as_bytes());
    assert_eq!(mode("disk.img"), 0o644);
    fs::write(dir.join("unlock.key"), "secret").unwrap();
    let with_key = "[data]\nencrypted = true\n[[unlock]]\nkind = \"initramfs\"\nfile = \"unlock.key\"\n";
    fs::write(dir.join("device.toml"), config() + with_key).unwrap();
    succeeds(dir, format!("umask 000; {DISK}").as_bytes());
    assert_eq!(mode("disk.img"), 0o600);
    // Keys are so whatever the umask; and the public half is never for all to write.
    succeeds(dir, b"umask 000; $tool keygen new.pem");
    assert_eq!((mode("new.pem"), mode("new.pub.pem")), (0o600, 0o644));
}

#[test]
fn a_malformed_source_date_epoch_ends_the_build() {
    let dir = workshop();
    let dir = dir.path();
    for value in ["abc", "", "-5", "1.5", "$'\\xff'"] {
        fails(dir, format!("export SOURCE_DATE_EPOCH={value}; {DISK}").as_bytes(), "SOURCE_DATE_EPOCH: ");
        assert!(!dir.join("disk.img").exists(), "{value}");
    }
    succeeds(dir, format!("export SOURCE_DATE_EPOCH=1700000000; {DISK}").as_bytes());
}
