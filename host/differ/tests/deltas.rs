//! Deltas lead to the new image, whatever the images are; and whatever is done to them, nothing worse than wrong bytes
//! comes of it, which the groups' digests find.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_delta::{Coding, Index, decode};
use drydock_differ::{Made, Options, make};
use drydock_fixtures::Random;
use drydock_format::tree::GROUP;
use proptest::prelude::*;
use std::process::Command;

const MODEL: Coding = Coding::Model { table_bits: 14 };

fn options(coding: Coding) -> Options {
    Options { coding, unpack: true, threads: 2 }
}

fn padded(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.resize(bytes.len().next_multiple_of(4096).max(8192), 0);
    bytes
}

/// What a delta gives from a base: its groups, as far as they come.
fn applied(made: &Made, base: &[u8]) -> Result<Vec<u8>, drydock_delta::Error> {
    let index = Index::parse(&made.index, made.data.len() as u64)?;
    let mut all = Vec::new();
    for section in 0..index.sections.len() {
        let mut sink = |bytes: &[u8]| {
            all.extend_from_slice(bytes);
            true
        };
        if let Some(unreadable) = decode(&index, section, &made.data, &base, &mut sink)? {
            return Err(unreadable);
        }
    }
    Ok(all)
}

fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    Random::new(seed).fill(&mut bytes);
    bytes
}

/// A base of a few groups, and what became of it: words changed, a part moved, something new.
fn pair() -> (Vec<u8>, Vec<u8>) {
    let mut base = noise(1, 3 * GROUP / 2);
    base.extend(vec![0; GROUP]);
    base.extend(noise(2, GROUP + 5000));
    let mut target = base.clone();
    for word in target.as_chunks_mut::<4>().0.iter_mut().skip(5000).step_by(997) {
        *word = (u32::from_le_bytes(*word) ^ 0x1000).to_le_bytes();
    }
    target.rotate_left(70_000);
    target.splice(GROUP..GROUP, noise(3, 9000));
    (padded(base), padded(target))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn any_two_images_have_a_delta_in_either_coding(
        pieces in proptest::collection::vec((0u64..6, 1usize..60_000), 1..8),
        others in proptest::collection::vec((0u64..6, 1usize..60_000), 1..8),
    ) {
        let image = |pieces: &[(u64, usize)]| {
            padded(pieces.iter().flat_map(|(seed, len)| noise(*seed, *len)).collect())
        };
        let (base, target) = (image(&pieces), image(&others));
        for coding in [MODEL, Coding::Streams] {
            let made = make(&base, &target, options(coding)).unwrap();
            prop_assert!(applied(&made, &base).unwrap() == target);
        }
    }
}

#[test]
fn the_same_images_give_the_same_delta_on_any_number_of_threads() {
    let (base, target) = pair();
    let made = [1, 2, 7].map(|threads| {
        let made = make(&base, &target, Options { threads, ..options(MODEL) }).unwrap();
        [made.index, made.data].concat()
    });
    assert!(made[0] == made[1] && made[1] == made[2]);
    assert!(made[0].len() < 40_000, "{}", made[0].len());
}

#[test]
fn a_delta_that_is_damaged_anywhere_is_refused_or_gives_other_bytes_and_never_more() {
    let (base, target) = pair();
    for coding in [MODEL, Coding::Streams] {
        let made = make(&base, &target, options(coding)).unwrap();
        let mut random = Random::new(9);
        let (mut refused, mut other) = (0, 0);
        for _ in 0..200 {
            let mut bent = made.clone();
            let mut place = [0; 8];
            random.fill(&mut place);
            let place = u64::from_le_bytes(place) as usize;
            let all = bent.index.len() + bent.data.len();
            let at = place % (all * 8);
            let bytes = match at / 8 < bent.index.len() {
                true => &mut bent.index[at / 8],
                false => &mut bent.data[at / 8 - made.index.len()],
            };
            *bytes ^= 1 << (at % 8);
            match applied(&bent, &base) {
                Ok(given) if given == target => panic!("bit {at} means nothing"),
                Ok(given) => {
                    assert_eq!(given.len(), target.len());
                    other += 1;
                }
                Err(_) => refused += 1,
            }
        }
        assert!(refused > 3 && other > 20, "{refused} refused, {other} gave other bytes");
    }
}

#[test]
fn a_delta_that_is_cut_short_or_out_of_order_is_refused() {
    let (base, target) = pair();
    let made = make(&base, &target, options(MODEL)).unwrap();
    for len in [0, 7, 39, 41, made.index.len() - 1] {
        let index = made.index[..len].to_vec();
        assert!(applied(&Made { index, ..made.clone() }, &base).is_err(), "{len}");
    }
    let data = made.data[..made.data.len() - 1].to_vec();
    assert!(applied(&Made { data, ..made.clone() }, &base).is_err());
    let mut data = made.data.clone();
    data.rotate_left(100);
    assert!(!applied(&Made { data, ..made }, &base).is_ok_and(|given| given == target));
}

#[test]
fn another_base_of_the_same_size_gives_other_bytes() {
    let (base, target) = pair();
    let made = make(&base, &target, options(MODEL)).unwrap();
    let given = applied(&made, &noise(77, base.len()));
    assert!(given.is_err() || given.is_ok_and(|given| given.len() == target.len() && given != target));
}

/// Compiles a program whose functions are called all over, with or without others between them.
fn program(folder: &std::path::Path, others: bool) -> Vec<u8> {
    let mut source = String::from("#include <stdio.h>\nvolatile int sum;\n");
    let count = 900;
    for nth in 0..count {
        if others && nth % 11 == 0 {
            source += &format!("__attribute__((noinline)) void x{nth}(void) {{ sum += {nth} * 77; }}\n");
        }
        source += &format!("__attribute__((noinline)) void f{nth}(int n) {{ sum += n * {nth}; ");
        if nth > 3 {
            source += &format!("if (n & {nth}) f{}(n - 1); f{}(n - 2);", nth - 1, nth * nth % 7919 % nth);
        }
        source += "}\n";
    }
    source += "int main(void) { f899(9); printf(\"%d\", sum); return 0; }\n";
    let (file, out) = (folder.join("p.c"), folder.join("p"));
    std::fs::write(&file, source).unwrap();
    let made = Command::new("gcc")
        .args(["-O1", "-s", "-fno-asynchronous-unwind-tables", "-o"])
        .arg(&out)
        .arg(&file)
        .status()
        .unwrap();
    assert!(made.success());
    padded(std::fs::read(&out).unwrap())
}

#[test]
fn addresses_that_moved_cost_next_to_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (program(folder.path(), false), program(folder.path(), true));
    let image = |name: &str, program: &[u8]| {
        let root = folder.path().join(name);
        std::fs::create_dir(&root).unwrap();
        std::fs::write(root.join("program"), program).unwrap();
        let image = folder.path().join(format!("{name}.img"));
        let mut erofs = Command::new("mkfs.erofs");
        erofs.args(["-d0", "-T0", "-U6b7c1d2e-0000-4000-8000-000000000001", "-Enoinline_data"]);
        let made = erofs.arg(&image).arg(&root).status().unwrap();
        assert!(made.success());
        padded(std::fs::read(image).unwrap())
    };
    let (base, target) = (image("old", &old), image("new", &new));
    let as_files = make(&base, &target, options(MODEL)).unwrap();
    assert!(applied(&as_files, &base).unwrap() == target);
    // As plain bytes nothing is known of their addresses.
    let plain = make(&old, &new, options(MODEL)).unwrap();
    let (with, without) = (as_files.data.len(), plain.data.len());
    assert!(with * 4 < without * 3, "{with} bytes with addresses, {without} without");
}
