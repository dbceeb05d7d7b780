//! A folder with everything in it that a tree may have, its image, and a device's `data`.

use drydock_block::{BlockDevice, MemoryDevice, SectorSize};
use drydock_bundle::tree::{Owner, collect, write};
use drydock_config::{Share, Tree};
use drydock_engine::Error;
use drydock_engine::event::Silent;
use drydock_engine::tree::ClassTrees;
use drydock_fixtures::sh;
use drydock_format::tree::{GROUP, Hasher, build};
use drydock_format::{Digest, Image};
use drydock_recovery::tree::Beneath;
use drydock_state::SetName;
use drydock_tree::Choice;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};

/// An image in a slot.
pub(crate) struct Slot {
    pub(crate) device: MemoryDevice,
    pub(crate) image: Image,
}

/// Puts an image into a slot, with its hash tree.
pub(crate) fn slot(bytes: &[u8]) -> Slot {
    let salt = Digest([7; 32]).into();
    let hasher = Hasher::new(&salt);
    let groups: Vec<Digest> = bytes.chunks(GROUP).map(|group| hasher.group_digest(group)).collect();
    let (root_hash, upper) = build(&salt, &groups);
    let image = Image {
        name: "app".into(),
        class: "app".into(),
        size: bytes.len() as u64,
        salt,
        root_hash,
        frame_size: GROUP as u32,
    };
    let leaves: Vec<u8> = bytes.chunks(GROUP).flat_map(|group| hasher.leaf_block(group)).collect();
    let all = [bytes, &upper, &leaves].concat();
    let device = MemoryDevice::new(all.len() as u64 + 4096, SectorSize::S4096);
    device.write_at(0, &all).unwrap();
    Slot { device, image }
}

/// A choice of these patterns.
pub(crate) fn choice(only: &[&str], except: &[&str]) -> Choice {
    let patterns = |all: &[&str]| all.iter().map(|text| text.parse().unwrap()).collect();
    Choice { only: patterns(only), except: patterns(except) }
}

/// The image of a folder.
pub(crate) fn image(folder: &Path, choice: &Choice) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(choice, &collect(folder, Owner::AsTheyAre).unwrap(), &mut bytes).unwrap();
    bytes
}

/// A folder with all kinds of files; the names of files are odd on purpose.
pub(crate) fn sample(version: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir_in(place()).unwrap();
    sh(
        folder.path(),
        &format!(
            r#"
        mkdir -p bin lib 'var/a b' share/deep/$(printf 'd%.0s' $(seq 120))
        echo 'program {version}' > bin/app; chmod 4755 bin/app; chown 12:34 bin/app; chmod 4755 bin/app
        cp /bin/true bin/ping; setcap cap_net_raw,cap_net_admin=ep bin/ping
        cp /bin/true bin/newline; setcap cap_dac_override,cap_fowner=ep bin/newline
        head -c 3000000 /dev/zero | tr '\0' 'x' > lib/large; ln lib/large lib/large-too
        : > lib/empty; chmod 0000 lib/empty; chown 70000:3000000 lib/empty
        echo {version} > "lib/only-{version}"
        ln -s ../bin/app lib/link; ln -s /nowhere lib/dangling; chown -h 5:6 lib/link
        echo acl > lib/acl; setfacl -m u:123:r lib/acl; setfacl -d -m u:99:rx lib
        setfattr -n user.note -v 'a = b %' lib/acl
        printf x > 'var/a b/%20 = %'; printf y > "$(printf 'var/\377\n')"
        echo deep > share/deep/$(printf 'd%.0s' $(seq 120))/file
        chmod 1777 var; chmod 2750 share; chown 0:42 share; chmod 2750 share
        "#
        ),
    );
    folder
}

/// Where tests have a filesystem with everything: not in memory.
pub(crate) fn place() -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).to_owned();
    std::fs::create_dir_all(&place).unwrap();
    place
}

/// A device's `data`.
pub(crate) struct Data {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) settings: Tree,
}

impl Data {
    pub(crate) fn new(choice: Choice) -> Self {
        let folder = tempfile::tempdir_in(place()).unwrap();
        let Choice { only, except } = choice;
        let settings = Tree {
            class: "app".into(),
            only,
            except,
            share: Share::Link,
            required: true,
            partition: None,
            mount: None,
            at: None,
        };
        Self { folder, settings }
    }

    pub(crate) fn with<T>(&self, work: impl FnOnce(&ClassTrees<'_>) -> T) -> T {
        let trees = Beneath::open(self.folder.path()).unwrap();
        work(&ClassTrees {
            trees: &trees,
            folder: Path::new("lib/drydock/trees/app"),
            settings: &self.settings,
            events: &Silent,
        })
    }

    /// Makes a set's tree as an update does.
    pub(crate) fn make(&self, set: SetName, slot: &Slot) -> Result<(), Error> {
        self.with(|trees| trees.make(set, set.other(), &slot.device, &slot.image))
    }

    pub(crate) fn class(&self) -> PathBuf {
        self.folder.path().join("lib/drydock/trees/app")
    }

    pub(crate) fn files(&self, set: SetName) -> PathBuf {
        self.class().join(set.to_string()).join("files")
    }
}

/// What a thread of an attacker exchanges behind drydock's back, for as long as a test wants it.
#[derive(Default)]
pub(crate) struct Exchanges {
    over: AtomicBool,
    /// Held by whoever may rely on nothing being exchanged.
    turn: Mutex<()>,
}

impl Exchanges {
    /// Exchanges again and again, until what [`until_dropped`](Self::until_dropped) returned is dropped.
    pub(crate) fn run(&self, mut exchange: impl FnMut()) {
        while !self.over.load(Ordering::Relaxed) {
            // A test that failed with the turn in its hands has dropped the other thing, too.
            let Ok(turn) = self.turn.lock() else { return };
            exchange();
            drop(turn);
            std::thread::yield_now();
        }
    }

    /// Returns what ends them when it is dropped, and that is when a check fails as well: a thread that went on
    /// would let the test wait for it forever.
    pub(crate) fn until_dropped(&self) -> UntilDropped<'_> {
        UntilDropped(&self.over)
    }

    /// Lets nothing be exchanged while it is held: `rm -r` fails where a name comes back behind it.
    pub(crate) fn pause(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap()
    }
}

/// See [`Exchanges::until_dropped`].
pub(crate) struct UntilDropped<'a>(&'a AtomicBool);

impl Drop for UntilDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Everything that `tar`, `getcap` and `getfattr` say of a folder, but for times.
pub(crate) fn said_of(folder: &Path) -> String {
    let script = r#"
        export LC_ALL=C
        find . -mindepth 1 -printf '%P %y %m %U %G %l\0' | sort -z | tr '\0' '\n'
        find . -type f -print0 | sort -z | xargs -0 sha256sum
        [ ! -e lib/large ] || [ lib/large -ef lib/large-too ] || echo two files
        find . -type f -print0 | sort -z | xargs -0 getcap
        getfacl -R -n -p . 2>/dev/null | sort
        getfattr -R -d -m - -e hex . | sort
    "#;
    sh(folder, script)
}
