//! Updates, rollbacks and what a device keeps.

use crate::common::{Data, choice, image, place, said_of, sample, slot};
use drydock_config::Share;
use drydock_fixtures::sh;
use drydock_state::SetName::{A, B};
use std::fs;
use std::os::unix::fs::MetadataExt;

#[test]
fn tar_unpacks_an_image_to_the_very_folder_that_it_was_made_of() {
    let (source, out) = (sample("1"), tempfile::tempdir_in(place()).unwrap());
    let bytes = image(source.path(), &choice(&[], &[]));
    assert_eq!(bytes, image(source.path(), &choice(&[], &[])), "the same folder makes the same bytes");
    let archive = out.path().join("image");
    fs::write(&archive, &bytes).unwrap();
    fs::create_dir(out.path().join("there")).unwrap();
    let unpack = "tar -x --xattrs --xattrs-include='*' --numeric-owner -p -f ../image && head -n1 .drydock/files && rm -r .drydock";
    let said = sh(&out.path().join("there"), unpack);
    assert!(said.starts_with("drydock-files/1 "), "{said}");
    assert_eq!(said_of(&out.path().join("there")), said_of(source.path()));
}

#[test]
fn a_tree_has_owners_permissions_capabilities_access_lists_and_links_as_the_tools_see_them() {
    let source = sample("1");
    let data = Data::new(choice(&[], &[]));
    let slot = slot(&image(source.path(), &choice(&[], &[])));
    data.make(A, &slot).unwrap();
    assert_eq!(said_of(&data.files(A)), said_of(source.path()));
    assert!(said_of(source.path()).contains("cap_net_admin"), "the tools are there");
    assert!(!said_of(source.path()).contains("two files"));
    // Of the folders in it, not of the tree's own, which is nobody's in particular.
    let count = data.with(|trees| trees.verify(A, &slot.device, &slot.image)).unwrap().unwrap();
    assert_eq!(count, sh(source.path(), "find . -mindepth 1 -printf x").len());
    data.with(|trees| trees.lead_to(A)).unwrap();
    assert_eq!(fs::read_link(data.class().join("current")).unwrap().to_str(), Some("a/files"));
}

#[test]
fn an_update_takes_what_is_the_vendors_from_the_image_and_leaves_the_rest() {
    let of_image = choice(&["bin", "lib", "etc"], &["etc/*.local"]);
    let data = Data::new(choice(&[], &["etc/keep"]));
    let old = sample("1");
    sh(old.path(), "mkdir etc; echo 1 > etc/a; echo 1 > etc/a.local; echo 1 > etc/keep; echo 1 > etc/gone");
    let one = slot(&image(old.path(), &of_image));
    data.make(A, &one).unwrap();
    let a = data.files(A);
    // What nobody means is not made, and what is meant is.
    assert_eq!(
        sh(&a, "ls; ls etc").split_whitespace().collect::<Vec<_>>(),
        ["bin", "etc", "lib", "a", "gone"]
    );
    sh(
        &a,
        "echo mine > etc/b.local; chown 7:8 etc/b.local; echo mine > etc/keep; mkdir -m 700 log; echo x > log/x;
         setfattr -n user.mine -v 1 log/x; ln -s /log log/link; mkfifo -m 600 log/pipe; echo changed > etc/a",
    );
    let new = sample("2");
    sh(new.path(), "mkdir etc; echo 2 > etc/a; echo 2 > etc/a.local; echo 2 > etc/keep; echo 2 > etc/new");
    let before = said_of(&a);
    let two = slot(&image(new.path(), &of_image));
    data.make(B, &two).unwrap();
    let b = data.files(B);
    let said =
        sh(&b, "cat etc/a etc/b.local etc/keep etc/new log/x; ls etc; stat -c '%u:%g %a' etc/b.local log");
    assert_eq!(said, "2\nmine\nmine\n2\nx\na\nb.local\nkeep\nnew\n7:8 644\n0:0 700\n");
    assert_eq!(
        sh(&b, "stat -c %F log/link log/pipe; getfattr -n user.mine --only-values log/x"),
        "symbolic link\nfifo\n1"
    );
    assert!(b.join("lib/only-2").exists() && !b.join("lib/only-1").exists());
    // The old tree is as it was, and so a rollback finds it.
    assert_eq!(said_of(&a), before);
    data.make(A, &two).unwrap();
    assert_eq!(sh(&data.files(A), "cat etc/keep etc/a"), "mine\n2\n");
    assert!(!data.class().join("a.new").exists());
}

#[test]
fn unchanged_files_of_the_vendors_are_shared_and_those_of_the_device_are_not() {
    for share in [Share::Link, Share::Copy] {
        let mut data = Data::new(choice(&[], &["own"]));
        data.settings.share = share;
        let source = sample("1");
        let slot = slot(&image(source.path(), &choice(&[], &[])));
        data.make(A, &slot).unwrap();
        sh(&data.files(A), "mkdir own; echo x > own/file; echo y > bin/app");
        data.make(B, &slot).unwrap();
        let same = |path: &str| {
            let inode = |set| fs::metadata(data.files(set).join(path)).unwrap().ino();
            inode(A) == inode(B)
        };
        // ext4 has no reflinks; where there are, no two files are the same one.
        assert_eq!(same("lib/large"), share == Share::Link);
        assert!(!same("own/file"));
        // What was changed in place is not what was signed, and is written anew.
        assert!(!same("bin/app"));
        assert_eq!(sh(&data.files(B), "cat bin/app own/file"), "program 1\nx\n");
    }
}

#[test]
fn a_file_whose_owner_or_capabilities_were_changed_is_not_shared() {
    let data = Data::new(choice(&[], &[]));
    let source = sample("1");
    let slot = slot(&image(source.path(), &choice(&[], &[])));
    data.make(A, &slot).unwrap();
    sh(&data.files(A), "setcap cap_sys_admin=ep lib/large; setcap -r bin/ping; chown 1:1 lib/acl");
    data.make(B, &slot).unwrap();
    assert_eq!(said_of(&data.files(B)), said_of(source.path()));
}
