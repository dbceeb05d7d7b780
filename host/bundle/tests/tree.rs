//! The hash tree against a straightforward one, and against its own damage.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use drydock_fixtures::noise;
use drydock_format::Error;
use drydock_format::tree::{BLOCK, GROUP, Hasher, Tree, build};
use drydock_format::{Digest, Image, Salt, sha256};
use proptest::prelude::*;

/// The tree as the kernel's documentation tells it: level upon level of hashed blocks.
fn reference(data: &[u8], salt: &[u8]) -> (Digest, Vec<Vec<u8>>) {
    let hash = |block: &[u8]| sha256(&[salt, block].concat()).0;
    let mut levels = vec![data.to_vec()];
    while levels[0].len() > BLOCK || levels.len() == 1 {
        let mut level: Vec<u8> = levels[0].chunks(BLOCK).flat_map(hash).collect();
        level.resize(level.len().next_multiple_of(BLOCK), 0);
        levels.insert(0, level);
    }
    levels.pop();
    (Digest(hash(&levels[0])), levels)
}

fn image(size: u64, salt: &Salt, root_hash: Digest) -> Image {
    Image {
        name: "x".into(),
        class: "x".into(),
        size,
        salt: salt.clone(),
        root_hash,
        frame_size: GROUP as u32,
    }
}

fn digests(data: &[u8], salt: &Salt) -> Vec<Digest> {
    data.chunks(GROUP).map(|group| Hasher::new(salt).group_digest(group)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn it_is_the_reference_tree(blocks in prop_oneof![9 => 2usize..300, 1 => 16_384usize..16_600], salt in "([0-9a-f]{2}){0,32}") {
        let salt: Salt = salt.parse().unwrap();
        let data = noise(blocks * BLOCK, blocks as u64);
        let (root, levels) = reference(&data, salt.as_bytes());
        let (leaves, upper) = levels.split_last().unwrap();

        let (built, groups) = build(&salt, &digests(&data, &salt));
        prop_assert_eq!(built, root);
        prop_assert_eq!(&groups, &upper.concat());
        let image = image(data.len() as u64, &salt, root);
        let tree = image.tree();
        prop_assert_eq!(tree.groups_size(), groups.len() as u64);
        prop_assert_eq!(tree.size(), levels.concat().len() as u64);
        prop_assert_eq!(image.group_digests(&groups).unwrap(), digests(&data, &salt));
        let made: Vec<u8> = data.chunks(GROUP).flat_map(|group| Hasher::new(&salt).leaf_block(group)).collect();
        prop_assert_eq!(&made, leaves);
    }

    #[test]
    fn a_changed_byte_is_noticed_wherever_it_is(at in 0usize..3 * BLOCK, flip in 1u8..) {
        // Three levels: one block on top, two in the middle, of which most is padding.
        let data: Vec<Digest> = (0..130u8).map(|i| sha256(&[i])).collect();
        let salt = Salt::default();
        let (root, mut groups) = build(&salt, &data);
        let image = image(130 * GROUP as u64, &salt, root);
        prop_assert_eq!(image.group_digests(&groups).unwrap(), data);
        groups[at] ^= flip;
        let damaged = matches!(image.group_digests(&groups), Err(Error::Groups { .. }));
        prop_assert!(damaged);
    }
}

#[test]
fn sizes_at_the_edges_of_a_level() {
    for (blocks, levels) in [
        (2, vec![1]),
        (128, vec![1]),
        (129, vec![1, 2]),
        (128 * 128, vec![1, 128]),
        (128 * 128 + 1, vec![1, 2, 129]),
        (1 << 28, vec![1, 128, 128 * 128, 1 << 21]),
    ] {
        assert_eq!(Tree::new(blocks).levels(), levels, "{blocks}");
    }
}
