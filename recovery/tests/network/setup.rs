//! Clients, and a simulated device that they fetch for.

use crate::certificates::{Authority, Certified};
use drydock_config::{Network, Seconds};
use drydock_engine::event::{Event, Events};
use drydock_engine::fetch::{Fetched, Keep, Pace, Session, fetch};
use drydock_engine::{Error, live, update::Look};
use drydock_recovery::machine::KeptFile;
use drydock_recovery::net::{
    Client, DeviceIdentity, Dial, Manners, Names, Parts, PemIdentity, SystemNames, Tls, Wall, authorities,
    client_config,
};
use drydock_simulator::device::{End, SimDevice};
use drydock_simulator::operations::Moments;
use drydock_simulator::setup::SETUPS;
use drydock_simulator::workshop::Workshop;
use drydock_state::{Record, SetName, Source, UnixTime};
use drydock_transfer::{Address, Waits};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

pub(crate) static WORKSHOP: LazyLock<Workshop> = LazyLock::new(|| Workshop::new(SETUPS[0]));
pub(crate) static MOMENTS: LazyLock<Moments> = LazyLock::new(|| Moments::new(&WORKSHOP));

/// A device that runs version 2, and for which version 3 is an update.
pub(crate) fn device() -> SimDevice<'static> {
    SimDevice::new(&WORKSHOP, MOMENTS.second.clone())
}

/// Version 3, as it is served.
pub(crate) fn bundle() -> &'static [u8] {
    &WORKSHOP.version("3").bundle
}

/// Remembers events, and waits in no time.
#[derive(Default)]
pub(crate) struct Watch {
    told: Mutex<Vec<String>>,
    /// Seconds.
    pub(crate) waited: AtomicU64,
}

impl Watch {
    pub(crate) fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }
}

impl Events for Watch {
    fn send(&self, event: Event) {
        self.told.lock().unwrap().push(event.to_string());
    }
}

impl Pace for Watch {
    fn now(&self) -> UnixTime {
        UnixTime(1_800_000_000)
    }
    fn since(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }
    fn pause(&self, time: Duration) {
        self.waited.fetch_add(time.as_secs(), Ordering::Relaxed);
    }
    fn chance(&self) -> u32 {
        u32::MAX
    }
}

/// What a client is made of.
pub(crate) struct Setup {
    pub(crate) urls: Vec<String>,
    pub(crate) network: Network,
    pub(crate) identity: Option<PemIdentity>,
    pub(crate) names: Arc<dyn Names>,
    pub(crate) pinned: Option<&'static str>,
    /// What the device remembers, whose newest moment it can't be earlier than.
    pub(crate) record: Record,
    pub(crate) watch: Arc<Watch>,
}

impl Setup {
    pub(crate) fn new(url: String) -> Self {
        let network = Network {
            tries: 5,
            connect_seconds: Seconds(5),
            answer_seconds: Seconds(2),
            stall_seconds: Seconds(2),
            ..Network::default()
        };
        Self {
            urls: vec![url],
            network,
            identity: None,
            names: Arc::new(SystemNames),
            pinned: None,
            record: Record::default(),
            watch: Arc::default(),
        }
    }

    /// Servers certified by this authority, and a device with this certificate.
    pub(crate) fn by(mut self, authority: &Authority, device: Option<&Certified>) -> Self {
        self.network.ca = vec![authority.pem()];
        self.identity = device.map(|device| PemIdentity {
            certificate: std::fs::read(&device.certificate).unwrap(),
            key: std::fs::read(&device.key).unwrap().into(),
        });
        self
    }

    pub(crate) fn session(self) -> Result<Session, Error> {
        let wall = Wall::of(&self.record);
        let roots = authorities(&self.network.ca)?;
        let identity = self.identity.as_ref().map(|identity| identity as &dyn DeviceIdentity);
        let name = self.pinned.map(|name| name.try_into().unwrap());
        let shown = Tls { config: client_config(roots.clone(), wall, identity)?, name };
        let hidden = Tls { config: client_config(roots, wall, None)?, name: None };
        let mirrors = self.urls.iter().map(|url| Address::parse(url).unwrap()).collect();
        let waits = Waits { fruitless: self.network.tries, ..Waits::default() };
        let (network, names, manners) = (self.network, self.names, Manners::default());
        let dial = Dial::new(Parts { network, shown, hidden, names })?;
        let client = Client::new(mirrors, dial, None, manners);
        Ok(Session::new(Box::new(client), self.watch.clone(), self.watch, waits, Duration::from_secs(60)))
    }

    /// Fetches what the device lacks into a file.
    pub(crate) fn fetch(self, path: &Path) -> Result<Fetched, Error> {
        let session = self.session()?;
        let keep: Arc<dyn Keep> = Arc::new(KeptFile::at(path).unwrap());
        device().live(|machine| fetch(machine, session, &keep, "the test"))
    }
}

/// A place for what is fetched.
pub(crate) fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("on/data/fetched.drydock");
    (folder, path)
}

/// Whether the claim of a fetched bundle is true, and how many bytes of it are there.
pub(crate) fn claimed(path: &Path) -> u64 {
    use drydock_engine::fetch::holes::{CLAIM_SUFFIX, Claim};
    let beside = format!("{}{CLAIM_SUFFIX}", path.display());
    let claim = Claim::decode(&std::fs::read(beside).unwrap()).unwrap();
    let bytes = std::fs::read(path).unwrap();
    for range in claim.have.iter() {
        let range = range.start as usize..range.end as usize;
        assert!(bytes[range.clone()] == bundle()[range.clone()], "{range:?} is claimed and is not there");
    }
    claim.have.bytes()
}

/// Lets the device install what was fetched.
pub(crate) fn installs(path: &Path) {
    use drydock_engine::fetch::holes::{CLAIM_SUFFIX, Claim, WithHoles};
    let beside = format!("{}{CLAIM_SUFFIX}", path.display());
    let claim = Claim::decode(&std::fs::read(beside).unwrap()).unwrap();
    let mut device = device();
    device.bundles.insert("u".into(), Arc::new(WithHoles::new(std::fs::read(path).unwrap(), &claim)));
    device.live(|machine| live::stage(machine, Source::Data { path: "u".into() }, Look::Whole)).unwrap();
    assert_eq!(device.run(), End::Up(SetName::A));
    assert_eq!(device.record().unwrap().sets.a.version, "3");
}
