//! Who wants to lead a tree out of its place.

use crate::common::{Data, Exchanges, choice, image, place, sample, slot};
use drydock_block::BlockDevice;
use drydock_engine::machine::{NodeKind, Trees};
use drydock_fixtures::sh;
use drydock_format::tar::Header;
use drydock_recovery::tree::Beneath;
use drydock_state::SetName::{A, B};
use drydock_tree::Meta;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

/// An image with this list, whatever it says.
fn with_list(lines: &str) -> Vec<u8> {
    let list = format!("drydock-files/1 {:08}\n{lines}", drydock_tree::HEAD + lines.len());
    let header = Header { name: ".drydock/files".into(), size: list.len() as u64 };
    let mut bytes = [&header.encode()[..], list.as_bytes()].concat();
    bytes.resize(16384, 0);
    bytes
}

#[test]
fn a_signed_list_that_leads_out_of_its_tree_is_refused_and_nothing_is_made() {
    let data = Data::new(choice(&[], &[]));
    for lines in [
        "d 0755 0 0 ../out\n",
        "l 0 0 a /etc\nd 0755 0 0 a/b\n",
        "d 0755 0 0 /etc\n",
        "d 0755 0 0 a\nd 0755 0 0 a/../../out\n",
        "h a ../../../etc/passwd\n",
    ] {
        let refused = data.make(A, &slot(&with_list(lines))).unwrap_err().to_string();
        assert!(refused.contains("list of files"), "{refused}");
        assert!(!data.class().exists(), "{lines}");
    }
}

#[test]
fn a_damaged_image_gives_no_tree_and_leaves_no_half_one() {
    let data = Data::new(choice(&[], &[]));
    let source = sample("1");
    let bytes = image(source.path(), &choice(&[], &[]));
    let whole = slot(&bytes);
    data.make(A, &whole).unwrap();
    // A byte of a file that is not in the tree any more.
    fs::remove_file(data.files(A).join("lib/large")).unwrap();
    let (slot, at) = (slot(&bytes), 2 << 20);
    slot.device.write_at(at, &[b'y'; 4096]).unwrap();
    let refused = data.make(B, &slot).unwrap_err().to_string();
    assert!(refused.starts_with("lib/large in slot app-b"), "{refused}");
    assert_eq!(sh(&data.class(), "ls"), "a\n");
}

#[test]
fn what_was_changed_in_a_tree_is_found() {
    let data = Data::new(choice(&[], &["own"]));
    let source = sample("1");
    let slot = slot(&image(source.path(), &choice(&[], &[])));
    for harm in [
        "printf z | dd of=lib/large conv=notrunc bs=1 seek=2999999 2>/dev/null",
        "chmod 0755 bin/app",
        "setcap -r bin/ping",
        "setfacl -b lib/acl",
        "rm lib/link; ln -s elsewhere lib/link",
        "rm lib/empty",
        "rm lib/empty; mkdir lib/empty",
        "echo > lib/stranger",
        "rm -r share",
        "chown 1 var",
    ] {
        data.make(A, &slot).unwrap();
        sh(&data.files(A), "mkdir -p own; echo x > own/x");
        assert!(data.with(|trees| trees.verify(A, &slot.device, &slot.image)).unwrap().is_some());
        sh(&data.files(A), harm);
        let found = data.with(|trees| trees.verify(A, &slot.device, &slot.image));
        assert!(found.unwrap_err().is_damage(), "{harm}");
        data.with(|trees| trees.make(A, A, &slot.device, &slot.image)).unwrap();
    }
}

#[test]
fn no_link_is_followed_wherever_it_stands() {
    let outside = tempfile::tempdir_in(place()).unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    let data = Data::new(choice(&["bin"], &[]));
    let source = sample("1");
    let slot = slot(&image(source.path(), &choice(&["bin"], &[])));
    data.make(A, &slot).unwrap();
    // A folder of the old tree is a link out of it: it is copied as the link that it is.
    symlink(outside.path(), data.files(A).join("out")).unwrap();
    data.make(B, &slot).unwrap();
    assert_eq!(fs::read_link(data.files(B).join("out")).unwrap(), outside.path());
    // The folder of the trees itself is one: nothing is made.
    let class = data.class();
    fs::rename(&class, outside.path().join("app")).unwrap();
    symlink(outside.path().join("app"), &class).unwrap();
    assert!(data.make(A, &slot).is_err());
    assert_eq!(sh(outside.path(), "ls; ls app"), "app\nsecret\na\nb\n");

    let trees = Beneath::open(data.folder.path()).unwrap();
    let through = Path::new("lib/drydock/trees/app/a");
    assert!(trees.look(through).is_err() && trees.names(through).is_err() && trees.remove(through).is_err());
    assert!(trees.make(&through.join("x"), &NodeKind::Folder).is_err());
    assert!(trees.set(&through.join("files"), &Meta::default()).is_err());
    assert!(trees.look(Path::new("../secret")).is_err() && trees.look(Path::new("/etc")).is_err());
}

#[test]
fn a_process_that_exchanges_a_folder_by_a_link_leads_nothing_out() {
    let outside = tempfile::tempdir_in(place()).unwrap();
    fs::create_dir(outside.path().join("victim")).unwrap();
    fs::write(outside.path().join("victim/app"), "as it was").unwrap();
    let data = Data::new(choice(&[], &[]));
    let source = sample("1");
    let slot = slot(&image(source.path(), &choice(&[], &[])));
    let new = data.class().join("b.new/files");
    let exchanges = Exchanges::default();
    std::thread::scope(|scope| {
        let until_the_end = exchanges.until_dropped();
        scope.spawn(|| {
            let link = outside.path().join("link");
            exchanges.run(|| {
                // Whatever folder is there just now: away with it, and a link in its place.
                for name in ["bin", "lib", "share", "var"] {
                    let (folder, aside) = (new.join(name), outside.path().join("aside"));
                    let _ = symlink(outside.path().join("victim"), &link);
                    if fs::rename(&folder, &aside).is_ok() {
                        let _ = fs::rename(&link, &folder);
                        let _ = fs::remove_dir_all(&aside);
                    }
                }
            });
        });
        for _ in 0..20 {
            let _ = data.make(B, &slot);
        }
        drop(until_the_end);
    });
    assert_eq!(
        sh(outside.path(), "ls victim; cat victim/app; stat -c '%a %U' victim/app"),
        "app\nas it was644 root\n"
    );
}
