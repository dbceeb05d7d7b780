//! drydock on files of the machine that this runs on: its full install, for measuring time and state, and commands of
//! the live system, for running several of them at once.

mod base;
mod limits;
mod machine;

pub use base::{Base, SET_A, fetch, settle_in, twin};
pub use limits::{median, read_back, unpack, write};

use crate::loader::Loader;
use crate::workshop::COMPATIBLE;
use drydock_block::SectorSize;
use drydock_bundle::create::{Input, Recipe, create, default_salt};
use drydock_bundle::ordered;
use drydock_config::{Config, Role, SlotClass};
use drydock_engine::Error;
use drydock_engine::context::RunningSet;
use drydock_engine::live;
use drydock_engine::state::{Seen, State};
use drydock_engine::steps;
use drydock_engine::update::{self, Look};
use drydock_files::FileDevice;
use drydock_fixtures::key;
use drydock_recovery::pid1::read_config;
use drydock_state::{MaybeDigest, SetInfo, SetName, Source, Store, UnixTime, transition};
use machine::NativeMachine;
pub use machine::Zeros;
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;

/// The bundle that [`prepare`] makes: its name in the folder.
pub const BUNDLE: &str = "bundle.drydock";
/// The device's configuration in the folder.
const CONFIG: &str = "config.json";
/// The slot that is written: its name in the folder.
pub const SLOT: &str = "root-b";
const BOOTENV_SIZE: u64 = 1 << 20;
const STATE_SIZE: u64 = 8 << 20;

/// Makes a bundle of an image, and the partitions of a device to install it on, in a folder.
pub fn prepare(folder: &Path, image: &Path, level: i32) -> Result<(), drydock_bundle::Error> {
    let recipe = Recipe {
        hooks: Default::default(),
        compatible: COMPATIBLE.into(),
        version: "1".into(),
        security_version: 0,
        salt: default_salt(COMPATIBLE),
        frame_size: 4 << 20,
        level,
        workers: ordered::cores(),
        images: vec![Input { name: "root".into(), class: "root".into(), path: image.into() }],
        pins: Vec::new(),
        bases: Vec::new(),
        keys: vec![key(1)],
    };
    let made = create(&recipe, &folder.join(BUNDLE), |_, _, _| {})?;
    equip(folder, &[(SLOT, made.slots[0])])
}

/// Makes a device in a folder, with slots of these names and sizes.
fn equip(folder: &Path, slots: &[(&str, u64)]) -> Result<(), drydock_bundle::Error> {
    let public = key(1).public()?;
    let classes = vec![SlotClass::new("root", Role::Root)];
    let config = serde_json::to_vec(&Config::new(COMPATIBLE, classes, public.to_string()));
    fs::write(folder.join(CONFIG), config.expect("it is a map")).expect("a file can be made in this folder");
    let partition = |label: &str, size: u64| {
        FileDevice::create(&folder.join(label), size, SectorSize::S512)
            .expect("a file can be made in this folder")
    };
    Loader::Grub.lay_out(&|label| Some(Arc::new(partition(label, BOOTENV_SIZE))));
    let record = transition::flashed(SetInfo::default(), UnixTime(0));
    let (mut store, _) = Store::open(partition("state", STATE_SIZE), None).expect("it is large enough");
    store.write(&record).expect("it can be written");
    for (name, size) in slots {
        partition(name, *size);
    }
    Ok(())
}

/// Makes a slot hold nothing but zeros. Its blocks are allocated afterwards, as those of a partition are, and none of them is in
/// the page cache.
pub fn blank(slot: &Path) -> io::Result<()> {
    let file = File::options().write(true).open(slot)?;
    let mut zeros = io::repeat(0).take(file.metadata()?.len());
    let mut writer = BufWriter::with_capacity(1 << 20, &file);
    io::copy(&mut zeros, &mut writer)?;
    writer.flush()?;
    settle(&file)
}

/// Writes a file's pages back and drops them.
pub fn settle(file: &File) -> io::Result<()> {
    file.sync_all()?;
    Ok(posix_fadvise(file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?)
}

/// Installs a bundle in the folder, by its name there, into the slot beside it: signatures, writing, reading back, commit.
pub fn install(folder: &Path, bundle: &str, threads: usize, zeros: Zeros) -> Result<(), Error> {
    let machine = machine(folder, threads, zeros)?;
    let mut state = State::open(&machine)?;
    let source = Source::Data { path: bundle.into() };
    let commit = update::apply(&machine, &mut state, &source, None)?;
    steps::finish(&machine, &mut state, Ok(commit))
}

/// Puts version 2, which has its trial, into set b: a command of [`command`] runs in it.
pub fn on_trial(folder: &Path) -> Result<(), Error> {
    let machine = machine(folder, 1, Zeros::Written)?;
    let mut state = State::open(&machine)?;
    let release = SetInfo { version: "2".into(), security_version: 2, ..SetInfo::default() };
    transition::installed(&mut state.record, SetName::B, release, "", UnixTime(0));
    state.save()
}

/// Does what a command of the live system does, and returns what it tells.
pub fn command(folder: &Path, name: &str) -> Result<String, Error> {
    let machine = machine(folder, 1, Zeros::Written)?;
    let running =
        RunningSet { set: SetName::B, root_hash: MaybeDigest::None, version: "2".into(), degraded: false };
    Ok(match name {
        "stage" => {
            let staged = live::stage(&machine, Source::Data { path: BUNDLE.into() }, Look::Quick)?;
            format!("staged as {}", staged.id)
        }
        "cancel" => format!("cancelled {}", live::cancel(&machine)?),
        "mark-good" => format!("marked good, news: {}", live::mark_good(&machine, &running)?.news),
        "factory-reset" => format!("reset as {}", live::factory_reset(&machine)?),
        "settle" => live::settle(&machine, SetName::B).map(|()| "settled".into())?,
        other => return Err(Error::Usage(format!("there is no command `{other}`"))),
    })
}

/// The record and the boot environment of the device in the folder, as text.
pub fn left(folder: &Path) -> Result<String, Error> {
    let seen = Seen::look(&machine(folder, 1, Zeros::Written)?)?;
    Ok(format!("{:?} {:?} {:?}", seen.trust, seen.record, seen.counters))
}

fn machine(folder: &Path, threads: usize, zeros: Zeros) -> Result<NativeMachine, Error> {
    let config = read_config(&folder.join(CONFIG))?;
    Ok(NativeMachine { folder: folder.into(), config, threads, zeros, ring: Mutex::default() })
}

/// How many workers a device with this machine's processors has: one more than there are, as `recovery` has it, because some wait
/// for the disk while others compute.
pub fn workers() -> usize {
    ordered::cores() + 1
}

/// The most memory that this process has had resident so far, in KiB.
pub fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or_default()
}
