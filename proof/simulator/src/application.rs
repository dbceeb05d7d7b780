//! The trees of files of simulated releases: what is in their images, and what must be in a device's tree for each.

use crate::trees::{Node, Shape, Tree};
use drydock_bundle::tree::{Contents, Item, Kind, write};
use drydock_engine::machine::{NodeKind, Trees};
use drydock_engine::tree::FOLDER;
use drydock_state::SetName;
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

/// A blank partition, which the trees have to themselves where a test says so.
pub const PARTITION: &str = "apps";
/// Its size in bytes, which no other one has that is made new.
pub const PARTITION_SIZE: u64 = 96 << 10;

/// What simulated devices carry over, where a test says so.
pub const CARRY: [&str; 3] = ["etc/machine-id", "etc/ssh/*_key", "etc/keys"];

/// The layer of a set: where on `data` lies what is carried for it.
pub fn layer(set: SetName) -> PathBuf {
    Path::new(FOLDER).join("root").join(set.to_string())
}

/// What is in the root image of a version. Every version says the same of what devices carry, but for its own name.
pub fn root(version: &str) -> Tree {
    let file = |text: String, mode| Node { shape: Shape::File(text.into_bytes()), meta: meta(mode, 0) };
    let folder = |mode| Node { shape: Shape::Folder, meta: meta(mode, 0) };
    let able = Meta {
        extras: vec![Extra { name: b"security.capability".to_vec(), value: vec![1; 20] }],
        ..meta(0o4755, 0)
    };
    let all = [
        ("etc", folder(if version == "1" { 0o777 } else { 0o755 })),
        ("etc/machine-id", file(format!("made for version {version}"), 0o444)),
        ("etc/version", file(version.to_owned(), 0o644)),
        ("etc/ssh", folder(0o750)),
        ("etc/ssh/config", file(format!("of version {version}"), 0o644)),
        ("etc/keys", folder(0o700)),
        ("etc/keys/tool", Node { shape: Shape::File(b"a tool".to_vec()), meta: able }),
        ("etc/keys/link", Node { shape: Shape::Link("/etc/version".into()), meta: meta(0o777, 5) }),
        ("etc/keys/pipe", Node { shape: Shape::Pipe, meta: meta(0o600, 0) }),
        ("usr", folder(0o755)),
        ("usr/machine-id", file("not meant".into(), 0o644)),
    ];
    Tree::of(all.into_iter().map(|(path, node)| (path.into(), node)))
}

/// What must lie over the root of a set whose device began with version 1 and [`KEY`].
pub fn carried(version: &str) -> BTreeMap<PathBuf, Node> {
    let (key, text) = KEY;
    let key_file = Node { shape: Shape::File(text.to_vec()), meta: meta(0o600, 0) };
    let folder = |mode| Node { shape: Shape::Folder, meta: meta(mode, 0) };
    let own = [("etc/ssh", folder(0o750)), (key, key_file)];
    let own = own.into_iter().map(|(path, node)| (path.into(), node));
    match version {
        "1" => own.chain([("etc".into(), folder(0o777))]).collect(),
        _ => own.chain(of_root("1")).collect(),
    }
}

/// What the root of a version has to be carried.
pub fn of_root(version: &str) -> BTreeMap<PathBuf, Node> {
    let file = |text: String, mode| Node { shape: Shape::File(text.into_bytes()), meta: meta(mode, 0) };
    let folder = |mode| Node { shape: Shape::Folder, meta: meta(mode, 0) };
    let all = [
        ("etc", folder(0o755)),
        ("etc/machine-id", file(format!("made for version {version}"), 0o444)),
        ("etc/keys", folder(0o700)),
        ("etc/keys/tool", file("a tool".into(), 0o755)),
        ("etc/keys/link", Node { shape: Shape::Link("/etc/version".into()), meta: meta(0o777, 5) }),
    ];
    all.into_iter().map(|(path, node)| (path.into(), node)).collect()
}

/// A file that the live system puts into a layer, with the folders above it; it is to be carried.
pub const KEY: (&str, &[u8]) = ("etc/ssh/host_key", b"the key of this device");

/// Puts [`KEY`] into the layer of a set, as the live system does.
pub fn make_key(trees: &dyn Trees, set: SetName) -> std::io::Result<()> {
    let (path, text) = KEY;
    let file = layer(set).join("files").join(path);
    for folder in ["files/etc", "files/etc/ssh"] {
        trees.make(&layer(set).join(folder), &NodeKind::Folder)?;
        trees.set(&layer(set).join(folder), &meta(0o711, 0))?;
    }
    trees.make(&file, &NodeKind::File(0))?;
    trees.fill(&file)?.write_all(text)?;
    trees.set(&file, &meta(0o600, 0))?;
    trees.flush_all(drydock_block::Flush::FileWritten)
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
pub fn own(trees: &dyn Trees, files: &Path) -> std::io::Result<()> {
    let (path, text) = OWN;
    let (folder, file) = (files.join("etc"), files.join(path));
    trees.make(&folder, &NodeKind::Folder)?;
    trees.set(&folder, &meta(0o700, 9))?;
    trees.make(&file, &NodeKind::File(0))?;
    trees.fill(&file)?.write_all(text)?;
    trees.set(&file, &meta(0o600, 9))?;
    trees.flush_all(drydock_block::Flush::FileWritten)
}
