//! What is known of the network at the moment: written by the thread that keeps it up, read by everybody else.

use drydock_config::Address;
use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So much news waits to be told; older news gives way.
const NEWS: usize = 64;

/// An interface as it is at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// The kernel's name for it.
    pub name: String,
    /// Its addresses that can be used.
    pub addresses: Vec<Address>,
    /// The DNS servers that were named on it.
    pub dns: Vec<SocketAddr>,
    /// Whether one of its routes leads everywhere.
    pub has_way_out: bool,
    /// What it lacks, where it has no address.
    pub lacks: String,
}

impl Port {
    /// One that can't be used at all.
    pub(super) fn useless(name: String, why: String) -> Self {
        Self { name, addresses: vec![], dns: vec![], has_way_out: false, lacks: why }
    }
}

impl fmt::Display for Port {
    /// One line for a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.name)?;
        if self.addresses.is_empty() {
            return f.write_str(&self.lacks);
        }
        let addresses: Vec<_> = self.addresses.iter().map(Address::to_string).collect();
        f.write_str(&addresses.join(", "))?;
        for server in &self.dns {
            write!(f, ", DNS {}", server.ip())?;
        }
        f.write_str(if self.has_way_out { "" } else { ", no way out of its own network" })
    }
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct View {
    /// The interfaces, the best one first.
    pub(super) ports: Vec<Port>,
    /// What has happened and was not told yet.
    pub(super) news: VecDeque<String>,
    /// Whether the network is to be taken down.
    pub(super) stop: bool,
}

impl View {
    pub(super) fn tell(&mut self, news: String) {
        if self.news.len() == NEWS {
            self.news.pop_front();
        }
        self.news.push_back(news);
    }

    /// Whether an interface has an address.
    pub(super) fn is_ready(&self) -> bool {
        self.ports.iter().any(|port| !port.addresses.is_empty())
    }
}

/// The view, and a bell for those who wait for a change of it.
#[derive(Debug, Default)]
pub(super) struct Shared {
    view: Mutex<View>,
    changed: Condvar,
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes it, and rings the bell.
    pub(super) fn change(&self, change: impl FnOnce(&mut View)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Waits until something is there, for as long as `limit`. `None`: it did not come.
    pub(super) fn wait<T>(&self, limit: Duration, wanted: impl Fn(&mut View) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + limit;
        let mut view = self.lock();
        loop {
            if let Some(found) = wanted(&mut view) {
                return Some(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            view = self.changed.wait_timeout(view, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
