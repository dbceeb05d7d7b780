//! Arbitrary bytes with a structure, held against both tools; and damage.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Noise, by_the_tool, gzip, lz4, packed, programs, text, unpacked};
use drydock_repack::{Error, GzipLevel, Lz4Block, Lz4BlockReader, Lz4Level, Packing, recognise};
use proptest::prelude::*;

/// A piece of an input.
#[derive(Clone, Debug)]
enum Piece {
    Noise(u64, usize),
    Letters(u64, usize, u8),
    Run(u8, usize),
    Again(usize, usize),
}

fn piece() -> impl Strategy<Value = Piece> {
    prop_oneof![
        (any::<u64>(), 0..3000usize).prop_map(|(seed, length)| Piece::Noise(seed, length)),
        (any::<u64>(), 0..9000usize, 1..20u8)
            .prop_map(|(seed, length, few)| Piece::Letters(seed, length, few)),
        (any::<u8>(), 0..2000usize).prop_map(|(byte, length)| Piece::Run(byte, length)),
        (1..70_000usize, 0..700usize).prop_map(|(back, length)| Piece::Again(back, length)),
        (1..70_000usize, 0..40_000usize).prop_map(|(back, length)| Piece::Again(back, length)),
    ]
}

fn bytes(pieces: &[Piece]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for piece in pieces {
        match *piece {
            Piece::Noise(seed, length) => bytes.extend(Noise(seed).bytes(length)),
            Piece::Letters(seed, length, few) => {
                bytes.extend(Noise(seed).bytes(length).iter().map(|byte| b'a' + byte % few));
            }
            Piece::Run(byte, length) => bytes.extend(std::iter::repeat_n(byte, length)),
            Piece::Again(back, length) => {
                for _ in 0..length {
                    let from = bytes.len().saturating_sub(back);
                    bytes.push(bytes.get(from).copied().unwrap_or(7));
                }
            }
        }
    }
    bytes
}

fn packing() -> impl Strategy<Value = Packing> {
    prop_oneof![
        (1..=9u8).prop_map(|level| Packing::Gzip(GzipLevel::new(level).unwrap())),
        (3..=9u8).prop_map(|level| Packing::Lz4Legacy(Lz4Level::new(level).unwrap())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_it_is_it_is_packed_as_the_tools_do_and_comes_back(
        pieces in proptest::collection::vec(piece(), 0..30),
        packing in packing(),
        cut in 1..100_000usize,
    ) {
        let bytes = bytes(&pieces);
        let expected = by_the_tool(packing, &bytes);
        prop_assert!(packed(packing, &bytes, cut) == expected);
        prop_assert!(unpacked(packing, &expected, bytes.len(), cut).unwrap() == bytes);
    }
}

fn damage(noise: &mut Noise, packed: &[u8]) -> Vec<u8> {
    let mut damaged = packed.to_vec();
    for _ in 0..=noise.below(3) {
        let at = noise.below(damaged.len());
        match noise.below(5) {
            0 => damaged.truncate(at),
            1 => damaged.insert(at, noise.next() as u8),
            _ if damaged.is_empty() => (),
            2 => damaged[at] = noise.next() as u8,
            3 => drop(damaged.remove(at)),
            _ => damaged[at] ^= 1 << noise.below(8),
        }
    }
    damaged
}

#[test]
fn ten_thousand_damages_end_in_errors_or_in_bytes_of_the_same_length() {
    let mut content = text(20_000);
    content.extend(programs(20_000));
    content.extend(Noise(9).bytes(3000));
    let mut noise = Noise(10);
    let mut refused = [0; 2];
    for packing in [gzip(1), gzip(9), lz4(3), lz4(9)] {
        let whole = by_the_tool(packing, &content);
        for _ in 0..2500 {
            let damaged = damage(&mut noise, &whole);
            let is_gzip = matches!(packing, Packing::Gzip(_));
            match unpacked(packing, &damaged, content.len(), 3001) {
                Ok(bytes) => {
                    assert_eq!(bytes.len(), content.len());
                    assert!(!is_gzip || bytes == content, "the checksum of gzip found nothing");
                }
                Err(Error::Damaged { .. } | Error::Length { .. }) => refused[usize::from(is_gzip)] += 1,
                Err(error) => panic!("{error}"),
            }
            let block = Lz4Block { packed: 8..damaged.len() as u64, unpacked: 0..content.len() as u64 };
            let mut reader = Lz4BlockReader::new(&block, damaged.get(8..).unwrap_or_default());
            let (mut piece, mut length) = ([0; 4096], 0);
            while let Ok(count @ 1..) = reader.read(&mut piece) {
                length += count;
            }
            assert!(length <= content.len());
            let _ = recognise(&damaged);
        }
    }
    assert!(refused[1] > 4900, "damaged gzip files are refused, {} of 5000", refused[1]);
    assert!(refused[0] > 1000, "most damages of LZ4 show in its lengths, {} of 5000", refused[0]);
}

#[test]
fn every_cut_is_an_error() {
    let content = text(5000);
    for packing in [gzip(6), lz4(9)] {
        let whole = by_the_tool(packing, &content);
        for length in 0..whole.len() {
            let cut = unpacked(packing, &whole[..length], content.len(), 999);
            assert!(
                matches!(cut, Err(Error::Damaged { .. } | Error::Length { .. })),
                "{length} of {}",
                whole.len()
            );
        }
        assert!(unpacked(packing, &whole, content.len(), 999).unwrap() == content);
    }
}

#[test]
fn another_length_than_the_stated_one_is_an_error() {
    let content = text(70_000);
    for packing in [gzip(6), lz4(9)] {
        let whole = by_the_tool(packing, &content);
        for length in [0, 1, content.len() - 1, content.len() + 1, 9 << 20, 1 << 40] {
            let wrong = unpacked(packing, &whole, length, 999);
            assert!(matches!(wrong, Err(Error::Damaged { .. } | Error::Length { .. })), "{length}");
        }
    }
}

#[test]
fn a_packing_has_a_code_and_no_other_code_is_one() {
    for kind in 0..=255u8 {
        for level in 0..=255u8 {
            match Packing::from_code([kind, level]) {
                Ok(packing) => assert_eq!(packing.code(), [kind, level]),
                Err(error) => {
                    assert!(
                        !(kind == 1 && (1..=9).contains(&level) || kind == 2 && (3..=9).contains(&level))
                    );
                    assert!(error.to_string().contains(&kind.to_string()));
                }
            }
        }
    }
}
