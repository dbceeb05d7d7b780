//! Images of trees from tar archives, as GNU tar makes them.

use crate::common::{choice, image, place, sample};
use drydock_bundle::tree::{Owner, unpack, write};
use drydock_fixtures::sh;
use std::path::Path;

/// The image of an archive that the script has made as `t.tar`.
fn made(folder: &Path, script: &str) -> Result<Vec<u8>, String> {
    sh(folder, script);
    let mut bytes = Vec::new();
    let items = unpack(&folder.join("t.tar"), Owner::AsTheyAre).map_err(|error| error.to_string())?;
    write(&choice(&[], &[]), &items, &mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

#[test]
fn an_archive_with_everything_gives_the_same_image_as_the_folder_that_it_was_made_of() {
    let source = sample("1");
    let wanted = image(source.path(), &choice(&[], &[]));
    let out = tempfile::tempdir_in(place()).unwrap();
    let of = source.path().display();
    for options in [
        "--format=pax",
        "--format=posix --sort=name --pax-option=delete=atime",
        "--format=pax --owner=1:1 --owner-map=/dev/null",
    ] {
        let script =
            format!("tar {options} --xattrs --xattrs-include='*' --numeric-owner -C '{of}' -cf t.tar .");
        let found = made(out.path(), &script);
        match options.contains("--owner=") {
            true => assert_ne!(found.unwrap(), wanted, "{options}"),
            false => assert!(found.unwrap() == wanted, "{options}"),
        }
    }
}

#[test]
fn gnu_archives_with_long_names_and_names_in_any_order_are_read_too() {
    let out = tempfile::tempdir_in(place()).unwrap();
    let long = "n".repeat(200);
    sh(
        out.path(),
        &format!(
            "mkdir -p f/{long}; echo x > f/{long}/{long}; ln f/{long}/{long} f/a; ln -s {long}/{long} f/l; chown -R 0:0 f"
        ),
    );
    let wanted = image(&out.path().join("f"), &choice(&[], &[]));
    let found = made(out.path(), &format!("tar --format=gnu -C f -cf t.tar {long} a l"));
    assert!(found.unwrap() == wanted);
    let found = made(out.path(), &format!("tar --format=ustar -C f -cf t.tar a l; echo {long} >/dev/null"));
    assert!(found.is_ok());
}

#[test]
fn what_can_not_be_in_a_tree_is_refused_with_its_name() {
    let out = tempfile::tempdir_in(place()).unwrap();
    for (script, why) in [
        ("echo x > a; tar -P --transform 's,^,../,' -cf t.tar a", "../a: it leads out of the tree"),
        ("echo x > a; tar -P -cf t.tar $PWD/a", "it leads out of the tree"),
        ("echo x > a; tar -P --transform 's,^a,b/../../a,' -cf t.tar a", "it leads out of the tree"),
        ("echo x > a; ln a b; tar -P --transform 's,^a,../a,rhS' -cf t.tar a b", "it leads out of the tree"),
        ("echo x > a; tar -cf t.tar a a --hard-dereference", "a: it is there twice"),
        ("mkfifo p; tar -cf t.tar p; rm p", "p: a pipe, a socket or a device can't be in an image"),
        ("mknod c c 1 3; tar -cf t.tar c; rm c", "c: a pipe, a socket or a device"),
        (
            "truncate -s 1M h; echo x >> h; tar --format=pax -Scf t.tar h; rm h",
            "a file with holes can't be read",
        ),
        (
            "truncate -s 1M h; echo x >> h; tar --format=gnu -Scf t.tar h; rm h",
            "a file with holes can't be read",
        ),
        ("echo x > a; tar -czf t.tar a", "it is no tar archive, or a compressed one"),
        (
            "mkdir -p d; ln -sfn /etc d/l; tar -cf t.tar d/l; mkdir -p e; echo x > e/l; tar -rf t.tar --transform 's,^e/l,d/l/passwd,' e/l",
            "line",
        ),
        ("head -c 2000 /dev/urandom > t.tar", "it is no tar archive"),
    ] {
        let said = made(out.path(), script).unwrap_err();
        assert!(said.contains(why), "{script}: {said}");
    }
}

#[test]
fn a_name_of_a_file_that_is_not_there_is_refused() {
    let out = tempfile::tempdir_in(place()).unwrap();
    let said =
        made(out.path(), "echo x > a; ln a b; tar -cf t.tar a b; tar --delete -f t.tar a").unwrap_err();
    assert!(said.contains("b: it is another name of a file that is not in the archive before it"), "{said}");
}
