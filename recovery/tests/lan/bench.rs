//! A simulated device with a page.

use crate::door::Keys;
use drydock_access::{Door, Verb};
use drydock_config::{Service, ServiceKey, View as ViewBy};
use drydock_engine::lan::{self, Asked, Fronted, Incoming, Office, Visitor};
use drydock_engine::service::access;
use drydock_engine::{Error, live, update::Look};
use drydock_page::{Progress, Release, View, Wish};
use drydock_recovery::lan::{Limits, Page, listeners};
use drydock_simulator::device::SimDevice;
use drydock_simulator::operations::Moments;
use drydock_simulator::setup::SETUPS;
use drydock_simulator::workshop::Workshop;
use drydock_state::Source;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Instant;

pub(crate) static WORKSHOP: LazyLock<Workshop> = LazyLock::new(|| workshop(ViewBy::Free));
static MOMENTS: LazyLock<Moments> = LazyLock::new(|| Moments::new(&WORKSHOP));
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

/// The page of it, and where it is.
pub(crate) struct Site {
    pub(crate) bench: Arc<Bench>,
    pub(crate) page: Page,
    pub(crate) at: SocketAddr,
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
    let on = listeners(&["127.0.0.1".parse().unwrap()], 0).unwrap();
    let page = Page::open(bench.clone(), &[NAME.into()], on, limits).unwrap();
    let at = page.addresses[0];
    Site { bench, page, at }
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
        let kept = Kept { bench, key: key.into(), bytes: Vec::new() };
        Ok(Box::new(Fronted::new(&self.workshop.config, release.clone(), length, Box::new(kept))?))
    }
}

/// Keeps a bundle, and stages it.
struct Kept {
    bench: Arc<Bench>,
    key: String,
    bytes: Vec<u8>,
}

impl Incoming for Kept {
    fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.bench.written.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<String, Error> {
        let device = &mut *self.bench.device.lock().unwrap();
        device.bundles.insert("u".into(), Arc::new(self.bytes));
        let source = Source::Data { path: "u".into() };
        let staged = device.live(|machine| live::stage(machine, source, Look::Whole))?;
        let done = format!("version {} is staged, asked for by {}", staged.version, self.key);
        self.bench.done.lock().unwrap().push(done.clone());
        Ok(done)
    }
}
