//! Held against Debian's lz4: each level, the edges of blocks, and blocks at random.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Noise, by_the_tool, check, lz4, programs, text};
use drydock_repack::{Lz4BlockReader, Lz4Index};

const BLOCK: usize = 8 << 20;

#[test]
fn every_level_packs_as_lz4_does() {
    let mut runs = Vec::new();
    let mut noise = Noise(4);
    while runs.len() < 400_000 {
        let (byte, length) = (noise.next() as u8 & 1, noise.below(600));
        runs.extend(std::iter::repeat_n(byte, length));
        if noise.below(3) == 0 {
            runs.push(noise.next() as u8);
        }
    }
    let samples = [
        ("nothing", Vec::new()),
        ("a text", text(1_000_000)),
        ("programs", programs(2_000_000)),
        ("noise", Noise(2).bytes(300_000)),
        ("zeros", vec![0; 300_000]),
        ("few letters", Noise(3).bytes(300_000).iter().map(|byte| b'a' + byte % 3).collect()),
        ("runs", runs),
    ];
    for level in 3..=9 {
        for (name, bytes) in &samples {
            check(lz4(level), bytes, name);
        }
    }
}

#[test]
fn short_inputs_of_every_length_are_packed_as_lz4_does() {
    let text = text(400);
    for length in 0..60 {
        check(lz4(9), &text[..length], "text");
        check(lz4(9), &vec![b'x'; length], "runs");
    }
}

#[test]
fn input_that_ends_near_the_end_of_a_block_is_packed_as_lz4_does() {
    let programs = programs(BLOCK + 20);
    for length in [BLOCK - 1, BLOCK, BLOCK + 1, BLOCK + 12, BLOCK + 13, BLOCK + 20] {
        check(lz4(9), &programs[..length], "programs");
    }
}

#[test]
fn blocks_of_bytes_that_cannot_be_packed_come_out_whole_though_they_grow() {
    let mut noise = Noise(8).bytes(BLOCK + 70_000);
    check(lz4(9), &noise, "noise");
    // The farthest matches, behind as much growth as there can be.
    noise.copy_within(BLOCK - 131_070..BLOCK - 65_535, BLOCK - 65_535);
    check(lz4(9), &noise, "noise, and a half of it again");
}

#[test]
fn eight_mebibytes_of_zeros_are_packed_as_lz4_does() {
    check(lz4(9), &vec![0; 2 * BLOCK + 7], "zeros");
}

#[test]
fn every_block_can_be_read_alone() {
    let programs = programs(2 * BLOCK + 1_000_000);
    let packed = by_the_tool(lz4(9), &programs);
    let mut read = 0;
    let index = Lz4Index::read(packed.len() as u64, programs.len() as u64, |offset, field| {
        read += field.len();
        field.copy_from_slice(&packed[offset as usize..][..field.len()]);
        Ok(())
    })
    .unwrap();
    assert_eq!(read, 16, "the magic number and three lengths");
    assert_eq!(index.unpacked(), programs.len() as u64);
    for offset in [programs.len() - 1, BLOCK, 2 * BLOCK - 1, 0, 2 * BLOCK] {
        let block = index.block(offset as u64).unwrap();
        let unpacked = block.unpacked.start as usize..block.unpacked.end as usize;
        assert!(unpacked.contains(&offset));
        let mut reader = Lz4BlockReader::new(&block, &packed[block.packed.start as usize..]);
        let (mut out, mut piece) = (Vec::new(), [0; 3000]);
        loop {
            match reader.read(&mut piece).unwrap() {
                0 => break,
                count => out.extend_from_slice(&piece[..count]),
            }
        }
        assert!(out == programs[unpacked], "the block with {offset}");
    }
    assert!(index.block(programs.len() as u64).is_none());
}

#[test]
fn an_index_of_another_length_is_refused() {
    let bytes = text(100_000);
    let packed = by_the_tool(lz4(9), &bytes);
    let index = |packed: &[u8], length: usize| {
        let packed = packed.to_vec();
        Lz4Index::read(packed.len() as u64, length as u64, move |offset, field| {
            field.copy_from_slice(&packed[offset as usize..][..field.len()]);
            Ok(())
        })
        .map_err(|error| error.to_string())
    };
    assert!(index(&packed, bytes.len()).is_ok());
    let longer = [&packed[..], b"...."].concat();
    let another = [b"#", &packed[1..]].concat();
    for (packed, length, reason) in [
        (&packed[..], 1000, "a block is too long"),
        (&packed[..], BLOCK + 1, "ends too early"),
        (&packed[..], usize::MAX, "ends too early"),
        (&packed[..packed.len() - 1], bytes.len(), "a block is too long"),
        (&packed[..3], bytes.len(), "legacy format"),
        (&another[..], bytes.len(), "legacy format"),
        (&longer[..], bytes.len(), "something follows"),
    ] {
        let message = index(packed, length).unwrap_err();
        assert!(message.contains(reason), "{message}, not {reason}");
    }
}
