use crate::source::{Source, has_content};
use drydock_fixtures::sh;
use drydock_trees::{Kind, Stored, Tree, read};
use std::fs;

/// All of these are plain.
fn plain(tree: &Tree) {
    assert_eq!(tree.kind, Kind::Erofs { block: 4096 });
    assert!(tree.files.iter().all(|file| file.stored == Stored::Plain));
}

#[test]
fn every_file_is_found_where_no_content_is_among_the_inodes() {
    let source = Source::varied();
    let (image, tree) = source.image("mkfs.erofs --quiet -Enoinline_data image tree");
    plain(&tree);
    source.hold(&image, &tree, |content| !content.is_empty());
    assert!(tree.files.iter().all(|file| file.extents.len() == 1));
}

#[test]
fn a_tail_among_the_inodes_is_a_part_of_its_file() {
    let source = Source::varied();
    for options in ["", "-Eforce-inode-extended", "-Eforce-inode-compact", "-T0 --all-root"] {
        let (image, tree) = source.image(&format!("mkfs.erofs --quiet {options} image tree"));
        plain(&tree);
        source.hold(&image, &tree, |content| content.len() >= 4096);
        let tails = tree.files.iter().filter(|file| file.extents.len() == 2).count();
        assert!(tails > 100, "{tails}");
    }
}

#[test]
fn attributes_between_inode_and_tail_are_stepped_over() {
    let source = Source::varied();
    fs::write(source.dir.path().join("contexts"), "/.* system_u:object_r:etc_t:s0\n").unwrap();
    for more in ["", "-x1", "--chunksize=4096", "-Enoinline_data"] {
        let line = format!("mkfs.erofs --quiet {more} --file-contexts=contexts image tree");
        let (image, tree) = source.image(&line);
        plain(&tree);
        source.hold(&image, &tree, |content| content.len() > 4096 && has_content(content));
    }
}

#[test]
fn files_in_chunks_are_found_but_for_their_holes() {
    let source = Source::varied();
    for (size, options) in [(4096, ""), (65_536, ""), (1 << 20, ""), (4096, "-Eforce-chunk-indexes")] {
        let (image, tree) =
            source.image(&format!("mkfs.erofs --quiet --chunksize={size} {options} image tree"));
        plain(&tree);
        source.hold(&image, &tree, has_content);
    }
}

#[test]
fn content_on_another_device_is_left_out() {
    let source = Source::varied();
    let (image, tree) = source.image("mkfs.erofs --quiet --chunksize=4096 --blobdev=blob image tree");
    plain(&tree);
    source.hold(&image, &tree, |_| false);
    assert!(tree.files.is_empty());
}

#[test]
fn compressed_files_have_the_clusters_that_dump_erofs_shows() {
    let source = Source::varied();
    for options in ["-zlz4", "-zlz4hc", "-zlz4 -C65536", "-zlz4 -Elegacy-compress", "-zlz4hc -Eztailpacking"]
    {
        let (image, tree) = source.image(&format!("mkfs.erofs --quiet {options} image tree"));
        source.hold(&image, &tree, |content| content.len() == 3_000_001);
        let mut compared = 0;
        for file in tree.files.iter().filter(|file| file.stored == Stored::Packed) {
            let Ok(path) = std::str::from_utf8(&file.path) else { continue };
            if path.starts_with("many/") && !path.ends_with("00") {
                continue;
            }
            let shown = sh(source.dir.path(), &format!("dump.erofs -e --path=/{path} image"));
            let (start, end) = clusters(&shown);
            let [extent] = file.extents[..] else { panic!("{path} has several extents") };
            assert_eq!((extent.offset, extent.at), (0, start), "{path}: {shown}");
            // One that was to be among the inodes, but had no room there, is a block that is not counted.
            let missing = end - (extent.at + extent.len);
            assert!(missing == 0 || missing == 4096 && options.contains("ztail"), "{path}: {shown}");
            compared += 1;
        }
        assert!(compared >= 9, "{options}: {compared}");
    }
}

/// Where the clusters of a file that are blocks begin and end, in the lines of dump.erofs.
fn clusters(shown: &str) -> (u64, u64) {
    let lines = shown.lines().filter(|line| line.contains(".."));
    let ranges = lines.map(|line| {
        let physical: Vec<u64> = line
            .rsplit('|')
            .nth(1)
            .unwrap()
            .split([':', '.', ' '])
            .filter_map(|word| word.parse().ok())
            .collect();
        (physical[1], physical[2])
    });
    // A tail among the inodes does not begin with a block.
    let ranges: Vec<_> = ranges.filter(|(start, _)| start % 4096 == 0).collect();
    assert!(ranges.windows(2).all(|pair| pair[0].1 == pair[1].0), "in a row: {shown}");
    (ranges[0].0, ranges[ranges.len() - 1].1)
}

#[test]
fn files_whose_clusters_may_be_shared_are_left_out() {
    let source = Source::varied();
    let (mut image, packed) = source.image("mkfs.erofs --quiet -zlz4 image tree");
    // Debian's mkfs.erofs makes none: the feature of fragments and of clusters that are used again.
    image[1024 + 80] |= 0x20;
    let tree = read(&image).unwrap().unwrap();
    source.hold(&image, &tree, |_| false);
    let plain = packed.files.into_iter().filter(|file| file.stored == Stored::Plain);
    assert!(plain.eq(tree.files));
}
