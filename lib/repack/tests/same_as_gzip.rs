//! Held against Debian's gzip, each level, and the gzip files that Debian's packages brought here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Noise, check, gzip, programs, text};
use drydock_repack::{Packing, recognise};
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_level_packs_as_gzip_does() {
    let mut mixed = text(300_000);
    mixed.extend(Noise(1).bytes(200_000));
    mixed.extend(programs(400_000));
    mixed.extend(vec![0; 200_000]);
    let samples = [
        ("nothing", Vec::new()),
        ("one byte", vec![b'a']),
        ("two bytes", b"ab".to_vec()),
        ("three times the same", b"aaa".to_vec()),
        ("a text", text(1_000_000)),
        ("programs", programs(2_000_000)),
        ("noise", Noise(2).bytes(300_000)),
        ("zeros", vec![0; 300_000]),
        ("few letters", Noise(3).bytes(300_000).iter().map(|byte| b'a' + byte % 3).collect()),
        ("mixed", mixed),
    ];
    for level in 1..=9 {
        for (name, bytes) in &samples {
            check(gzip(level), bytes, name);
        }
    }
}

#[test]
fn input_that_ends_near_an_edge_of_the_window_is_packed_as_gzip_does() {
    let (text, programs) = (text(140_000), programs(140_000));
    let half = 32768;
    let edges = [half, 2 * half - 262, 2 * half, 3 * half - 262, 3 * half, 4 * half];
    for edge in edges {
        for length in edge - 3..=edge + 3 {
            for level in [1, 4, 9] {
                check(gzip(level), &text[..length], "text");
                check(gzip(level), &programs[programs.len() - length..], "programs");
            }
        }
    }
}

/// gzip measures matches beyond the end of its input, where zeros and older bytes lie, and looks for none behind the last
/// place at which its window would move.
#[test]
fn what_lies_in_the_window_behind_the_end_counts_as_it_does_for_gzip() {
    let mut few = Noise(12).bytes(100_000);
    for part in [64_000..66_000, 97_000..99_000] {
        few[part].iter_mut().for_each(|byte| *byte = *byte / 64 % 2);
    }
    for end in 65_270..65_350 {
        check(gzip([1, 3, 6, 9][end % 4]), &few[..end], "zeros and ones");
        check(gzip([1, 3, 6, 9][end / 4 % 4]), &few[end % 80..end], "zeros and ones");
    }
    for end in 98_250..98_330 {
        check(gzip([1, 3, 6, 9][end % 4]), &few[..end], "zeros and ones");
    }
}

#[test]
fn short_inputs_of_every_length_are_packed_as_gzip_does() {
    let text = text(600);
    for length in 0..300 {
        check(gzip(9), &text[..length], "text");
        check(gzip(1), &text[300..300 + length], "text");
    }
}

#[test]
fn every_gzip_file_that_debian_ships_in_man_pages_and_documents_comes_back() {
    let mut paths = Vec::new();
    for folder in ["/usr/share/man", "/usr/share/doc"] {
        find(Path::new(folder), &mut paths);
    }
    assert!(!paths.is_empty(), "there are no documents here");
    let mut others = Vec::new();
    for path in &paths {
        let file = fs::read(path).unwrap();
        let same = recognise(&file).is_some_and(|found| matches!(found.packing, Packing::Gzip(_)));
        if !same {
            others.push(path);
        }
    }
    println!("{} of {} came back", paths.len() - others.len(), paths.len());
    // Some are not made by gzip, and what gzip makes of one of many files can depend on the one before.
    assert!(others.len() * 50 <= paths.len(), "{} of {}: {others:?}", others.len(), paths.len());
}

fn find(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            find(&entry.path(), paths);
        } else if kind.is_file() && entry.path().extension().is_some_and(|extension| extension == "gz") {
            paths.push(entry.path());
        }
    }
}
