//! What a person at a console needs of the machine.

use super::{Hardware, lock};
use crate::console::Listener;
use crate::console::since_start;
use crate::disk::{Access, DiskDevice};
use crate::pid1::process;
use drydock_engine::Error;
#[cfg(feature = "lan")]
use drydock_engine::lan::Mailbox;
#[cfg(feature = "network")]
use drydock_engine::machine::{ByHand, Link};
use drydock_engine::machine::{Clock, ConsoleId, Device, Heard, Paper, Service, Shelf, Shelved};
#[cfg(feature = "lan")]
use drydock_engine::service::landing::{Landing, landings};
use drydock_engine::service::upload::forget;
use drydock_state::Source;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

impl Hardware<'_> {
    /// Does something with whoever listens on the consoles; from the first time on somebody does.
    fn listening<T>(&self, with: impl FnOnce(&mut Listener) -> T) -> T {
        with(lock(&self.listener).get_or_insert_with(|| self.console.listen()))
    }
}

impl Service for Hardware<'_> {
    fn consoles(&self) -> Vec<(ConsoleId, String)> {
        let consoles = self.listening(|listener| listener.consoles());
        consoles.into_iter().map(|(number, name)| (ConsoleId(number), name)).collect()
    }

    fn hear(&self, limit: Duration) -> Heard {
        let started = Instant::now();
        let heard = self.listening(|listener| listener.hear(limit));
        let waited = started.elapsed();
        match heard {
            Some((number, text)) => Heard::Line { console: ConsoleId(number), text, waited },
            None => {
                // There may be nobody to listen to.
                self.pause(limit.saturating_sub(waited));
                Heard::Nothing
            }
        }
    }

    fn tell(&self, console: ConsoleId, text: &str) {
        self.console.text_on(console.0, text);
    }

    fn receive(&self, console: ConsoleId) -> Result<Source, Error> {
        // Whoever listens would take what is sent for what is typed.
        drop(lock(&self.listener).take());
        self.upload(self.console, console.0).map(|received| received.source)
    }

    #[cfg(feature = "lan")]
    fn lasting_landings(&self) -> Vec<Landing> {
        landings(self, self.uploaded(), None)
    }

    #[cfg(feature = "lan")]
    fn mailbox(&self) -> Option<Arc<Mailbox>> {
        lock(&self.page).as_ref().map(crate::lan::Beside::mailbox)
    }

    fn send(&self, console: ConsoleId, name: &str, bytes: &[u8]) -> Result<(), Error> {
        drop(lock(&self.listener).take());
        self.download(self.console, console.0, name, bytes)
    }

    fn forget_received(&self) {
        forget(&self.landings());
    }

    fn has_media(&self) -> bool {
        let mut warn = |text: String| self.warn(text);
        // Modules for what has come are loaded on the way.
        let waited = lock(&self.hotplug).wait(Instant::now(), &mut warn);
        waited.is_ok() && self.media().is_ok_and(|media| !media.is_empty())
    }

    fn wait_for_media(&self, wait: bool) {
        self.hurried.store(!wait, Ordering::Relaxed);
    }

    fn bundles(&self, shelf: &Shelf, each: &mut dyn FnMut(Shelved)) -> Result<(), Error> {
        self.look(shelf, each)
    }

    fn extents(&self) -> Vec<(String, Result<Device, Error>)> {
        let open = |node| DiskDevice::open(node, Access::ReadOnly).map(|device| Arc::new(device) as Device);
        let partitions = self.disk.partitions.iter();
        partitions.map(|part| (part.entry.label.clone(), open(&part.node))).collect()
    }

    fn health(&self) -> Vec<String> {
        self.disk_health()
    }

    fn free_memory(&self) -> u64 {
        let told = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let free = told.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
        let kib = free.and_then(|free| free.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
        kib.unwrap_or(0).saturating_mul(1024)
    }

    #[cfg(feature = "network")]
    fn test_network(&self, server: Option<&str>, say: &mut dyn FnMut(String)) -> Result<(), Error> {
        crate::net::reach(&*crate::net::linked(self)?, self.events, server, say)
    }

    #[cfg(feature = "network")]
    fn links(&self) -> Result<Vec<Link>, Error> {
        crate::link::glance()
    }

    #[cfg(feature = "network")]
    fn set_network_up(&self, by_hand: Option<ByHand>) -> Result<(), Error> {
        self.set_up(by_hand)
    }

    #[cfg(feature = "network")]
    fn network_by_hand(&self) -> Option<ByHand> {
        lock(&self.by_hand).as_ref().map(|(by_hand, _)| by_hand.clone())
    }

    fn since_start(&self) -> Duration {
        Duration::from_millis(since_start())
    }

    fn disk_guid(&self) -> Option<String> {
        self.disk.facts.table.as_ref().ok().map(|table| table.disk_guid.clone())
    }

    fn switch_off(&self) {
        // Nobody types any more, and the consoles are as they were.
        drop(lock(&self.listener).take());
        process::switch_off(self.console)
    }

    fn papers(&self) -> Vec<Paper> {
        self.documents()
    }

    fn leave_on_medium(&self, name: &str, bytes: &[u8]) -> Result<String, Error> {
        self.write_to_medium(name, bytes)
    }
}
