//! The tree that images are made of, and what must be found in them.

use drydock_fixtures::{noise, sh};
use drydock_trees::{File, Stored, Tree, read};
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, symlink};
use std::path::Path;
use tempfile::TempDir;

/// A folder with a tree in `tree`, where images are made.
pub(crate) struct Source {
    pub(crate) dir: TempDir,
    /// The content of every regular file by its path; of each inode once, by the first.
    pub(crate) files: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Source {
    /// Files of all sizes and kinds, with names of all kinds.
    pub(crate) fn varied() -> Self {
        Self::of(|tree| {
            sizes(tree);
            names(tree);
            holes(tree);
        })
    }

    /// Few and small files.
    pub(crate) fn small() -> Self {
        Self::of(|tree| {
            names(&tree.join("names"));
            fs::create_dir(tree.join("a")).unwrap();
            for len in [1, 5000, 10_000] {
                fs::write(tree.join(format!("a/{len}")), text(len)).unwrap();
                fs::write(tree.join(format!("{len}")), noise(len, len as u64)).unwrap();
            }
            comb(&tree.join("comb"), 12);
        })
    }

    /// What `make` puts into the tree.
    pub(crate) fn of(make: impl FnOnce(&Path)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("tree");
        fs::create_dir(&tree).unwrap();
        make(&tree);
        let mut inodes = HashMap::new();
        find(&tree, b"", &mut inodes);
        let files = inodes.into_values().map(|path: Vec<u8>| {
            let content = fs::read(tree.join(OsStr::from_bytes(&path))).unwrap();
            (path, content)
        });
        let files = files.collect();
        Self { dir, files }
    }

    /// Runs a line that makes `image` of `tree`, and reads that.
    pub(crate) fn image(&self, line: &str) -> (Vec<u8>, Tree) {
        let path = self.dir.path().join("image");
        // mkfs.erofs and mksquashfs add to what is there.
        let _ = fs::remove_file(&path);
        sh(self.dir.path(), line);
        let image = fs::read(path).unwrap();
        let tree = read(&image).unwrap().expect("it is a filesystem");
        (image, tree)
    }

    /// Holds what was read against the tree: each plain file has its bytes, and at least those files are there whose
    /// content `must`.
    pub(crate) fn hold(&self, image: &[u8], tree: &Tree, must: impl Fn(&[u8]) -> bool) {
        assert!(tree.files.is_sorted_by(|one, other| one.path < other.path));
        for file in &tree.files {
            let name = file.path.escape_ascii();
            let content = self.files.get(&file.path).unwrap_or_else(|| panic!("{name} is not in the tree"));
            assert_eq!(file.size, content.len() as u64, "{name}");
            check_extents(file, image);
            if file.stored == Stored::Plain {
                assert!(unpacked(file, image) == *content, "{name}");
            }
        }
        for (path, content) in &self.files {
            let found = tree.files.iter().any(|file| file.path == *path);
            assert!(found || !must(content), "{} is missing", path.escape_ascii());
        }
    }
}

/// A file whose extents are its bytes.
fn unpacked(file: &File, image: &[u8]) -> Vec<u8> {
    let mut content = vec![0; file.size as usize];
    for extent in &file.extents {
        let [offset, at, len] = [extent.offset, extent.at, extent.len].map(|number| number as usize);
        content[offset..offset + len].copy_from_slice(&image[at..at + len]);
    }
    content
}

/// What is promised of the extents of every file, whatever the image.
pub(crate) fn check_extents(file: &File, image: &[u8]) {
    assert!(!file.extents.is_empty());
    let mut end = 0;
    for extent in &file.extents {
        assert!(extent.len > 0 && extent.at + extent.len <= image.len() as u64);
        assert!(extent.offset >= end && extent.offset < file.size);
        end = extent.offset + if file.stored == Stored::Plain { extent.len } else { 1 };
        assert!(end <= file.size);
    }
}

/// Whether not all of it is zeros.
pub(crate) fn has_content(content: &[u8]) -> bool {
    content.iter().any(|byte| *byte != 0)
}

/// Text that can be packed, of so many bytes.
pub(crate) fn text(len: usize) -> Vec<u8> {
    (0..).flat_map(|line| format!("line {line} of {len}\n").into_bytes()).take(len).collect()
}

/// A file with holes between `pieces` pieces of 4096 bytes, and one at its end.
pub(crate) fn comb(path: &Path, pieces: u64) {
    let file = fs::File::create(path).unwrap();
    file.set_len((2 * pieces + 8) * 4096).unwrap();
    for piece in 0..pieces {
        file.write_all_at(&noise(4096, piece), (2 * piece + 1) * 4096).unwrap();
    }
}

fn find(tree: &Path, folder: &[u8], inodes: &mut HashMap<(u64, u64), Vec<u8>>) {
    for entry in fs::read_dir(tree).unwrap().map(Result::unwrap) {
        let name = entry.file_name();
        let path =
            if folder.is_empty() { name.as_bytes().into() } else { [folder, name.as_bytes()].join(&b'/') };
        let metadata = entry.metadata().unwrap();
        if metadata.is_dir() {
            find(&entry.path(), &path, inodes);
        } else if metadata.is_file() {
            let first = inodes.entry((metadata.dev(), metadata.ino())).or_insert_with(|| path.clone());
            if path < *first {
                *first = path;
            }
        }
    }
}

fn sizes(tree: &Path) {
    for len in [0, 1, 100, 4095, 4096, 4097, 8192, 65_536, 131_072, 131_073, 1 << 20, 3_000_001] {
        fs::write(tree.join(format!("text-{len}")), text(len)).unwrap();
        fs::write(tree.join(format!("noise-{len}")), noise(len, len as u64)).unwrap();
    }
    fs::write(tree.join("half"), [noise(200_000, 1), text(200_000), noise(200_000, 2)].concat()).unwrap();
}

fn names(tree: &Path) {
    let file = |path: &Path, content: &[u8]| {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    };
    file(&tree.join(OsStr::from_bytes(b"not-utf8-\xff\xfe\x80/\xc3\x28")), &text(5000));
    // The longest that mkfs.erofs 1.5 takes.
    file(&tree.join("x".repeat(254)), &text(5001));
    let deep: String = (0..40).map(|level| format!("a-folder-at-level-{level}/")).collect();
    file(&tree.join(deep).join("file"), &text(5002));
    for number in 0..if tree.ends_with("names") { 40 } else { 600 } {
        file(&tree.join(format!("many/an-entry-with-number-{number}")), &text(number % 7 * 1000));
    }
    fs::create_dir(tree.join("empty")).unwrap();
    file(&tree.join("linked/z"), &text(6000));
    fs::hard_link(tree.join("linked/z"), tree.join("linked/a")).unwrap();
    fs::hard_link(tree.join("linked/z"), tree.join("a-link")).unwrap();
    symlink("linked/z", tree.join("symlink")).unwrap();
    symlink("../".repeat(300), tree.join("long-symlink")).unwrap();
    symlink(".", tree.join("linked/circle")).unwrap();
    sh(tree, "mknod null c 1 3; mknod loop b 7 0; mkfifo fifo");
}

fn holes(tree: &Path) {
    let file = fs::File::create(tree.join("sparse")).unwrap();
    file.set_len(5 << 20).unwrap();
    file.write_all_at(&noise(9000, 3), (1 << 20) + 123).unwrap();
    file.write_all_at(&noise(1, 4), (5 << 20) - 1).unwrap();
    fs::File::create(tree.join("all-hole")).unwrap().set_len(1 << 20).unwrap();
    comb(&tree.join("comb"), 700);
}
