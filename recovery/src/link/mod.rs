//! The network of the recovery: links, addresses and names, without any other program.
//!
//! [`up`] brings it up when a source needs it, and one thread keeps it up from then on: interfaces and carriers that come
//! and go, leases, what routers advertise. All interfaces that the configuration means are tried at once; the first that has
//! an address will do, and a better one takes over when it comes, for its routes have a lower metric. What was in use over
//! the other one then breaks, and is tried again by whoever uses it. When the [`Network`] is dropped the kernel's interfaces
//! are as they were, for the system that comes next.

mod advertised;
#[cfg(feature = "service")]
mod glance;
mod lending;
mod netlink;
mod port;
mod resolver;
mod seen;
mod settings;
mod view;
mod watch;

#[cfg(feature = "service")]
pub use glance::glance;
pub use resolver::{Resolver, addresses};
pub use view::Port;

use crate::answer::Result;
use drydock_engine::Error;
use drydock_engine::event::Events;
use netlink::Netlink;
use std::net::IpAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use view::Shared;
use watch::Watch;

/// A network that is up. Dropping it takes it down.
#[derive(Debug)]
pub struct Network {
    shared: Arc<Shared>,
    own: Vec<IpAddr>,
    thread: Option<JoinHandle<()>>,
}

/// Brings the network up, and returns when an interface has an address that can be used. That leads nowhere yet as far as is
/// known: only the one whom it is for can tell.
///
/// # Errors
/// The configuration has no interface, or `wait_seconds` were not enough: it says of each interface what it lacks. The
/// interfaces are as they were, then.
pub fn up(config: &drydock_config::Network, events: &dyn Events) -> Result<Network> {
    up_on("*", config, events)
}

/// As [`up`], on those interfaces alone whose names fit a pattern, in which `*` stands for any characters.
pub fn up_on(pattern: &str, config: &drydock_config::Network, events: &dyn Events) -> Result<Network> {
    let network = begin(pattern, config, events)?;
    network.reach(config, events)?;
    Ok(network)
}

/// Begins to bring the network up on these interfaces, and waits for nothing.
///
/// # Errors
/// The configuration has no interface, or the kernel lets nobody change any.
pub fn begin(pattern: &str, config: &drydock_config::Network, events: &dyn Events) -> Result<Network> {
    if config.interfaces.is_empty() {
        return Err(Error::Missing {
            what: "a way into a network".into(),
            advice: "the configuration has no [[network.interface]]".into(),
        });
    }
    events.note("bringing the network up");
    let netlink = Netlink::open()?;
    let shared = Arc::new(Shared::default());
    let watch = Watch::new(netlink, config.interfaces.clone(), pattern.into(), Arc::clone(&shared));
    let thread = thread::Builder::new().name("network".into()).spawn(|| watch.run());
    let thread = Some(thread.map_err(Error::doing("start the thread for the network"))?);
    Ok(Network { shared, own: config.dns.clone(), thread })
}

impl Network {
    /// Waits until an interface has an address.
    ///
    /// # Errors
    /// As [`up`] has them. The network is as it was.
    pub fn reach(&self, config: &drydock_config::Network, events: &dyn Events) -> Result<()> {
        let limit = config.wait_seconds.as_duration();
        events.allow(limit);
        let deadline = Instant::now() + limit;
        loop {
            let slice = deadline.saturating_duration_since(Instant::now()).min(Duration::from_secs(1));
            let ready = self.shared.wait(slice, |view| view.is_ready().then_some(()));
            self.tell(events);
            if ready.is_some() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(self.failure(limit));
            }
        }
    }

    /// Returns what finds the addresses of names in this network.
    pub fn resolver(&self) -> Resolver {
        Resolver { shared: Arc::clone(&self.shared), own: self.own.clone() }
    }

    /// Returns the interfaces as they are at the moment, the best one first.
    pub fn ports(&self) -> Vec<Port> {
        self.shared.lock().ports.clone()
    }

    /// Sends what has happened since the last time: addresses that came and went, carriers that were lost.
    pub fn tell(&self, events: &dyn Events) {
        let news = std::mem::take(&mut self.shared.lock().news);
        news.into_iter().for_each(|news| events.note(news));
    }

    fn failure(&self, limit: Duration) -> Error {
        let lacking: Vec<_> = self.ports().iter().map(Port::to_string).collect();
        let advice = if lacking.is_empty() {
            let all: Vec<_> =
                seen::all().into_iter().map(|seen| format!("{} at {}", seen.name, seen.path)).collect();
            let all = if all.is_empty() { "none".into() } else { all.join(", ") };
            format!("no interface fits [[network.interface]]; the kernel has {all}")
        } else {
            lacking.join("; ")
        };
        Error::Missing { what: format!("a way into a network, after {} s,", limit.as_secs()), advice }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.shared.change(|view| view.stop = true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
