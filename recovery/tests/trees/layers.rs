//! Layers of what is carried from root to root, on a real filesystem.

use crate::common::{Exchanges, place, sample};
use drydock_engine::Error;
use drydock_engine::event::Silent;
use drydock_engine::tree::{Layer, Part};
use drydock_fixtures::sh;
use drydock_format::sha256;
use drydock_recovery::tree::Beneath;
use drydock_tree::Pattern;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// A root that a layer lies over, `data`, and roots that files are carried from.
struct Device {
    folder: tempfile::TempDir,
    patterns: Vec<Pattern>,
}

impl Device {
    fn new(patterns: &[&str]) -> Self {
        let folder = tempfile::tempdir_in(place()).unwrap();
        fs::create_dir(folder.path().join("under")).unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        Self { folder, patterns: patterns.iter().map(|text| text.parse().unwrap()).collect() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes the layer `data/NAME` of these roots, the upper one first.
    fn make(&self, name: &str, roots: &[&Path]) -> Result<PathBuf, Error> {
        let opened: Vec<_> = roots.iter().map(|root| Beneath::open(root).unwrap()).collect();
        let parts: Vec<_> = opened.iter().map(|trees| Part { trees, root: Path::new("") }).collect();
        let (under, data) =
            (Beneath::open(&self.path("under")).unwrap(), Beneath::open(&self.path("data")).unwrap());
        let layer = Layer { class: "root", patterns: &self.patterns, under: &under, events: &Silent };
        layer.make(&data, Path::new(name), &parts, &sha256(b"root"))?;
        Ok(self.path("data").join(name).join("files"))
    }
}

#[test]
fn what_is_carried_keeps_everything_but_its_power() {
    let device = Device::new(&["bin", "lib/*", "var/a b"]);
    let source = sample("1");
    sh(&device.path("under"), "mkdir var; chmod 711 var; chown 3:4 var");
    let layer = device.make("a", &[source.path()]).unwrap();
    let said = |folder: &Path, what: &str| sh(folder, what);
    assert_eq!(said(&layer, "ls; ls var"), "bin\nlib\nvar\na b\n");
    // The folder above is that of the root below; with an owner of its own there, not the one that it had.
    assert_eq!(said(&layer, "stat -c '%a %u %g' var 'var/a b'"), "711 3 4\n755 0 0\n");
    let owners =
        "find lib -printf '%P %y %m %U %G %l %s\\n' | sort; find bin -printf '%P %y %U %G\\n' | sort";
    let plain = |text: String| {
        text.lines()
            .filter(|line| line.contains(" f ") || line.contains(" l "))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(plain(said(&layer, owners)), plain(said(source.path(), owners)));
    let kept = "getfacl -p lib lib/acl; getfattr -d -m - lib/acl; cat bin/app lib/only-1 'var/a b'/*; sha256sum lib/large";
    assert_eq!(said(&layer, kept), said(source.path(), kept));
    assert_eq!(said(&layer, "find . -perm /6000; getcap -r ."), "");
    assert_eq!(
        said(source.path(), "find . -perm /6000 | sort; getcap -r . | wc -l"),
        "./bin/app\n./share\n2\n"
    );
    // Several names of a file are files of their own.
    assert_eq!(
        said(&layer, "[ lib/large -ef lib/large-too ] || cmp lib/large lib/large-too && echo same"),
        "same\n"
    );
}

#[test]
fn the_upper_root_hides_the_lower_one_name_by_name() {
    let device = Device::new(&["etc/*", "**/key"]);
    let (upper, lower) = (device.path("upper"), device.path("lower"));
    for folder in [&upper, &lower] {
        fs::create_dir(folder).unwrap();
    }
    sh(
        &upper,
        "mkdir -p etc/d etc/now-a-folder opt; echo up > etc/a; echo up > etc/d/x; echo up > etc/now-a-file; echo up > opt/key",
    );
    sh(
        &lower,
        "mkdir -p etc/d etc/now-a-file opt/sub; echo low > etc/a; echo low > etc/d/y; echo low > etc/now-a-file/z",
    );
    sh(&lower, "echo low > etc/now-a-folder; echo low > opt/sub/key; echo no > opt/other; mkdir empty");
    let layer = device.make("a", &[&upper, &lower]).unwrap();
    assert_eq!(
        sh(&layer, "find . -type f | sort | xargs grep -H ''; find . -type d -empty"),
        "./etc/a:up\n./etc/d/x:up\n./etc/d/y:low\n./etc/now-a-file:up\n./opt/key:up\n./opt/sub/key:low\n./etc/now-a-folder\n"
    );
}

#[test]
fn links_in_a_root_are_carried_as_they_are_and_never_followed() {
    let device = Device::new(&["etc/*", "out/secret", "etc/up/secret"]);
    let outside = tempfile::tempdir_in(place()).unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    let root = device.path("root");
    fs::create_dir_all(root.join("etc")).unwrap();
    symlink(outside.path(), root.join("out")).unwrap();
    symlink("../../../../..", root.join("etc/up")).unwrap();
    symlink("/etc/shadow", root.join("etc/shadow")).unwrap();
    let layer = device.make("a", &[&root]).unwrap();
    assert_eq!(
        sh(&layer, "find . | sort; readlink etc/shadow etc/up"),
        ".\n./etc\n./etc/shadow\n./etc/up\n/etc/shadow\n../../../../..\n"
    );
}

#[test]
fn a_process_that_exchanges_folders_by_links_gets_nothing_in_and_nothing_out() {
    let device = Device::new(&["etc"]);
    let outside = tempfile::tempdir_in(place()).unwrap();
    fs::create_dir_all(outside.path().join("victim/sub")).unwrap();
    fs::write(outside.path().join("victim/secret"), "secret").unwrap();
    let root = device.path("root");
    sh(
        device.folder.path(),
        "mkdir -p root/etc/sub root/etc/other; for i in $(seq 60); do echo $i > root/etc/sub/$i; done",
    );
    let victims = "find victim | sort; cat victim/secret; stat -c '%a %U' victim victim/secret";
    let before = sh(outside.path(), victims);
    let places = ["root/etc/sub", "root/etc", "data/a/files/etc/sub", "data/a/files/etc"]
        .map(|name| device.path(name));
    let exchanges = Exchanges::default();
    std::thread::scope(|scope| {
        let until_the_end = exchanges.until_dropped();
        scope.spawn(|| {
            let (link, aside) = (outside.path().join("link"), outside.path().join("aside"));
            exchanges.run(|| {
                for folder in &places {
                    let _ = symlink(outside.path().join("victim"), &link);
                    if fs::rename(folder, &aside).is_ok() {
                        let _ = fs::rename(&link, folder);
                        std::thread::yield_now();
                        let _ = fs::remove_file(folder);
                        let _ = fs::rename(&aside, folder);
                    }
                }
            });
        });
        for _ in 0..60 {
            // Whatever comes of it, nothing of what the links lead to is in it.
            let _ = device.make("a", &[&root]);
            let rest = exchanges.pause();
            assert_eq!(sh(device.folder.path(), "find data -name secret; rm -rf data/a"), "");
            drop(rest);
        }
        drop(until_the_end);
    });
    assert_eq!(sh(outside.path(), victims), before);
}
