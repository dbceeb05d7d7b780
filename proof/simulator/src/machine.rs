//! The machine that drydock's recovery sees when it runs on a simulated disk.

use crate::disk::SimDisk;
use crate::factory::{DATA_KEY, Factory};
use crate::random::Random;
use crate::schedule::{Process, Reads, Stepping};
use crate::volume;
use drydock_block::{BlockDevice, Flush, read_vec};
use drydock_config::{Config, SlotClass};
use drydock_engine::Error;
use drydock_engine::event::{Event, Events};
use drydock_engine::machine::{Device, Found, Lock, Machine, Take, Volumes, open_bootloader};
use drydock_engine::update::prove;
use drydock_format::{Image, ReadAt, Tail};
use drydock_luks::{FormatOptions, Limits, Unlocked, Volume};
use drydock_models::CryptDevice;
use drydock_state::{Bootloader, SlotName, Source};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use zeroize::Zeroizing;

/// The bytes that paths on `data` stand for.
pub type Sources = BTreeMap<String, Arc<dyn ReadAt>>;

/// A machine with a simulated disk.
pub struct SimMachine<'f> {
    factory: &'f Factory,
    /// Its disk.
    pub disk: Arc<SimDisk>,
    config: Config,
    sources: Sources,
    events: Recorder,
    random: Mutex<Option<Random>>,
    /// Whose turns are chosen, where another process works on the same disk.
    process: Option<(Process, Reads)>,
}

/// Remembers every event.
#[derive(Default)]
struct Recorder(Mutex<Vec<Event>>);

impl Events for Recorder {
    fn send(&self, event: Event) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }
}

impl<'f> SimMachine<'f> {
    /// A machine with this disk, and files on `data`.
    pub fn new(factory: &'f Factory, disk: Arc<SimDisk>, config: Config, sources: Sources) -> Self {
        Self {
            factory,
            disk,
            config,
            sources,
            events: Recorder::default(),
            random: Mutex::default(),
            process: None,
        }
    }

    /// The same machine, seen by one of two processes.
    #[must_use]
    pub fn seen_by(self, process: Process, reads: Reads) -> Self {
        Self { process: Some((process, reads)), ..self }
    }

    /// Everything that happened, as a console would show it.
    pub fn told(&self) -> Vec<String> {
        let events = self.events.0.lock().unwrap_or_else(PoisonError::into_inner);
        events.iter().map(Event::to_string).collect()
    }
}

fn missing(what: String) -> Error {
    Error::Missing { what, advice: "check the disk".into() }
}

impl Volumes for SimMachine<'_> {
    fn limits(&self) -> Result<Limits, Error> {
        Ok(Limits::new(u64::MAX))
    }
    fn unlock(&self, label: &str, volume: &Volume<'_>) -> Result<Unlocked, Error> {
        let locked = |error: drydock_luks::Error| Error::Refused(format!("`{label}`: {error}"));
        volume.unlock(DATA_KEY).map_err(locked)
    }
    fn key_for_new(&self, _label: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
        Ok(Zeroizing::new(DATA_KEY.to_vec()))
    }
    fn format_options(&self, _partition: &Device) -> FormatOptions {
        volume::format_options()
    }
    fn random(&self, buffer: &mut [u8]) -> io::Result<()> {
        // No two starts draw the same numbers, and the same start always the same.
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        random.get_or_insert_with(|| Random::new(self.disk.start().fingerprint())).fill(buffer);
        Ok(())
    }
    fn pack(
        &self,
        label: &str,
        volume: &Unlocked,
        _paths: &[String],
        _limit: u64,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let inside = CryptDevice::new(self.partition(label)?, volume).expect("the volume is whole");
        let found = volume::contents(&inside).ok_or_else(|| missing(format!("the filesystem of {label}")))?;
        let kept = self.factory.kept();
        match found.starts_with(&kept) {
            true => Ok(Zeroizing::new(kept)),
            false => Err(missing("what is to be kept".into())),
        }
    }
    fn make_filesystem(
        &self,
        label: &str,
        volume: Option<&Unlocked>,
        packed: Option<&[u8]>,
    ) -> Result<(), Error> {
        let partition = self.partition(label)?;
        let inside: Device = match volume {
            Some(volume) => Arc::new(CryptDevice::new(partition, volume).expect("the volume is whole")),
            None => partition,
        };
        let made = volume::make(&inside, packed.unwrap_or_default());
        made.map_err(Error::system("making a filesystem on", label, "check the disk"))
    }
}

impl Machine for SimMachine<'_> {
    fn config(&self) -> &Config {
        &self.config
    }
    fn events(&self) -> &dyn Events {
        &self.events
    }
    fn now(&self) -> u64 {
        1_700_000_000
    }
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
        let device = self.factory.partition(&self.disk, label);
        let device = device.ok_or_else(|| missing(format!("partition {label}")))?;
        Ok(match &self.process {
            Some((process, reads)) => {
                process.step();
                Arc::new(Stepping { device, process: process.clone(), reads: *reads })
            }
            None => device,
        })
    }
    fn slot(&self, class: &SlotClass, name: SlotName) -> Result<Device, Error> {
        let slot = self.factory.slot(&self.disk, &class.class, name);
        slot.ok_or_else(|| missing(format!("partition {}", name.label(&class.class))))
    }
    fn source<T>(&self, source: &Source, take: Take<'_, T>) -> Result<T, Error> {
        let path = match source {
            Source::Data { path } => path,
            Source::Partition { label } => {
                let partition = self.partition(label)?;
                let bytes = partition
                    .flush(Flush::BundleOffered)
                    .and_then(|()| read_vec(&partition, 0, partition.size() as usize));
                let bytes = bytes.map_err(Error::system("reading", label, "check the disk"))?;
                return take(Found { bytes: Arc::new(bytes), tail: Tail::Anything, stamp: None });
            }
            Source::Medium(_) | Source::Unknown(_) => return Err(missing(format!("{source:?}"))),
        };
        let bytes = self.sources.get(path).cloned().ok_or_else(|| missing(format!("{path} on data")))?;
        // Other bytes are another allocation.
        let stamp = Some(format!("{:p}", Arc::as_ptr(&bytes)));
        take(Found { bytes, tail: Tail::Nothing, stamp })
    }
    fn prove(&self, class: &SlotClass, name: SlotName, image: &Image) -> Result<(), Error> {
        let label = name.label(&class.class);
        prove::by_reading(&self.slot(class, name)?, image, &label, self.threads(), &self.events)
    }
    fn pause(&self, _time: Duration) {
        if let Some((process, _)) = &self.process {
            process.pause();
        }
    }
    fn threads(&self) -> usize {
        1
    }
}
