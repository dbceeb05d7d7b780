//! The trees of files of simulated releases: what is in their images, and what must be in a device's tree for each.

use crate::trees::{Node, Shape};
use drydock_bundle::tree::{Contents, Item, Kind, write};
use drydock_tree::{Choice, Extra, Meta};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The slot class.
pub const CLASS: &str = "app";
/// A file that the device keeps in its tree, and what is in it.
pub const OWN: (&str, &[u8]) = ("etc/site.conf", b"what the technician has set");

fn meta(mode: u32, uid: u32) -> Meta {
    Meta { mode, uid, gid: uid, extras: Vec::new() }
}

/// What a version's image holds. The files in `etc` are for devices that have none.
fn items(version: &str) -> Vec<Item> {
    let file = |path: &str, meta, text: String| Item {
        path: path.into(),
        meta,
        kind: Kind::File(Contents::Bytes(text.into_bytes())),
    };
    let folder = |path: &str, meta| Item { path: path.into(), meta, kind: Kind::Folder };
    let able = Meta {
        extras: vec![Extra { name: b"security.capability".to_vec(), value: vec![1; 20] }],
        ..meta(0o755, 0)
    };
    vec![
        folder("bin", meta(0o755, 0)),
        file("bin/app", able, format!("the program of version {version}")),
        folder("etc", meta(0o750, 7)),
        file("etc/default.conf", meta(0o644, 7), format!("defaults of version {version}")),
        folder("lib", meta(0o555, 0)),
        Item { path: "lib/again".into(), meta: meta(0o644, 0), kind: Kind::Same("bin/same".into()) },
        file("bin/same", meta(0o644, 0), "the same in every version".into()),
        file(&format!("lib/only-{version}"), meta(0o4755, 3), String::new()),
        Item {
            path: "lib/link".into(),
            meta: meta(0o777, 5),
            kind: Kind::Link(format!("only-{version}").into()),
        },
    ]
}

/// The image of a version.
pub fn image(version: &str) -> Vec<u8> {
    let choice = Choice { only: Vec::new(), except: vec!["etc".parse().expect("it is a pattern")] };
    let mut bytes = Vec::new();
    write(&choice, &items(version), &mut bytes).expect("the items are right");
    bytes
}

/// What a device's tree must be for a version; with what the device keeps, or without it.
pub fn expected(version: &str, own: bool) -> BTreeMap<PathBuf, Node> {
    let items = items(version);
    let node = |item: &Item| {
        let shape = match &item.kind {
            Kind::Folder => Shape::Folder,
            Kind::File(Contents::Bytes(bytes)) => Shape::File(bytes.clone()),
            Kind::Link(target) => Shape::Link(target.clone()),
            Kind::Same(_) | Kind::File(_) => Shape::File(b"the same in every version".to_vec()),
        };
        Node { shape, meta: item.meta.clone() }
    };
    let vendors = |item: &&Item| !item.path.starts_with("etc");
    let mut all: BTreeMap<_, _> =
        items.iter().filter(vendors).map(|item| (item.path.clone(), node(item))).collect();
    if own {
        let (path, text) = OWN;
        all.insert("etc".into(), Node { shape: Shape::Folder, meta: meta(0o700, 9) });
        all.insert(path.into(), Node { shape: Shape::File(text.to_vec()), meta: meta(0o600, 9) });
    }
    all
}

/// What the device keeps in a tree, as the live system makes it there.
pub fn own(trees: &dyn drydock_engine::machine::Trees, files: &Path) -> std::io::Result<()> {
    use drydock_engine::machine::NodeKind;
    let (path, text) = OWN;
    let (folder, file) = (files.join("etc"), files.join(path));
    trees.make(&folder, &NodeKind::Folder)?;
    trees.set(&folder, &meta(0o700, 9))?;
    trees.make(&file, &NodeKind::File(0))?;
    trees.fill(&file)?.write_all(text)?;
    trees.set(&file, &meta(0o600, 9))?;
    trees.flush_all(drydock_block::Flush::FileWritten)
}
