//! What is on a disk, and whether that may be: found without asking drydock or the guest.

use crate::blklog::SECTOR;
use crate::job::{Release, Task};
use crate::recording::Recording;
use drydock_block::{Section, is_zero, read_vec};
use drydock_files::FileDevice;
use drydock_format::trailer;
use drydock_simulator::contents::Contents;
use drydock_simulator::proof::{Failure, Kind, check_history};
use drydock_state::grub::Grub;
use drydock_state::{
    Bootloader, Mode, Observed, Outcome, Record, Replica, SetName, SetStatus, decode_replica, replica_offsets,
};
use std::path::Path;

/// The room that a replica of the record takes at most, in bytes.
const REPLICA: usize = 4096 + 256 * 1024;
/// How often a set may be started: the configuration's default.
const ATTEMPTS: u8 = 3;
/// Classes of the slots that make up a set.
const CLASSES: [&str; 2] = ["boot", "root"];
/// Bytes that are compared at once.
const PIECE: usize = 1 << 20;

/// Where a LUKS2 header has its UUID, and where its key slots begin.
const LUKS_UUID: u64 = 168;
/// The length of a first key slot, of 64 bytes in 4000 stripes.
const LUKS_KEYS_LEN: usize = 4000 * 64;
const LUKS_KEYS: u64 = 32 << 10;

type Partition<'d> = Section<&'d FileDevice>;

/// A disk whose guest is not running.
pub struct Disk<'r> {
    recording: &'r Recording,
    file: FileDevice,
    table: drydock_gpt::Table,
}

/// What is to come, and what must be so already.
#[derive(Clone, Debug)]
pub struct Outlook {
    /// The version that must run in the end.
    pub version: String,
    /// Whether `data` must be new in the end.
    pub reset: bool,
    /// The set whose slots must stay as they were: the one that was good before.
    spared: SetName,
}

impl<'r> Disk<'r> {
    /// Opens an image.
    pub fn open(recording: &'r Recording, image: &Path) -> Result<Self, Failure> {
        let file = FileDevice::open(image, SECTOR).or_else(|e| half(format!("the image: {e}")))?;
        let table = drydock_gpt::read(&file).or_else(|e| half(format!("the partition table: {e}")))?;
        Ok(Self { recording, file, table })
    }

    /// Where a partition begins, in bytes.
    pub fn start(&self, label: &str) -> Option<u64> {
        self.table.partitions.iter().find(|own| own.label == label).map(|own| own.start)
    }

    /// What must hold at every moment. `boots_over` of the recorded boots had ended by themselves, with all that they
    /// had promised.
    pub fn check_at_rest(&self, boots_over: usize) -> Result<Outlook, Failure> {
        let record = self.record().map_or_else(|| fail(Kind::Broken, "the record of state is lost"), Ok)?;
        for set in SetName::BOTH {
            let whole = self.whole(set);
            for class in CLASSES {
                self.slot(class, set).or_else(|why| fail(Kind::Lie, why))?;
            }
            let info = record.sets.get(set);
            let told =
                || format!("the record says that set {set} is version {}, {:?}", info.version, info.status);
            match whole {
                _ if !info.bootable() => {}
                Ok(release) if release.version == info.version => {}
                Ok(release) => return fail(Kind::Lie, format!("{}; it is {}", told(), release.version)),
                Err(why) => return fail(Kind::Lie, format!("{}; {why}", told())),
            }
        }
        let before = self.record_before();
        let taken_on = record.last_intent_id > before.last_intent_id;
        let task = self.recording.task;
        if task != Task::FirstBoot && boots_over > 0 && !taken_on {
            return fail(Kind::Broken, "the intent was promised and is lost");
        }
        let version = if taken_on { &self.recording.new } else { &self.recording.old };
        let spared = before.last_good.unwrap_or(SetName::A);
        Ok(Outlook { version: version.clone(), reset: taken_on && task == Task::Reset, spared })
    }

    /// What must be so once a set has come up and was marked good.
    pub fn check_end(&self, outlook: &Outlook, set: SetName, version: &str) -> Result<(), Failure> {
        match self.whole(set) {
            Ok(release) if release.version == version => {}
            Ok(release) => return half(format!("version {version} runs from a slot of {}", release.version)),
            Err(why) => return half(format!("set {set} runs and is not whole: {why}")),
        }
        if version != outlook.version {
            return fail(Kind::Broken, format!("version {version} runs, expected was {}", outlook.version));
        }
        for label in CLASSES.map(|class| outlook.spared.label(class)) {
            if !self.is_as_before(&label) {
                return fail(Kind::Broken, format!("{label} was written to, of the last good set"));
            }
        }
        let record = match self.replicas(&self.file) {
            [Replica::Valid { sequence: a, record }, Replica::Valid { sequence: b, record: other }]
                if a == b && record == other =>
            {
                record
            }
            replicas => {
                return fail(Kind::Broken, format!("the replicas of the record differ: {replicas:?}"));
            }
        };
        if record.last_good != Some(set) || record.sets.get(set).status != SetStatus::Good {
            return fail(Kind::Broken, format!("set {set} was marked good, and the record does not tell"));
        }
        if let Some(intent) = &record.intent {
            return fail(Kind::Broken, format!("intent {} still waits", intent.id));
        }
        let agrees = |now: &Observed| {
            let same = now.generation == record.generation && now.first == set;
            same && now.mode == Mode::Normal && now.left.of(set) == ATTEMPTS
        };
        let now = Grub::open(self.partition("bootenv")?).and_then(|store| store.observe());
        if !now.as_ref().is_ok_and(agrees) {
            return fail(Kind::Broken, format!("the boot environment does not agree: {now:?}"));
        }
        self.check_data(outlook.reset)?;
        let story: &[Outcome] = if outlook.reset { &[Outcome::Reset] } else { &[] };
        check_history(&record.history, story, set, version).or_else(|why| fail(Kind::Lie, why))
    }

    /// Whether `data` is the volume that it was, or one where there was none, or another one that has left nothing of the old key slots.
    fn check_data(&self, reset: bool) -> Result<(), Failure> {
        let start = self.start("data").unwrap_or_default();
        let both =
            |at: u64, len| (self.recording.base.bytes(start + at, len), self.file.bytes(start + at, len));
        let (before, now) = both(LUKS_UUID, 40);
        match (before != now, reset) {
            (true, false) if is_zero(&before) => return Ok(()),
            (false, false) if is_zero(&before) => return half("`data` was not made".into()),
            (true, false) => return half("`data` is another volume, and no reset was asked for".into()),
            (false, true) => return half("`data` was to be reset, and is the old volume".into()),
            (false, false) => return Ok(()),
            (true, true) => {}
        }
        let (before, now) = both(LUKS_KEYS, LUKS_KEYS_LEN);
        let mut sectors = before.chunks(SECTOR.as_usize()).zip(now.chunks(SECTOR.as_usize()));
        match sectors.any(|(before, now)| before == now && before.iter().any(|byte| *byte != 0)) {
            true => fail(Kind::Broken, "some of the old volume's key material is still there"),
            false => Ok(()),
        }
    }

    /// The release that a whole set holds.
    fn whole(&self, set: SetName) -> Result<&'r Release, String> {
        let mut held = CLASSES.map(|class| (set.label(class), self.slot(class, set))).into_iter();
        held.try_fold(None, |found: Option<&Release>, (label, slot)| match slot? {
            None => Err(format!("{label} has no trailer")),
            Some(release) if found.is_some_and(|other| other.version != release.version) => {
                Err(format!("{label} is of version {}", release.version))
            }
            release => Ok(release),
        })?
        .ok_or_else(|| "it has no slots".into())
    }

    /// The release that a slot holds, by its trailer and by every byte. No trailer, no claim; an error is a lie.
    fn slot(&self, class: &str, set: SetName) -> Result<Option<&'r Release>, String> {
        let label = set.label(class);
        let slot = self.partition(&label).map_err(|failure| failure.what)?;
        let Ok(trailer) = trailer::read(&slot) else { return Ok(None) };
        let of = |release: &&Release| release.manifest == trailer.manifest;
        let release = self.recording.releases.iter().find(of);
        let release = release.ok_or_else(|| format!("{label} has the trailer of no release"))?;
        let image =
            release.images.iter().find(|(name, _)| *name == class).map_or(&[][..], |(_, image)| image);
        let mut pieces = (0..).step_by(PIECE).zip(image.chunks(PIECE));
        let same =
            pieces.all(|(at, piece)| read_vec(&slot, at, piece.len()).is_ok_and(|found| found == piece));
        match same && trailer.image == class {
            true => Ok(Some(release)),
            false => {
                Err(format!("{label} has the trailer of version {} and not its contents", release.version))
            }
        }
    }

    fn is_as_before(&self, label: &str) -> bool {
        let Some(place) = self.table.partitions.iter().find(|own| own.label == label) else { return false };
        let mut before = vec![0; PIECE];
        let mut pieces =
            (0..place.len).step_by(PIECE).map(|at| (place.start + at, PIECE.min((place.len - at) as usize)));
        pieces.all(|(at, len)| {
            self.recording.base.read(at, &mut before[..len]);
            read_vec(&self.file, at, len).is_ok_and(|now| now == before[..len])
        })
    }

    fn record(&self) -> Option<Record> {
        newest(self.replicas(&self.file))
    }

    /// The record of the disk that the recording began with.
    fn record_before(&self) -> Record {
        newest(self.replicas(&self.recording.base)).unwrap_or_default()
    }

    fn replicas(&self, disk: &impl Bytes) -> [Replica; 2] {
        let state = self.table.partitions.iter().find(|own| own.label == "state");
        let (start, len) = state.map_or((0, 0), |state| (state.start, state.len));
        let offsets = replica_offsets(len).unwrap_or_default();
        offsets.map(|offset| decode_replica(&disk.bytes(start + offset, REPLICA)))
    }

    fn partition(&self, label: &str) -> Result<Partition<'_>, Failure> {
        let place = self.table.partitions.iter().find(|own| own.label == label);
        let section = place.and_then(|place| Section::new(&self.file, place.start, place.len).ok());
        section.map_or_else(|| half(format!("there is no partition {label}")), Ok)
    }
}

/// Bytes of a disk, zeros where it can't be read.
trait Bytes {
    fn bytes(&self, offset: u64, len: usize) -> Vec<u8>;
}

impl Bytes for FileDevice {
    fn bytes(&self, offset: u64, len: usize) -> Vec<u8> {
        read_vec(self, offset, len).unwrap_or_default()
    }
}

impl Bytes for Contents {
    fn bytes(&self, offset: u64, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.read(offset, &mut bytes);
        bytes
    }
}

fn newest(replicas: [Replica; 2]) -> Option<Record> {
    let valid = replicas.into_iter().filter_map(|replica| match replica {
        Replica::Valid { sequence, record } => Some((sequence, *record)),
        _ => None,
    });
    valid.max_by_key(|(sequence, _)| *sequence).map(|(_, record)| record)
}

fn fail<T>(kind: Kind, what: impl Into<String>) -> Result<T, Failure> {
    Err(Failure { kind, what: what.into() })
}

fn half<T>(what: String) -> Result<T, Failure> {
    fail(Kind::Half, what)
}
