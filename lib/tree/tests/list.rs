//! Lists: what is written is read, and nothing that leads out of a tree.

#![allow(clippy::unwrap_used, clippy::panic)]

use drydock_format::Digest;
use drydock_tree::{Choice, Entry, Error, Extra, HEAD, List, Meta, What, length};
use proptest::prelude::*;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

const ROOM: u64 = 1 << 40;

fn meta() -> impl Strategy<Value = Meta> {
    let extras = prop::collection::btree_map("[a-z.=% ]{1,9}", any::<Vec<u8>>(), 0..3);
    (0u32..0o10000, 0..u32::MAX, 0..u32::MAX, extras).prop_map(|(mode, uid, gid, extras)| Meta {
        mode,
        uid,
        gid,
        extras: extras.into_iter().map(|(name, value)| Extra { name: name.into_bytes(), value }).collect(),
    })
}

fn name() -> impl Strategy<Value = PathBuf> {
    prop::collection::vec(1u8.., 1..9)
        .prop_filter("a name", |bytes| !bytes.contains(&b'/') && bytes != b"." && bytes != b"..")
        .prop_map(|bytes| OsString::from_vec(bytes).into())
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let inner =
        prop::collection::btree_map(name(), (meta(), 0u64..1 << 20, 0u64..1 << 20, any::<[u8; 32]>()), 0..6);
    (prop::collection::btree_map(name(), meta(), 0..4), inner).prop_map(|(folders, files)| {
        let mut all = Vec::new();
        for (folder, meta) in folders {
            all.push(Entry { path: folder.clone(), meta, what: What::Folder });
            let mut first: Option<PathBuf> = None;
            for (nth, (name, (meta, size, at, sha256))) in files.iter().enumerate() {
                let path = folder.join(name);
                let entry = match (nth % 3, &first) {
                    (1, _) => Entry {
                        path,
                        meta: Meta { mode: 0o777, extras: vec![], ..meta.clone() },
                        what: What::Link { target: "../x y".into() },
                    },
                    (2, Some(file)) => {
                        Entry { path, meta: Meta::default(), what: What::Same { file: file.clone() } }
                    }
                    _ => {
                        first = Some(path.clone());
                        let what = What::File { size: *size, at: *at, sha256: Digest(*sha256) };
                        Entry { path, meta: meta.clone(), what }
                    }
                };
                all.push(entry);
            }
        }
        all
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(entries in entries()) {
        let choice = Choice { only: vec!["etc/**".parse().unwrap()], except: vec!["a b*".parse().unwrap()] };
        let bytes = List::encode(&choice, &entries);
        prop_assert_eq!(length(&bytes[..HEAD]), Ok(bytes.len() as u64));
        let list = List::parse(&bytes, ROOM).unwrap();
        prop_assert_eq!(list.entries(), &entries[..]);
        prop_assert_eq!(list.choice, choice);
    }

    #[test]
    fn a_list_that_is_read_is_written_in_this_way_only(entries in entries(), at: prop::sample::Index, byte: u8) {
        let mut bytes = List::encode(&Choice::default(), &entries);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(list) = List::parse(&bytes, ROOM) {
            prop_assert_eq!(List::encode(&list.choice, list.entries()), bytes);
        }
    }

    #[test]
    fn any_bytes_are_survived(body: Vec<u8>) {
        let mut bytes = format!("drydock-files/1 {:08}\n", HEAD + body.len()).into_bytes();
        bytes.extend(body);
        let _ = List::parse(&bytes, ROOM);
    }
}

fn problem(lines: &[&str]) -> &'static str {
    let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let text = format!("drydock-files/1 {:08}\n{body}", HEAD + body.len());
    match List::parse(text.as_bytes(), 4096) {
        Err(Error::Line { problem, .. }) => problem,
        other => panic!("{lines:?}: {other:?}"),
    }
}

#[test]
fn nothing_leads_out_of_a_tree() {
    let up = "a path leads out of the tree, or is not written plainly";
    for path in ["..", "../a", "a/../b", "/a", "a//b", "a/", "./a", "a/.", "%2e%2e/a", "a%2fb/%2e%2e"] {
        let found = problem(&["d 0755 0 0 a", &format!("d 0755 0 0 {path}")]);
        assert!([up, "a path can't be one"].contains(&found), "{path}: {found}");
    }
    let deep = vec!["d"; 65].join("/");
    assert_eq!(problem(&[&format!("d 0755 0 0 {deep}")]), up);
    assert_eq!(problem(&[&format!("d 0755 0 0 {}", "x".repeat(256))]), up);
}

#[test]
fn every_entry_is_in_a_folder_of_the_list_and_in_its_place() {
    let missing = "the folder that it is in is not in the list";
    assert_eq!(problem(&["d 0755 0 0 a/b"]), missing);
    assert_eq!(problem(&["l 0 0 a target", "d 0755 0 0 a/b"]), missing);
    assert_eq!(problem(&["d 0755 0 0 a", "d 0755 0 0 a/b", "d 0755 0 0 b/c"]), missing);
    assert_eq!(problem(&["d 0755 0 0 b", "d 0755 0 0 a"]), "it is not in order");
    assert_eq!(problem(&["d 0755 0 0 b", "d 0755 0 0 b"]), "it is not in order");
    assert_eq!(problem(&["d 0755 0 0 a", "only x"]), "a pattern is not in its place");
    assert_eq!(problem(&["except a", "only b"]), "a pattern is not in its place");
    assert_eq!(problem(&["h a b"]), "no file that comes before it has the other name");
    assert_eq!(problem(&["l 0 0 a x", "h b a"]), "no file that comes before it has the other name");
}

#[test]
fn limits_are_checked_before_they_are_obeyed() {
    assert_eq!(length(b"drydock-files/1 99999999\n"), Err(Error::TooLarge { size: 99_999_999 }));
    assert_eq!(length(b"drydock-files/2 00000100\n"), Err(Error::NoList));
    let sha = "0".repeat(64);
    let file = |size: &str, at: &str| problem(&[&format!("f 0644 0 0 {size} {at} {sha} a")]);
    assert_eq!(file("5000", "0"), "the contents are not within the image");
    assert_eq!(file("1", "4611686018427387903"), "the contents are not within the image");
    assert_eq!(file("18446744073709551615", "1"), "a number is none");
    assert_eq!(problem(&["d 0755 4294967295 0 a"]), "an owner or a group can't be one");
    assert_eq!(problem(&["d 10755 0 0 a"]), "the permissions are not four octal digits");
}
