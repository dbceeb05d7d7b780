//! Whoever stands before a simulated device, with what they type and the media that they bring.

use super::{SimMachine, lock, missing};
use crate::uploads::{Line, Places, receive};
use drydock_engine::Error;
use drydock_engine::fetch::Keep;
use drydock_engine::lan::Mailbox;
use drydock_engine::machine::{
    ByHand, Candidate, ConsoleId, Device, Disk, Found, HEAD, Heard, Link, Others, Paper, Power, Provider,
    Service, Shelf, Shelved, Tried,
};
use drydock_engine::service::landing::{Landing, landings};
use drydock_engine::service::upload::forget;
use drydock_format::Tail;
use drydock_state::Source;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Two consoles.
const CONSOLES: [&str; 2] = ["ttyS0", "ttyS1"];
/// How long somebody takes for a line.
const TYPING: Duration = Duration::from_secs(1);

/// The longest that anybody really waits.
const REAL: Duration = Duration::from_millis(20);

/// What is typed.
#[derive(Clone)]
pub struct Said {
    console: usize,
    text: Text,
    /// Whether it is typed while the device is busy.
    busy: bool,
    /// How long whoever types it waits before.
    after: Duration,
}

#[derive(Clone)]
enum Text {
    /// This line.
    Line(Vec<u8>),
    /// What this makes of all that the console has shown: one line or several.
    Reply(Arc<dyn Fn(&str) -> String + Send + Sync>),
}

impl Said {
    /// A line on a console.
    pub fn at(console: usize, text: impl AsRef<[u8]>) -> Self {
        Self::of(console, Text::Line(text.as_ref().to_vec()))
    }

    /// What this makes of all that the console has shown so far: one line or several.
    pub fn reply(console: usize, make: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self::of(console, Text::Reply(Arc::new(make)))
    }

    fn of(console: usize, text: Text) -> Self {
        Self { console, text, busy: false, after: TYPING }
    }

    /// The same, typed so long after what was typed before.
    #[must_use]
    pub fn after(self, after: Duration) -> Self {
        Self { after, ..self }
    }

    /// The same while the device is busy with something that can be stopped.
    #[must_use]
    pub fn while_busy(self) -> Self {
        Self { busy: true, ..self }
    }
}

/// A removable medium: files by their paths.
#[derive(Clone, Debug, Default)]
pub struct Stick(pub BTreeMap<String, Arc<Vec<u8>>>);

/// Those who come by a page.
struct ByPage {
    mailbox: Arc<Mailbox>,
    data: Arc<dyn Keep>,
    since: Instant,
}

/// Whoever stands before a device.
#[derive(Default)]
pub struct Visit {
    lines: Mutex<VecDeque<Said>>,
    shown: Mutex<Vec<(usize, String)>>,
    sticks: Vec<Stick>,
    page: Option<ByPage>,
    left: Mutex<BTreeMap<String, Vec<u8>>>,
    by_hand: Mutex<Option<ByHand>>,
    /// What is sent over the line when the device wants a bundle, each once, and how the line is then.
    sends: Mutex<VecDeque<(Vec<u8>, Line)>>,
    places: Places,
    /// The time since somebody came.
    time: Mutex<Duration>,
}

impl Visit {
    /// Somebody who types these lines, one after the other.
    pub fn new(lines: impl IntoIterator<Item = Said>) -> Self {
        Self { lines: Mutex::new(lines.into_iter().collect()), ..Self::default() }
    }

    /// The same with these media.
    #[must_use]
    pub fn bringing(self, sticks: &[&[(&str, &[u8])]]) -> Self {
        let stick = |files: &&[(&str, &[u8])]| {
            Stick(files.iter().map(|(path, bytes)| ((*path).to_owned(), Arc::new(bytes.to_vec()))).collect())
        };
        Self { sticks: sticks.iter().map(stick).collect(), ..self }
    }

    /// The same, and those who come by a page, which posts there. What they send goes to this file on `data`. While there is a page,
    /// time goes by on the machine as fast as here, or a little faster.
    #[must_use]
    pub fn with_page(self, mailbox: Arc<Mailbox>, data: Arc<dyn Keep>) -> Self {
        Self { page: Some(ByPage { mailbox, data, since: Instant::now() }), ..self }
    }

    /// The same, with a file to send over the line when the device wants a bundle. It goes to the first of these places.
    #[must_use]
    pub fn sending(self, file: &[u8], line: Line, places: &Places) -> Self {
        lock(&self.sends).push_back((file.to_vec(), line));
        Self { places: places.clone(), ..self }
    }

    pub(super) fn places(&self) -> &Places {
        &self.places
    }

    pub(super) fn on_sticks(&self, path: &str) -> Box<dyn Provider + '_> {
        let found = self.sticks.iter().filter_map(|stick| stick.0.get(path).cloned()).collect();
        Box::new(OnSticks { path: path.into(), found })
    }
}

struct OnSticks {
    path: String,
    found: VecDeque<Arc<Vec<u8>>>,
}

impl Provider for OnSticks {
    fn deadline(&self) -> Duration {
        Duration::ZERO
    }
    fn others(&self) -> Others {
        Others::MayCome
    }
    fn next(&mut self) -> Result<Option<Candidate>, Error> {
        let found = self.found.pop_front().map(|bytes| Found { bytes, tail: Tail::Nothing, stamp: None });
        Ok(found.map(|found| Candidate { name: self.path.clone(), found: Ok(found) }))
    }
    fn in_vain(&self, tried: Tried) -> Error {
        missing(format!("{} on a medium ({})", self.path, tried.reasons.join("; ")))
    }
}

impl SimMachine<'_> {
    fn shown_on(&self, console: usize) -> String {
        lock(&self.visit.shown).iter().filter(|(at, _)| *at == console).map(|(_, text)| &**text).collect()
    }

    /// What every console has shown, and where, but for the events.
    pub fn shown(&self) -> Vec<(usize, String)> {
        lock(&self.visit.shown).clone()
    }

    /// The files that were left on a medium.
    pub fn left_on_medium(&self) -> BTreeMap<String, Vec<u8>> {
        lock(&self.visit.left).clone()
    }
}

impl Service for SimMachine<'_> {
    fn consoles(&self) -> Vec<(ConsoleId, String)> {
        CONSOLES.iter().enumerate().map(|(id, name)| (ConsoleId(id), (*name).to_owned())).collect()
    }
    fn hear(&self, limit: Duration) -> Heard {
        let busy = limit.is_zero();
        let lines = &mut *lock(&self.visit.lines);
        match lines.pop_front_if(|said| said.busy == busy) {
            Some(Said { console, text, after, .. }) => {
                *lock(&self.visit.time) += after;
                let text = match text {
                    Text::Line(text) => text,
                    Text::Reply(make) => {
                        let reply = make(&self.shown_on(console));
                        let mut typed = reply.lines();
                        let first = typed.next().unwrap_or_default().into();
                        typed.rev().for_each(|line| lines.push_front(Said::at(console, line)));
                        first
                    }
                };
                Heard::Line { console: ConsoleId(console), text, waited: TYPING.min(limit) }
            }
            None if self.visit.page.is_some() => {
                std::thread::sleep(limit.min(REAL));
                Heard::Nothing
            }
            None if self.wait(limit) == Power::On => Heard::Nothing,
            None => Heard::Off,
        }
    }
    fn tell(&self, console: ConsoleId, text: &str) {
        lock(&self.visit.shown).push((console.0, text.to_owned()));
    }
    fn lasting_landings(&self) -> Vec<Landing> {
        landings(self, self.visit.page.as_ref().map(|page| page.data.clone()), None)
    }
    fn mailbox(&self) -> Option<Arc<Mailbox>> {
        self.visit.page.as_ref().map(|page| page.mailbox.clone())
    }
    fn since_start(&self) -> Duration {
        let page = self.visit.page.as_ref();
        page.map_or_else(|| *lock(&self.visit.time), |page| page.since.elapsed())
    }
    fn receive(&self, _console: ConsoleId) -> Result<Source, Error> {
        let (file, line) = lock(&self.visit.sends).pop_front().ok_or_else(|| missing("a sender".into()))?;
        receive(self, &self.visit.places, &file, line).received.map(|received| received.source)
    }
    fn send(&self, _console: ConsoleId, name: &str, bytes: &[u8]) -> Result<(), Error> {
        lock(&self.visit.left).insert(name.into(), bytes.to_vec());
        Ok(())
    }
    fn forget_received(&self) {
        let Places { data, memory } = self.visit.places.clone();
        forget(&landings(self, data, memory));
    }
    fn has_media(&self) -> bool {
        !self.visit.sticks.is_empty()
    }
    fn bundles(&self, shelf: &Shelf, each: &mut dyn FnMut(Shelved)) -> Result<(), Error> {
        let mut show = |place: String, path: &str, bytes: Vec<u8>, size: usize| {
            each(Shelved { place, path: path.into(), size: size as u64, head: Ok(bytes) });
        };
        match shelf {
            Shelf::Media(folder) => {
                for (number, stick) in self.visit.sticks.iter().enumerate() {
                    let here = stick.0.iter().filter(|(path, _)| path.starts_with(folder.as_str()));
                    for (path, bytes) in here {
                        let head = bytes[..bytes.len().min(HEAD as usize)].to_vec();
                        show(format!("stick {number}"), path, head, bytes.len());
                    }
                }
            }
            Shelf::Data(_) => {
                for (path, bytes) in &self.bundles {
                    let size = bytes.len().map_err(Error::doing("look at a bundle"))?;
                    let mut head = vec![0; size.min(HEAD) as usize];
                    bytes.read_at(0, &mut head).map_err(Error::doing("read a bundle"))?;
                    show("data".into(), path, head, size as usize);
                }
            }
        }
        Ok(())
    }
    fn extents(&self) -> Vec<(String, Result<Device, Error>)> {
        ["state", "root-a", "root-b"].map(|label| (label.to_owned(), self.partition(label))).into()
    }
    fn free_memory(&self) -> u64 {
        64 << 20
    }
    fn links(&self) -> Result<Vec<Link>, Error> {
        let link = |n: u8| Link {
            name: format!("eth{n}"),
            mac: format!("02:00:00:00:00:{:02x}", n + 1),
            carrier: n == 0,
        };
        Ok(vec![link(0), link(1)])
    }
    fn set_network_up(&self, by_hand: Option<ByHand>) -> Result<(), Error> {
        *lock(&self.visit.by_hand) = by_hand;
        Ok(())
    }
    fn network_by_hand(&self) -> Option<ByHand> {
        lock(&self.visit.by_hand).clone()
    }
    fn test_network(&self, _server: Option<&str>, say: &mut dyn FnMut(String)) -> Result<(), Error> {
        let refused = || Error::Refused(drydock_config::WITHOUT_NETWORK.into());
        self.network_by_hand().map(|by_hand| say(by_hand.to_string())).ok_or_else(refused)
    }
    fn papers(&self) -> Vec<Paper> {
        vec![Paper { name: "kernel.log".into(), text: Err("a simulated machine has no kernel".into()) }]
    }
    fn leave_on_medium(&self, name: &str, bytes: &[u8]) -> Result<String, Error> {
        if !self.has_media() {
            return Err(missing("a removable medium".into()));
        }
        lock(&self.visit.left).insert(name.into(), bytes.to_vec());
        Ok(format!("{name} on stick 0"))
    }
}
