//! The machine that drydock's work sees when it runs on a simulated disk.

pub mod ext4;
mod start;
mod visit;
mod volumes;

pub use visit::{Said, Stick, Visit};

use crate::application;
use crate::disk::SimDisk;
use crate::schedule::{Process, Reads, Stepping};
use crate::script::Script;
use crate::trees::SimTrees;
use crate::workshop::{DATA_KEY, Workshop};
use drydock_block::{BlockDevice, Flush, read_vec};
use drydock_config::{Config, SlotClass, base_mapping};
use drydock_engine::Error;
use drydock_engine::event::{Attempt, Event, Events};
use drydock_engine::journal::Journal;
use drydock_engine::machine::{
    Accept, Candidate, Clock, Device, Disk, Found, Key, KeyProvider, Keys, Lock, Offered, Only, Operator,
    Place, Power, Provider, Random as For, Ring, Setting, Sources, Verdict, open_bootloader,
};
use drydock_engine::update::prove;
use drydock_engine::volume::data;
use drydock_fixtures::Random;
use drydock_format::{Image, ReadAt, Tail};
use drydock_luks::Limits;
use drydock_state::{Bootloader, SlotName, Source, UnixTime};
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use zeroize::Zeroizing;

/// The bytes that paths on `data` stand for.
pub type Bundles = BTreeMap<String, Arc<dyn ReadAt>>;

/// A machine that has waited for so long is switched off.
const PATIENCE: Duration = Duration::from_secs(600);

/// A machine with a simulated disk.
pub struct SimMachine<'f> {
    workshop: &'f Workshop,
    /// Its disk.
    pub disk: Arc<SimDisk>,
    config: Config,
    bundles: Bundles,
    events: Recorder,
    random: Mutex<Option<Random>>,
    ring: Mutex<Ring>,
    mapped: Mutex<BTreeMap<String, Device>>,
    /// What is mounted where; nothing is known of what is behind a filesystem of the live system.
    mounted: Mutex<BTreeMap<Place, Option<Device>>>,
    waited: Mutex<Duration>,
    trees: Option<Arc<SimTrees>>,
    /// What is in the root images, by their versions, where there are trees.
    roots: BTreeMap<String, SimTrees>,
    /// What was laid over the new root.
    laid: Mutex<Option<PathBuf>>,
    /// Whose turns are chosen, where another process works on the same disk.
    process: Option<(Process, Reads)>,
    /// How hooks answer, and what sensors read.
    script: Script,
    visit: Visit,
}

/// Remembers every event.
#[derive(Default)]
struct Recorder {
    told: Mutex<Vec<Event>>,
    journal: Mutex<(Journal, Option<Attempt>)>,
}

impl Events for Recorder {
    fn send(&self, event: Event) {
        let (journal, attempt) = &mut *lock(&self.journal);
        journal.push(0, *attempt, &event);
        lock(&self.told).push(event);
    }
    fn belongs_to(&self, attempt: Option<Attempt>) {
        lock(&self.journal).1 = attempt;
    }
    fn journal(&self) -> Vec<u8> {
        lock(&self.journal).0.text()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'f> SimMachine<'f> {
    /// A machine with this disk, and files on `data`.
    pub fn new(workshop: &'f Workshop, disk: Arc<SimDisk>, config: Config, bundles: Bundles) -> Self {
        Self {
            workshop,
            disk,
            config,
            bundles,
            events: Recorder::default(),
            random: Mutex::default(),
            ring: Mutex::default(),
            mapped: Mutex::default(),
            mounted: Mutex::default(),
            waited: Mutex::default(),
            trees: None,
            roots: BTreeMap::new(),
            laid: Mutex::default(),
            process: None,
            script: Script::default(),
            visit: Visit::default(),
        }
    }

    /// The same machine with trees of files on `data`.
    #[must_use]
    pub fn with_trees(self, trees: Option<Arc<SimTrees>>) -> Self {
        let versions = self.workshop.releases.iter().map(|release| &release.version);
        let root = |version: &String| {
            (version.clone(), SimTrees::new(application::root(version), self.disk.clone()))
        };
        let roots = versions.filter(|_| trees.is_some()).map(root).collect();
        Self { trees, roots, ..self }
    }

    /// The same machine, where hooks and sensors answer as it says there.
    #[must_use]
    pub fn with_script(self, script: Script) -> Self {
        Self { script, ..self }
    }

    /// The folder of `data` that was laid over the new root.
    pub fn laid_over(&self) -> Option<PathBuf> {
        lock(&self.laid).clone()
    }

    /// How hooks answer, and what sensors read.
    pub(crate) fn script(&self) -> &Script {
        &self.script
    }

    /// The same machine in the live system, where `data` is mounted already.
    #[must_use]
    pub fn in_live_system(self) -> Self {
        lock(&self.mounted).insert(Place::Data, None);
        self
    }

    /// The same machine with random numbers of its own: those of its disk are the same for all devices made from one.
    #[must_use]
    pub fn drawing(self, random: Random) -> Self {
        *lock(&self.random) = Some(random);
        self
    }

    /// The same machine, seen by one of two processes.
    #[must_use]
    pub fn seen_by(self, process: Process, reads: Reads) -> Self {
        Self { process: Some((process, reads)), ..self }
    }

    /// The same machine, with somebody before it.
    #[must_use]
    pub fn visited(self, visit: Visit) -> Self {
        let mut bundles = self.bundles;
        visit.places().add_to(&mut bundles);
        Self { visit, bundles, ..self }
    }

    /// Everything that happened, as a console would show it.
    pub fn told(&self) -> Vec<String> {
        lock(&self.events.told).iter().map(Event::to_string).collect()
    }

    /// Everything that happened.
    pub fn events(&self) -> Vec<Event> {
        lock(&self.events.told).clone()
    }

    /// Whether the base of a delta is mapped.
    pub fn has_bases(&self) -> bool {
        lock(&self.mapped).keys().any(|mapping| is_base(mapping))
    }

    /// Waits in no time; nobody waits for ever.
    fn wait(&self, time: Duration) -> Power {
        let waited = &mut *lock(&self.waited);
        *waited += time;
        if *waited < PATIENCE { Power::On } else { Power::Off }
    }
}

fn is_base(mapping: &str) -> bool {
    mapping.starts_with(&base_mapping(""))
}

fn missing(what: String) -> Error {
    Error::Missing { what, advice: "check the disk".into() }
}

impl Setting for SimMachine<'_> {
    fn config(&self) -> &Config {
        &self.config
    }
    fn events(&self) -> &dyn Events {
        &self.events
    }
    fn threads(&self) -> usize {
        1
    }
}

impl Clock for SimMachine<'_> {
    fn now(&self) -> UnixTime {
        UnixTime(1_700_000_000)
    }
    fn pause(&self, time: Duration) -> Power {
        match &self.process {
            Some((process, _)) => {
                process.pause();
                Power::On
            }
            None => self.wait(time),
        }
    }
}

impl Disk for SimMachine<'_> {
    fn lock(&self) -> Result<Lock, Error> {
        match &self.process {
            Some((process, _)) => Ok(Box::new(process.take_lock())),
            None => Ok(Box::new(self.disk.take_turn().ok_or_else(|| missing("the lock".into()))?)),
        }
    }
    fn bootloader(&self) -> Result<Box<dyn Bootloader>, Error> {
        open_bootloader(self)
    }
    fn partition(&self, label: &str) -> Result<Device, Error> {
        let device = self.workshop.partition(&self.disk, label);
        let device = device.ok_or_else(|| missing(format!("partition {label}")))?;
        Ok(match &self.process {
            Some((process, reads)) => {
                process.step();
                Arc::new(Stepping { device, process: process.clone(), reads: *reads })
            }
            None => device,
        })
    }
    fn whole(&self) -> Result<Device, Error> {
        Ok(self.disk.clone())
    }

    fn slot(&self, class: &SlotClass, name: SlotName) -> Result<Device, Error> {
        let slot = self.workshop.slot(&self.disk, class.partition(), name);
        slot.ok_or_else(|| missing(format!("partition {}", name.label(class.partition()))))
    }
    fn base(&self, class: &SlotClass, name: SlotName, _image: &Image) -> Result<Device, Error> {
        let slot = self.slot(class, name)?;
        lock(&self.mapped).insert(base_mapping(&name.label(class.partition())), slot.clone());
        Ok(slot)
    }
    fn release_bases(&self) {
        lock(&self.mapped).retain(|mapping, _| !is_base(mapping));
    }
    fn read_back(&self, class: &SlotClass, name: SlotName, image: &Image) -> Result<(), Error> {
        let label = name.label(class.partition());
        prove::by_reading(&self.slot(class, name)?, image, &label, self.threads(), &self.events)
    }
}

impl Keys for SimMachine<'_> {
    fn key_providers(&self) -> Vec<Box<dyn KeyProvider + '_>> {
        vec![Box::new(OneKey)]
    }
    fn ring(&self) -> &Mutex<Ring> {
        &self.ring
    }
    fn limits(&self) -> Result<Limits, Error> {
        Ok(Limits::new(u64::MAX))
    }
    fn random(&self, _purpose: For, buffer: &mut [u8]) -> io::Result<()> {
        // No two starts draw the same numbers, and the same start always the same.
        lock(&self.random).get_or_insert_with(|| Random::new(self.disk.fingerprint())).fill(buffer);
        Ok(())
    }
}

/// The key of every `data` volume.
struct OneKey;

impl KeyProvider for OneKey {
    fn limit(&self) -> Duration {
        Duration::ZERO
    }
    fn offer(&mut self, _volume: &str, accept: Accept<'_>) -> Result<Offered, Error> {
        Ok(match accept(&Key::Bytes(Zeroizing::new(DATA_KEY.to_vec())))? {
            Verdict::Fits => Offered::Accepted,
            Verdict::DoesNotFit(_) => Offered::NoneFits("the key does not fit".into()),
        })
    }
    fn enrol(&mut self, _volume: &str) -> Result<Result<Key, String>, Error> {
        Ok(Ok(Key::Bytes(Zeroizing::new(DATA_KEY.to_vec()))))
    }
}

impl SimMachine<'_> {
    fn found(&self, source: &Source) -> Result<Found, Error> {
        match source {
            Source::Data { path } => {
                data::for_reading(self)?;
                let bytes =
                    self.bundles.get(path).cloned().ok_or_else(|| missing(format!("{path} on data")))?;
                // Other bytes are another allocation.
                let stamp = Some(format!("{:p}", Arc::as_ptr(&bytes)));
                Ok(Found { bytes, tail: Tail::Nothing, stamp })
            }
            Source::Partition { label } => {
                let partition = self.partition(label)?;
                let bytes = partition
                    .flush(Flush::BundleOffered)
                    .and_then(|()| read_vec(&partition, 0, partition.size() as usize));
                let bytes = bytes.map_err(Error::system("reading", label, "check the disk"))?;
                Ok(Found { bytes: Arc::new(bytes), tail: Tail::Anything, stamp: None })
            }
            Source::Network { url } => {
                let bytes = self.bundles.get(url).cloned().ok_or_else(|| missing(url.clone()))?;
                Ok(Found { bytes, tail: Tail::Nothing, stamp: None })
            }
            Source::Memory => {
                let bytes = self.bundles.get("memory").cloned().ok_or_else(|| missing("memory".into()))?;
                Ok(Found { bytes, tail: Tail::Nothing, stamp: None })
            }
            Source::Medium(_) | Source::Unknown(_) => Err(missing(format!("{source:?}"))),
        }
    }
}

impl Sources for SimMachine<'_> {
    fn provider(&self, source: &Source) -> Result<Box<dyn Provider + '_>, Error> {
        if let Source::Medium(medium) = source {
            return Ok(self.visit.on_sticks(&medium.path));
        }
        let candidate = Candidate { name: format!("{source:?}"), found: self.found(source) };
        Ok(Box::new(Only::new(candidate, Duration::ZERO)))
    }
}

impl Operator for SimMachine<'_> {
    fn confirm(&self, _question: &str, limit: Duration) -> Option<bool> {
        self.wait(limit);
        None
    }
    fn line(&self, _prompt: &str, limit: Duration) -> Result<Zeroizing<Vec<u8>>, Power> {
        Err(self.wait(limit))
    }
}
