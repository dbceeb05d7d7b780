//! The thread that keeps the network up: it notices interfaces that come and go, carriers, leases and advertisements.

use super::netlink::Netlink;
use super::port::Port;
use super::seen::{self, Seen};
use super::view::{self, Shared};
use drydock_config::Interface;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Carriers and interfaces are looked at so often; nothing tells of them.
const LOOK: Duration = Duration::from_millis(250);
/// The metric of the best interface's routes. Every configured interface has a hundred, in the order in which they are
/// found, so that the order of the configuration decides first.
const FIRST_METRIC: u32 = 100;
/// A wireless interface is used where no wired one leads out.
const WIRELESS: u32 = 4000;

/// What the thread has in its hands.
pub(super) struct Watch {
    netlink: Netlink,
    configured: Vec<Interface>,
    /// Interfaces whose names do not fit this are left alone.
    pattern: String,
    ports: Vec<Port>,
    /// Interfaces that could not be used, and why.
    useless: Vec<((u32, usize), view::Port)>,
    begun: Instant,
    shared: Arc<Shared>,
}

impl Watch {
    pub(super) fn new(
        netlink: Netlink,
        configured: Vec<Interface>,
        pattern: String,
        shared: Arc<Shared>,
    ) -> Self {
        Self { netlink, configured, pattern, ports: vec![], useless: vec![], begun: Instant::now(), shared }
    }

    /// Keeps the network up until it is to be taken down, and takes it down.
    pub(super) fn run(mut self) {
        while !self.shared.lock().stop {
            self.look_around();
            let now = self.begun.elapsed();
            let mut news = Vec::new();
            for port in &mut self.ports {
                news.extend(port.go_on(&mut self.netlink, now));
            }
            self.publish(news);
            self.sleep();
        }
        // A tagged interface is removed before the one that it was made on.
        for port in self.ports.drain(..).rev() {
            port.close(&mut self.netlink);
        }
    }

    /// Opens interfaces that have come, and leaves those that have gone.
    fn look_around(&mut self) {
        let mut all = seen::all();
        let is_there = |wanted: &Seen| all.iter().any(|seen| seen.index == wanted.index);
        self.ports.retain(|port| is_there(&port.seen));
        self.useless.retain(|((index, _), _)| all.iter().any(|seen| seen.index == *index));
        // Not before: an interface that was made here has a name of its own.
        all.retain(|seen| seen::fits_pattern(self.pattern.as_bytes(), seen.name.as_bytes()));
        // Without a tag first: whether an interface is used itself is known before another one is made on it.
        for tagged in [false, true] {
            for seen in &all {
                for place in 0..self.configured.len() {
                    let tag = self.configured.get(place).and_then(|interface| interface.vlan);
                    let first = seen::fitting(&self.configured, seen, tag);
                    if tag.is_some() == tagged && first == Some(place) {
                        self.open(seen, place);
                    }
                }
            }
        }
    }

    fn open(&mut self, seen: &Seen, place: usize) {
        let Some(interface) = self.configured.get(place) else { return };
        let is_made = self.ports.iter().any(|port| port.parent.is_some() && port.seen.index == seen.index);
        let is_open = self.ports.iter().any(|port| match interface.vlan {
            None => port.seen.index == seen.index,
            tag => port.tag() == tag && port.parent.as_ref().is_some_and(|parent| parent.index == seen.index),
        });
        if is_made || is_open || self.useless.iter().any(|(known, _)| *known == (seen.index, place)) {
            return;
        }
        let order = u32::try_from(place).unwrap_or(u32::MAX).saturating_mul(100) + seen.index.min(99);
        let metric = FIRST_METRIC.saturating_add(order) + if seen.wireless { WIRELESS } else { 0 };
        match Port::open(&mut self.netlink, seen, interface, metric) {
            Ok(port) => {
                let place = self.ports.partition_point(|other| other.metric <= port.metric);
                self.ports.insert(place, port);
            }
            Err(error) => {
                let name = interface.vlan.map_or(seen.name.clone(), |id| format!("{}.{id}", seen.name));
                self.useless.push(((seen.index, place), view::Port::useless(name, error.to_string())));
            }
        }
    }

    /// Lets everybody see what is, where it has changed.
    fn publish(&self, news: Vec<String>) {
        let mut ports: Vec<_> = self.ports.iter().map(Port::view).collect();
        ports.extend(self.useless.iter().map(|(_, port)| port.clone()));
        if news.is_empty() && self.shared.lock().ports == ports {
            return;
        }
        self.shared.change(|view| {
            news.into_iter().for_each(|news| view.tell(news));
            for port in &ports {
                let before = view.ports.iter().find(|before| before.name == port.name);
                let (had, dns) = before.map_or((&[][..], &[][..]), |port| (&port.addresses, &port.dns));
                if had == port.addresses && dns == port.dns {
                    continue;
                }
                view.tell(port.to_string());
            }
            view.ports = ports;
        });
    }

    /// Until a packet comes, a time has come, or it is time to look around.
    fn sleep(&self) {
        let now = self.begun.elapsed();
        let wake = self.ports.iter().map(Port::wake).min().unwrap_or(Duration::MAX);
        let time = wake.saturating_sub(now).min(LOOK);
        let mut sockets: Vec<_> = self
            .ports
            .iter()
            .flat_map(Port::sockets)
            .map(|socket| PollFd::new(socket, PollFlags::POLLIN))
            .collect();
        let time = u16::try_from(time.as_millis() + 1).unwrap_or(u16::MAX);
        // Whatever wakes it, it looks at everything.
        let _ = poll(&mut sockets, PollTimeout::from(time));
    }
}
