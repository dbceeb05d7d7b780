//! What stands behind the page in the live system: the commands.

use super::super::here;
use crate::console::Console;
use crate::lan::{Heard, Store, check_length};
use crate::machine::Hardware;
use drydock_access::{Door, Verb};
use drydock_config::Config;
use drydock_engine::event::{Event, Events};
use drydock_engine::lan::{self, Asked, Incoming, Office, Visitor};
use drydock_engine::live;
use drydock_engine::live::report::status;
use drydock_engine::release;
use drydock_engine::service::front::{Against, Front, Looked};
use drydock_engine::service::{access, device_name};
use drydock_engine::state::Seen;
use drydock_engine::update::Look;
use drydock_engine::{Error, machine::Setting};
use drydock_format::{Digest, Trusted};
use drydock_page::{Release, View, Wish};
use drydock_state::Record;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// For how long a status is good enough to be shown again: to read it is to check the signatures of all slots.
const FRESH: Duration = Duration::from_secs(3);

/// The live system, for the page.
pub(super) struct Live(Arc<Inner>);

struct Inner {
    config: Config,
    console: Console,
    events: Told,
    door: Mutex<Door>,
    device: String,
    start: Instant,
    shown: Mutex<Option<(Instant, String)>>,
}

/// Events go to the page.
#[derive(Clone, Default)]
struct Told(Arc<Heard>);

impl Events for Told {
    fn send(&self, event: Event) {
        self.0.hear(&event);
    }

    fn shared(&self) -> Arc<dyn Events> {
        Arc::new(self.clone())
    }
}

impl Live {
    /// The system that this is.
    ///
    /// # Errors
    /// The disk is not found.
    pub(super) fn new(config: Config) -> Result<Self, Error> {
        let console =
            Console::on(vec![]).map_err(Error::system("starting", "a thread", "free some memory"))?;
        let events = Told::default();
        let (device, door) = {
            let machine = here::find_machine(&config, &console, &events)?;
            let device = device_name(&machine, None);
            (device.clone(), access::door(&machine, device))
        };
        let (door, start, shown) = (Mutex::new(door), Instant::now(), Mutex::default());
        Ok(Self(Arc::new(Inner { config, console, events, door, device, start, shown })))
    }
}

impl Inner {
    /// The machine, found anew: what it was a while ago says nothing of what it is.
    fn machine(&self) -> Result<Hardware<'_>, Error> {
        here::find_machine(&self.config, &self.console, &self.events)
    }

    fn status(&self) -> String {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, text)) = shown.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return text.clone();
        }
        let look = || {
            let machine = self.machine()?;
            Ok(status(&machine, &Seen::look(&machine)?, here::running(&machine).ok()).to_string())
        };
        let text = look().unwrap_or_else(|why: Error| why.to_string());
        *shown = Some((Instant::now(), text.clone()));
        text
    }

    /// What was shown is not true any more.
    fn changed(&self) {
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = None;
        // A fleet's server hears of it now, and not at the next poll.
        #[cfg(feature = "fleet")]
        super::super::agent::wake();
    }
}

impl Office for Live {
    fn view(&self) -> View {
        let mut view = View {
            device: self.0.device.clone(),
            status: self.0.status(),
            acts: vec!["install", "roll-back", "factory-reset"],
            ..View::default()
        };
        self.0.events.0.show(&mut view);
        view
    }

    fn view_is_free(&self) -> bool {
        !access::needs_key(&self.0.config, Verb::View)
    }

    fn ask(&self, who: Visitor, wish: &Wish) -> Result<Asked, Error> {
        lan::ask(&self.0.machine()?, &self.0.door, who, wish, self.0.start.elapsed())
    }

    fn answer(&self, who: Visitor, wish: &Wish, text: &str) -> Result<String, Error> {
        let answered = lan::answer(&self.0.machine()?, &self.0.door, who, wish, text, self.0.start.elapsed());
        self.0.changed();
        answered
    }

    fn act(&self, wish: &Wish, _key: &str) -> Result<String, Error> {
        let machine = self.0.machine()?;
        let told = match wish {
            Wish::RollBack => {
                let next = live::roll_back(&machine, here::running(&machine)?.set)?;
                format!("the next boot starts set {next}")
            }
            Wish::FactoryReset => {
                let id = live::factory_reset(&machine)?;
                format!("the next boot makes all data new (intent {id}); `drydock cancel` takes it back")
            }
            // A live system is shut down by its own means.
            Wish::View | Wish::Install(_) | Wish::Restart | Wish::PowerOff => {
                return Err(Error::Refused(
                    "that is not done from here; use the system's own commands".into(),
                ));
            }
        };
        self.0.changed();
        Ok(told)
    }

    fn incoming(&self, release: &Release, length: u64, _key: &str) -> Result<Box<dyn Incoming>, Error> {
        check_length(length, self.0.config.lan.as_ref().map_or(0, |lan| lan.upload_mib.bytes()))?;
        let wanted =
            release.manifest.parse().map_err(|why| Error::Refused(format!("the digest is {why}")))?;
        let machine = self.0.machine()?;
        let volume = here::usable_data(&machine)?.mount.clone();
        let record = Seen::look(&machine)?.record;
        let store = Store::make(Path::new(&volume), &record, length)?;
        let trusted = release::trusted(machine.config())?;
        let front = Some(Front::new(length));
        Ok(Box::new(Sent { live: Arc::clone(&self.0), store, front, record, trusted, wanted }))
    }
}

/// A bundle that comes.
struct Sent {
    live: Arc<Inner>,
    store: Store,
    /// What has come, until that is enough to say that it is what was asked for.
    front: Option<Front>,
    record: Record,
    trusted: Trusted,
    wanted: Digest,
}

impl Incoming for Sent {
    fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let Self { live, store, front, record, trusted, wanted } = self;
        let Some(beginning) = front else { return store.add(bytes) };
        let against = Against { config: &live.config, record, trusted, wanted: Some(*wanted) };
        if let Looked::Good(..) = beginning.add(bytes, &against)? {
            store.add(&beginning.bytes)?;
            *front = None;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<String, Error> {
        let Self { live, store, front, .. } = *self;
        if front.is_some() {
            return Err(Error::Refused("the bundle is not whole; send it again".into()));
        }
        let machine = live.machine()?;
        let source = here::on_data(&machine, &store.flush()?)?;
        let staged = live::stage(&machine, source, Look::Whole)?;
        store.keep();
        live.changed();
        Ok(format!("version {} is staged as intent {}; the next boot installs it", staged.version, staged.id))
    }
}
