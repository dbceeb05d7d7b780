//! Images that are damaged, or made to do harm: each gives an error or a tree that keeps its promises, and soon.

use crate::source::{Source, check_extents};
use drydock_fixtures::Random;
use drydock_trees::{Error, Tree, read};

/// How many damaged images are tried of each kind.
const TRIES: usize = 3000;

const KINDS: [&str; 10] = [
    "mkfs.erofs --quiet -Enoinline_data image tree",
    "mkfs.erofs --quiet image tree",
    "mkfs.erofs --quiet --chunksize=4096 image tree",
    "mkfs.erofs --quiet -zlz4 image tree",
    "truncate -s 600K image && mke2fs -q -F -t ext4 -b 1024 -N 128 -O ^has_journal -d tree image",
    "truncate -s 600K image && mke2fs -q -F -t ext2 -b 1024 -N 128 -d tree image",
    "mksquashfs tree image -noappend -quiet -no-progress -noI -noD -noF",
    "mksquashfs tree image -noappend -quiet -no-progress -comp gzip",
    "mksquashfs tree image -noappend -quiet -no-progress -comp xz",
    "mksquashfs tree image -noappend -quiet -no-progress -comp zstd",
];

/// Reads an image that may be anything. Returns whether it was refused.
fn survive(image: &[u8]) -> bool {
    match read(&image) {
        Ok(tree) => {
            for file in tree.iter().flat_map(|tree| &tree.files) {
                check_extents(file, image);
            }
            false
        }
        Err(Error::Read { .. }) => panic!("bytes in memory can be read"),
        Err(error) => !error.to_string().is_empty(),
    }
}

/// The bytes that are no file's and not only zeros around them: where damage matters.
fn metadata(image: &[u8], tree: &Tree) -> Vec<usize> {
    let mut is_content = vec![false; image.len()];
    for extent in tree.files.iter().flat_map(|file| &file.extents) {
        is_content[extent.at as usize..(extent.at + extent.len) as usize].fill(true);
    }
    let near =
        |at: usize| image[at.saturating_sub(16)..(at + 16).min(image.len())].iter().any(|byte| *byte != 0);
    (0..image.len()).filter(|at| !is_content[*at] && near(*at)).collect()
}

#[test]
fn flipped_bytes_are_survived() {
    let source = Source::small();
    for (kind, line) in KINDS.iter().enumerate() {
        let (mut image, tree) = source.image(line);
        let places = metadata(&image, &tree);
        let mut random = Random::new(kind as u64);
        let mut refused = 0;
        for _ in 0..TRIES {
            let flips: Vec<(usize, u8)> = (0..1 + random.below(8))
                .map(|_| {
                    let at = places[random.below(places.len())];
                    (at, image[at])
                })
                .collect();
            for (at, _) in &flips {
                // What is damaged is often a number that is too large, or too small.
                image[*at] =
                    [random.number() as u8, 0, 0xff, image[*at] ^ 1 << random.below(8)][random.below(4)];
            }
            refused += usize::from(survive(&image));
            for (at, byte) in flips.into_iter().rev() {
                image[at] = byte;
            }
        }
        assert!(refused > TRIES / 20, "{line}: {refused}");
        assert_eq!(read(&image).unwrap(), Some(tree));
    }
}

#[test]
fn images_that_are_cut_off_are_survived() {
    let source = Source::small();
    for line in KINDS {
        let (image, _) = source.image(line);
        let cuts = (0..image.len()).step_by(image.len() / 200).chain(0..200).chain(1000..1200);
        let refused = cuts.filter(|len| survive(&image[..*len])).count();
        assert!(refused > 100, "{line}: {refused}");
    }
}

#[test]
fn what_is_no_filesystem_is_none() {
    for image in [vec![], vec![0; 1 << 20], b"hsqs".to_vec(), drydock_fixtures::noise(300_000, 1)] {
        assert!(matches!(read(&image), Ok(None)));
    }
}

#[test]
fn a_directory_that_holds_itself_is_damaged() {
    let source = Source::of(|tree| std::fs::create_dir(tree.join("a-folder-to-find")).unwrap());
    let (mut image, _) = source.image("mkfs.erofs --quiet -Enoinline_data image tree");
    let root = u64::from(u16::from_le_bytes([image[1024 + 14], image[1024 + 15]]));
    let name = image.windows(16).position(|bytes| bytes == b"a-folder-to-find").unwrap();
    // Before it are its entry, and the names of the directory and of the one above.
    let entry = name - 3 - 12;
    assert_ne!(image[entry..entry + 8], root.to_le_bytes());
    image[entry..entry + 8].copy_from_slice(&root.to_le_bytes());
    let said = read(&image).unwrap_err().to_string();
    assert!(said.contains("a directory is in two places: a-folder-to-find"), "{said}");
}
