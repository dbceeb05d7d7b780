use crate::source::{Source, has_content, text};
use drydock_fixtures::noise;
use drydock_trees::{Kind, Stored};
use std::fs;
use std::os::unix::fs::FileExt;

/// Makes an image of the tree and holds it against that.
fn hold(source: &Source, options: &str) {
    let (image, tree) = source.image(&format!("{} && fsck.ext4 -fn image", line("64M", options)));
    assert!(matches!(tree.kind, Kind::Ext { unclean: false, .. }));
    assert!(tree.files.iter().all(|file| file.stored == Stored::Plain));
    source.hold(&image, &tree, has_content);
}

fn line(size: &str, options: &str) -> String {
    format!("truncate -s {size} image && mke2fs -q -F -N 8192 {options} -d tree image")
}

#[test]
fn every_file_is_found_whatever_the_block_size() {
    let source = Source::varied();
    for (block, size) in [(1024, "64M"), (2048, "64M"), (4096, "64M"), (65_536, "512M")] {
        let (image, tree) = source.image(&line(size, &format!("-t ext4 -b {block}")));
        assert_eq!(tree.kind, Kind::Ext { block, unclean: false });
        source.hold(&image, &tree, has_content);
        // More pieces than fit into one leaf of the tree of extents.
        let comb = tree.files.iter().find(|file| file.path == b"comb").unwrap();
        assert!(comb.extents.len() >= if block > 4096 { 1 } else { 700 });
    }
}

#[test]
fn every_file_is_found_with_maps_of_blocks() {
    let source = Source::varied();
    for options in [
        "-t ext4 -b 1024 -O ^extent,^64bit",
        "-t ext4 -b 4096 -O ^extent,^64bit",
        "-t ext2 -b 2048",
        "-t ext3",
    ] {
        hold(&source, options);
    }
    // So far into the file that three blocks lead there.
    let far = Source::of(|tree| {
        let file = fs::File::create(tree.join("far")).unwrap();
        for offset in [0, 11 << 10, 12 << 10, 267 << 10, 268 << 10, 65_803 << 10, 65_804 << 10, 80 << 20] {
            file.write_all_at(&noise(1024, offset), offset).unwrap();
        }
    });
    hold(&far, "-t ext2 -b 1024");
}

#[test]
fn every_file_is_found_with_other_features() {
    let source = Source::varied();
    for options in [
        "-t ext4 -O ^64bit,^metadata_csum,^flex_bg",
        "-t ext4 -O ^filetype",
        "-t ext4 -O meta_bg,^resize_inode -b 1024 -g 256",
        "-t ext4 -O ^sparse_super,^resize_inode -b 1024 -g 1024",
        "-t ext4 -I 128 -O ^metadata_csum",
        "-t ext4 -O metadata_csum_seed,ea_inode,large_dir,casefold,verity",
    ] {
        hold(&source, options);
    }
    let (image, tree) = source.image(&line("512M", "-t ext4 -O bigalloc -C 65536"));
    source.hold(&image, &tree, has_content);
}

#[test]
fn hashed_directories_are_read_from_one_end_to_the_other() {
    let source = Source::varied();
    for block in [1024, 4096] {
        let make = line("64M", &format!("-t ext4 -b {block}"));
        let (image, tree) = source.image(&format!(
            "{make}; fsck.ext4 -fyD image; debugfs -R 'htree_dump /many' image | grep -q Root"
        ));
        source.hold(&image, &tree, has_content);
    }
}

#[test]
fn content_in_inodes_is_left_out() {
    let source = Source::of(|tree| {
        for (name, len) in [("tiny", 40), ("more", 100), ("large", 5000)] {
            fs::create_dir_all(tree.join("folder")).unwrap();
            fs::write(tree.join("folder").join(name), text(len)).unwrap();
        }
    });
    let (image, tree) = source.image(&line("64M", "-t ext4 -O inline_data -I 256"));
    source.hold(&image, &tree, |content| content.len() > 100);
    assert_eq!(tree.files.len(), 1);
}

#[test]
fn extents_without_content_yet_are_holes() {
    let source = Source::of(|tree| fs::write(tree.join("file"), text(100_000)).unwrap());
    let (image, mut tree) =
        source.image(&format!("{}; debugfs -w -R 'fallocate /file 30 40' image", line("64M", "-t ext4")));
    source.hold(&image, &tree, has_content);
    assert_eq!(tree.files.remove(0).len_in_image(), 100_000);
}
