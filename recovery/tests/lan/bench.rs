//! A simulated device with a page.

use crate::door::Keys;
use drydock_access::{Door, Verb};
use drydock_config::{Service, ServiceKey, View as ViewBy};
use drydock_engine::lan::{self, Asked, Incoming, Office, Visitor};
use drydock_engine::release;
use drydock_engine::service::access;
use drydock_engine::service::front::{Against, Front, Looked};
use drydock_engine::{Error, live, update::Look};
use drydock_format::{Digest, Trusted};
use drydock_page::{Progress, Release, View, Wish};
use drydock_recovery::lan::{Limits, Page, listeners};
use drydock_simulator::device::SimDevice;
use drydock_simulator::operations::Moments;
use drydock_simulator::setup::SETUPS;
use drydock_simulator::workshop::Workshop;
use drydock_state::{Record, Source};
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Instant;

pub(crate) static WORKSHOP: LazyLock<Workshop> = LazyLock::new(|| workshop(ViewBy::Free));
pub(crate) static MOMENTS: LazyLock<Moments> = LazyLock::new(|| Moments::new(&WORKSHOP));
/// The same, where looking is not free.
static SHUT: LazyLock<Workshop> = LazyLock::new(|| workshop(ViewBy::Keys));
static SHUT_MOMENTS: LazyLock<Moments> = LazyLock::new(|| Moments::new(&SHUT));
/// Everybody's keys.
pub(crate) static KEYS: LazyLock<Keys> = LazyLock::new(Keys::new);

/// Devices that trust `kim`, who may do everything, and `lee`, who may only look and restart.
fn workshop(view: ViewBy) -> Workshop {
    let mut workshop = Workshop::new(SETUPS[0]);
    let key = |name: &str, verbs: Option<&[&str]>| ServiceKey {
        name: name.into(),
        key: KEYS.public(name),
        verbs: verbs.map(|verbs| verbs.iter().map(|verb| (*verb).into()).collect()),
        until: None,
        uses: None,
    };
    let keys = vec![key("kim", None), key("lee", Some(&["view", "power"]))];
    workshop.config.service = Some(Service { view, keys, ..Service::default() });
    workshop
}

/// The name that the page answers to.
pub(crate) const NAME: &str = "pump-7.example";
/// The largest bundle that it takes.
pub(crate) const LIMIT: u64 = 64 << 20;

/// A device that runs version 2, and for which version 3 is an update.
pub(crate) struct Bench {
    pub(crate) device: Mutex<SimDevice<'static>>,
    workshop: &'static Workshop,
    door: Mutex<Door>,
    start: Instant,
    /// What was done, and by whom.
    pub(crate) done: Mutex<Vec<String>>,
    /// Bytes of bundles that were written.
    pub(crate) written: Arc<AtomicU64>,
    me: Mutex<std::sync::Weak<Bench>>,
}

/// A page, and where it is.
pub(crate) struct Served {
    pub(crate) page: Page,
    pub(crate) at: SocketAddr,
}

/// The page of a bench.
pub(crate) struct Site {
    pub(crate) bench: Arc<Bench>,
    served: Served,
}

impl Deref for Site {
    type Target = Served;

    fn deref(&self) -> &Served {
        &self.served
    }
}

/// Serves a page for whoever stands behind it.
pub(crate) fn serve(office: Arc<dyn Office>, limits: Limits) -> Served {
    let on = listeners(&["127.0.0.1".parse().unwrap()], 0).unwrap();
    let page = Page::open(office, &[NAME.into()], on, limits).unwrap();
    let at = page.addresses[0];
    Served { page, at }
}

pub(crate) fn site(limits: Limits) -> Site {
    open(&WORKSHOP, &MOMENTS, limits)
}

/// One where looking is not free.
pub(crate) fn shut_site() -> Site {
    open(&SHUT, &SHUT_MOMENTS, Limits::default())
}

fn open(workshop: &'static Workshop, moments: &Moments, limits: Limits) -> Site {
    let device = SimDevice::new(workshop, moments.second.clone());
    let door = Mutex::new(device.live(|machine| access::door(machine, "pump-7".into())));
    let bench = Arc::new(Bench {
        device: Mutex::new(device),
        workshop,
        door,
        start: Instant::now(),
        done: Mutex::default(),
        written: Arc::default(),
        me: Mutex::default(),
    });
    *bench.me.lock().unwrap() = Arc::downgrade(&bench);
    let served = serve(bench.clone(), limits);
    Site { bench, served }
}

impl Office for Bench {
    fn view(&self) -> View {
        let view = View {
            device: "pump-7 <b>\u{1b}[2J".into(),
            recovery: true,
            status: "set a  version 2\nset b  version 1".into(),
            progress: Some(Progress { what: "write  root-b".into(), done: 1 << 20, total: 4 << 20 }),
            lines: vec!["one".into(), "<script>document.title='broken'</script>".into()],
            acts: vec!["install", "roll-back", "restart", "power-off", "factory-reset"],
            ..View::default()
        };
        match self.done.lock().unwrap().last() {
            Some(done) => View { status: done.clone(), ..view },
            None => view,
        }
    }

    fn view_is_free(&self) -> bool {
        !access::needs_key(&self.workshop.config, Verb::View)
    }

    fn ask(&self, who: Visitor, wish: &Wish) -> Result<Asked, Error> {
        let device = self.device.lock().unwrap();
        device.live(|machine| lan::ask(machine, &self.door, who, wish, self.start.elapsed()))
    }

    fn answer(&self, who: Visitor, wish: &Wish, text: &str) -> Result<String, Error> {
        let device = self.device.lock().unwrap();
        device.live(|machine| lan::answer(machine, &self.door, who, wish, text, self.start.elapsed()))
    }

    fn act(&self, wish: &Wish, key: &str) -> Result<String, Error> {
        let done = format!("{wish}, asked for by {key}");
        self.done.lock().unwrap().push(done.clone());
        Ok(done)
    }

    fn incoming(&self, release: &Release, length: u64, key: &str) -> Result<Box<dyn Incoming>, Error> {
        if length > LIMIT {
            return Err(Error::Refused(format!("a bundle may have {LIMIT} bytes at most")));
        }
        let bench = self.me.lock().unwrap().upgrade().unwrap();
        let record = self.device.lock().unwrap().record().unwrap();
        let trusted = release::trusted(&self.workshop.config).unwrap();
        let (wanted, front) = (release.manifest.parse().unwrap(), Some(Front::new(length)));
        Ok(Box::new(Kept { bench, key: key.into(), bytes: Vec::new(), front, record, trusted, wanted }))
    }
}

/// Keeps a bundle, and stages it.
struct Kept {
    bench: Arc<Bench>,
    key: String,
    bytes: Vec<u8>,
    front: Option<Front>,
    record: Record,
    trusted: Trusted,
    wanted: Digest,
}

impl Incoming for Kept {
    fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let Self { bench, front, record, trusted, wanted, .. } = self;
        let mut come = bytes.to_vec();
        if let Some(beginning) = front {
            let config = &bench.workshop.config;
            let against = Against { config, record, trusted, wanted: Some(*wanted) };
            match beginning.add(bytes, &against)? {
                Looked::Lacks => return Ok(()),
                Looked::Good(..) => come = std::mem::take(&mut beginning.bytes),
            }
            *front = None;
        }
        bench.written.fetch_add(come.len() as u64, Ordering::Relaxed);
        self.bytes.extend(come);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<String, Error> {
        if self.front.is_some() {
            return Err(Error::Refused("it is not whole".into()));
        }
        let device = &mut *self.bench.device.lock().unwrap();
        device.bundles.insert("u".into(), Arc::new(self.bytes));
        let source = Source::Data { path: "u".into() };
        let staged = device.live(|machine| live::stage(machine, source, Look::Whole))?;
        let done = format!("version {} is staged, asked for by {}", staged.version, self.key);
        self.bench.done.lock().unwrap().push(done.clone());
        Ok(done)
    }
}
