use crate::source::{Source, has_content};
use drydock_fixtures::output;
use drydock_trees::{Kind, Stored, Tree, read};
use std::io::Read;

fn make(source: &Source, options: &str) -> (Vec<u8>, Tree) {
    let (image, tree) =
        source.image(&format!("mksquashfs tree image -noappend -quiet -no-progress {options}"));
    assert!(matches!(tree.kind, Kind::Squashfs { .. }));
    (image, tree)
}

#[test]
fn every_file_is_found_whatever_the_compression_of_the_metadata() {
    let source = Source::varied();
    for comp in ["gzip", "xz", "xz -Xbcj x86", "zstd", "lz4", "lz4 -Xhc", "gzip -noI"] {
        let (image, tree) = make(&source, &format!("-comp {comp} -noD -noF"));
        assert!(tree.files.iter().all(|file| file.stored == Stored::Plain), "{comp}");
        source.hold(&image, &tree, has_content);
    }
}

#[test]
fn packed_files_have_their_blocks_and_not_what_is_packed_with_others() {
    let source = Source::varied();
    for (options, whole) in [
        ("-comp gzip", false),
        ("-comp gzip -no-fragments", true),
        ("-comp gzip -b 4096 -always-use-fragments", false),
        ("-comp gzip -b 1M -no-exports -no-duplicates", false),
    ] {
        let (image, tree) = make(&source, options);
        let least = if whole { 1 } else { 1 << 20 };
        source.hold(&image, &tree, |content| content.len() >= least && has_content(content));
        let mut first_unpacked = 0;
        for file in &tree.files {
            let (content, extent) = (&source.files[&file.path], file.extents[0]);
            let (packed, mut unpacked) = (&image[extent.at as usize..], Vec::new());
            if flate2::read::ZlibDecoder::new(packed).read_to_end(&mut unpacked).is_ok() {
                let expected = &content[extent.offset as usize..];
                assert!(!unpacked.is_empty() && expected.starts_with(&unpacked));
                assert_eq!(file.stored, Stored::Packed);
                first_unpacked += 1;
            }
        }
        assert!(first_unpacked >= 4, "{options}: {first_unpacked}");
    }
}

#[test]
fn what_no_compression_makes_smaller_is_plain() {
    let source = Source::varied();
    let (image, tree) = make(&source, "-comp zstd -no-fragments");
    source.hold(&image, &tree, has_content);
    let stored = |name: &[u8]| tree.files.iter().find(|file| file.path == name).unwrap().stored;
    assert_eq!(stored(b"noise-1048576"), Stored::Plain);
    assert_eq!(stored(b"text-1048576"), Stored::Packed);
    assert_eq!(stored(b"half"), Stored::Packed);
}

#[test]
fn a_compression_that_is_not_known_is_said() {
    let source = Source::small();
    let made = output(source.dir.path(), "mksquashfs tree image -noappend -comp lzo -quiet -no-progress");
    assert!(made.status.success());
    let image = std::fs::read(source.dir.path().join("image")).unwrap();
    let said = read(&image).unwrap_err().to_string();
    assert!(said.contains("squashfs with lzo"), "{said}");
}
