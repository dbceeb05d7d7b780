//! The page of the recovery, beside its work and its menu.

use super::board::Board;
use super::{Heard, Limits, Page, announce, listeners};
use crate::link::{self, Network};
use drydock_config::{Bootloader, Config, Lan};
use drydock_engine::Error;
use drydock_engine::context::Purpose;
use drydock_engine::event::Events;
use drydock_engine::lan::{Mailbox, summary};
use drydock_state::Record;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How often it is looked whether addresses have come or gone.
const LOOK: Duration = Duration::from_millis(500);
/// The port that need not be named.
const HTTPS: u16 = 443;

/// The network that a page is on. It may become another one.
type Ground = Mutex<Option<Arc<Network>>>;

/// A page, and the network that it is on. Dropping it ends the page, and the network where nobody else uses it.
pub struct Beside {
    ground: Arc<Ground>,
    mailbox: Arc<Mailbox>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Shows the page while recovery works, if the configuration says so. Nothing waits for it, and that it can't be had is only
/// worth a warning.
pub fn beside(
    config: &Config,
    record: Option<&Record>,
    events: &dyn Events,
    heard: Arc<Heard>,
    purpose: Purpose,
) -> Option<Beside> {
    let recovers = match purpose {
        Purpose::Recovery(_) => true,
        Purpose::Set(_) => false,
        // Process 1 chooses only later, and may choose a set.
        Purpose::Unsaid => config.layout.bootloader != Bootloader::None,
    };
    let lan = config.lan.clone().filter(|lan| lan.recovery && recovers)?;
    let status = record.map_or_else(|| "the state can't be read".into(), summary);
    let mailbox = Arc::new(Mailbox::new(status));
    let board = Arc::new(Board::new(config, heard, Arc::clone(&mailbox)));
    let shared = events.shared();
    let begun = link::begin("*", &config.network, events).and_then(|network| {
        let ground: Arc<Ground> = Arc::new(Mutex::new(Some(Arc::new(network))));
        let stop = Arc::new(AtomicBool::new(false));
        let (net, over) = (Arc::clone(&ground), Arc::clone(&stop));
        let show = move || {
            if let Err(why) = show(&lan, board, &net, &over, &*shared) {
                shared.warning(format_args!("there is no page on the LAN: {why}"));
            }
        };
        let thread = thread::Builder::new().name("lan".into()).spawn(show);
        let thread = Some(thread.map_err(Error::doing("start the thread of the page"))?);
        Ok(Beside { ground, mailbox, stop, thread })
    });
    begun.map_err(|why| events.warning(format_args!("there is no page on the LAN: {why}"))).ok()
}

/// Serves it, and tells each address that it can be found at.
fn show(
    lan: &Lan,
    board: Arc<Board>,
    ground: &Ground,
    stop: &AtomicBool,
    events: &dyn Events,
) -> Result<(), Error> {
    let page = Page::open(board, &lan.names, listeners(&[], lan.port)?, Limits::default())?;
    let mut told = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let ports = lock(ground).as_ref().map_or_else(Vec::new, |network| {
            network.tell(events);
            network.ports()
        });
        let now: Vec<_> = ports
            .iter()
            .flat_map(|port| &port.addresses)
            .map(|address| place(address.ip, lan.port))
            .collect();
        if now != told && !now.is_empty() {
            events.note(format_args!("the page of this device: {}", now.join(", ")));
            announce(&page.fingerprint).into_iter().for_each(|line| events.note(line));
        }
        told = now;
        thread::sleep(LOOK);
    }
    Ok(())
}

/// What is typed into a browser.
fn place(address: IpAddr, port: u16) -> String {
    let port = if port == HTTPS { String::new() } else { format!(":{port}") };
    match address {
        IpAddr::V4(address) => format!("https://{address}{port}/"),
        IpAddr::V6(address) => format!("https://[{address}]{port}/"),
    }
}

fn lock(ground: &Ground) -> MutexGuard<'_, Option<Arc<Network>>> {
    ground.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Beside {
    /// Where what its visitors want is posted.
    pub fn mailbox(&self) -> Arc<Mailbox> {
        Arc::clone(&self.mailbox)
    }

    /// The network that it is on.
    pub fn network(&self) -> Option<Arc<Network>> {
        lock(&self.ground).clone()
    }

    /// Puts it on another network; on none where there is none for now. The one before is down on return where nobody else
    /// uses it.
    pub fn be_on(&self, network: Option<Arc<Network>>) {
        let before = std::mem::replace(&mut *lock(&self.ground), network);
        drop(before);
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_named_as_it_is_typed() {
        assert_eq!(place("10.0.0.7".parse().unwrap(), 443), "https://10.0.0.7/");
        assert_eq!(place("fd00::7".parse().unwrap(), 8443), "https://[fd00::7]:8443/");
    }
}
