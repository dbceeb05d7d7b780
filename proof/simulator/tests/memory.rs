//! How much memory an install takes: the same for a real image and for a huge one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_fixtures::Random;
use drydock_simulator::native;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;

/// The limit in KiB.
const LIMIT: u64 = 32 << 10;

fn peak(folder: &Path, image: &Path) -> u64 {
    native::prepare(folder, image, 1).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_bench"));
    command.arg("install").arg(folder).args(["2", "sparse"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let kib = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
    println!("{kib} KiB at most");
    kib
}

#[test]
fn an_image_of_500_megabytes() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join("image");
    let mut image = File::create(&path).unwrap();
    let mut random = Random::new(5);
    let mut piece = vec![0; 1 << 20];
    for _ in 0..500 {
        // Half of each block is noise, so that frames are large.
        piece.chunks_mut(4096).for_each(|block| random.fill(&mut block[..2048]));
        image.write_all(&piece).unwrap();
    }
    assert!(peak(folder.path(), &path) <= LIMIT);
}

#[test]
fn a_sparse_image_of_8_gibibytes() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join("image");
    let mut image = File::create(&path).unwrap();
    image.write_all(&[1; 4096]).unwrap();
    image.set_len(8 << 30).unwrap();
    assert!(peak(folder.path(), &path) <= LIMIT);
}
