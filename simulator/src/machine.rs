//! The machine that drydock's recovery sees when it runs on a simulated disk.

use crate::disk::SimDisk;
use crate::factory::Factory;
use drydock_bundle::{Image, Source as ByteSource, Tail};
use drydock_config::{Config, SlotClass};
use drydock_recovery::Error;
use drydock_recovery::event::{Event, Events};
use drydock_recovery::machine::{Device, Machine};
use drydock_recovery::update::prove;
use drydock_state::{SetName, Source};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The bytes that paths on `data` stand for.
pub type Sources = BTreeMap<String, Arc<dyn ByteSource>>;

/// A machine with a simulated disk.
pub struct SimMachine<'f> {
    factory: &'f Factory,
    /// Its disk.
    pub disk: Arc<SimDisk>,
    config: Config,
    sources: Sources,
    events: Recorder,
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
        Self { factory, disk, config, sources, events: Recorder::default() }
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
    fn partition(&self, label: &str) -> Result<Device, Error> {
        self.factory.partition(&self.disk, label).ok_or_else(|| missing(format!("partition {label}")))
    }
    fn slot(&self, class: &SlotClass, set: SetName) -> Result<Device, Error> {
        let slot = self.factory.slot(&self.disk, &class.class, set);
        slot.ok_or_else(|| missing(format!("partition {}", set.label(&class.class))))
    }
    fn source(&self, source: &Source) -> Result<(Arc<dyn ByteSource>, Tail), Error> {
        let Source::Data { path } = source else { return Err(missing(format!("{source:?}"))) };
        let bytes = self.sources.get(path).cloned().ok_or_else(|| missing(format!("{path} on data")))?;
        Ok((bytes, Tail::Nothing))
    }
    fn prove(&self, class: &SlotClass, set: SetName, image: &Image) -> Result<(), Error> {
        prove::by_reading(&self.slot(class, set)?, image, &set.label(&class.class), self.threads())
    }
    fn threads(&self) -> usize {
        1
    }
}
