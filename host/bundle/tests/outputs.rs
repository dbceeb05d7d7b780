//! What is where an output goes: only a regular file is ever replaced. A device node would be gone, with nothing flashed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::factory::{BIOS, DISK, factory, tool};
use drydock_fixtures::{output, sh};
use std::fs;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::path::Path;

/// Every subcommand that has an output, writing to the file `out.img` in the folder `to`.
const COMMANDS: [&str; 3] = [
    "create --compatible a --version 1 --level 1 --image root=root.img -o to/out.img",
    "disk --config device.toml --bundle v1.drydock -o to/out.img",
    "extract --unverified v1.drydock out --dir to",
];

/// A factory whose bundle has an image `out`, so that all three write the same file.
fn workshop() -> tempfile::TempDir {
    let dir = factory(BIOS);
    common::factory::bundle(dir.path(), "acme-pump", "--image out=root.img,class=root --image boot=boot.img");
    fs::create_dir(dir.path().join("to")).unwrap();
    dir
}

/// Runs the command, which must fail with these words and leave nothing beside what was there.
fn refused(dir: &Path, line: &str, words: &str) {
    let said = output(dir, &format!("{} {line}", tool()));
    let stderr = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.status.code() == Some(1) && stderr.contains(words), "{line}: {stderr}");
    assert_eq!(fs::read_dir(dir.join("to")).unwrap().count(), 1, "{line}");
}

#[test]
fn an_output_that_is_no_regular_file_is_refused_and_stays() {
    let dir = workshop();
    let dir = dir.path();
    let out = dir.join("to/out.img");
    for line in COMMANDS {
        sh(dir, "mkfifo to/out.img");
        refused(dir, line, "not a regular file");
        assert!(fs::metadata(&out).unwrap().file_type().is_fifo(), "{line}");
        fs::remove_file(&out).unwrap();

        fs::create_dir(&out).unwrap();
        refused(dir, line, "is a directory");
        fs::remove_dir(&out).unwrap();

        for (target, words) in [("/dev/null", "is a device"), ("nowhere", "symbolic link to nothing")] {
            symlink(target, &out).unwrap();
            refused(dir, line, words);
            assert_eq!(fs::read_link(&out).unwrap(), Path::new(target), "{line}");
            fs::remove_file(&out).unwrap();
        }
    }
}

#[test]
fn a_symbolic_link_to_a_file_is_followed_not_replaced() {
    let dir = workshop();
    let dir = dir.path();
    fs::create_dir(dir.join("far")).unwrap();
    for line in COMMANDS {
        fs::write(dir.join("far/file"), "old").unwrap();
        symlink("../far/file", dir.join("to/out.img")).unwrap();
        sh(dir, &format!("{} {line}", tool()));
        assert!(fs::symlink_metadata(dir.join("to/out.img")).unwrap().is_symlink(), "{line}");
        assert!(fs::metadata(dir.join("far/file")).unwrap().len() > 4096, "{line}");
        assert_eq!(fs::read_dir(dir.join("far")).unwrap().count(), 1, "{line}");
        fs::remove_file(dir.join("to/out.img")).unwrap();
    }
}

#[test]
fn a_block_map_follows_the_rule_too() {
    let dir = workshop();
    let dir = dir.path();
    sh(dir, "mkfifo disk.img.bmap");
    let said = output(dir, &format!("{} {DISK} --bmap", tool()));
    assert!(
        !said.status.success() && String::from_utf8_lossy(&said.stderr).contains("disk.img.bmap"),
        "{said:?}"
    );
    assert!(fs::metadata(dir.join("disk.img.bmap")).unwrap().file_type().is_fifo());
    assert!(!dir.join("disk.img").exists());
}
