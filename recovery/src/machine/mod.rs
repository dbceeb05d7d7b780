//! The real machine: hardware behind the traits of [`drydock_engine::machine`].

mod disk;
#[cfg(feature = "service")]
mod documents;
mod few;
#[cfg(feature = "service")]
mod health;
mod hooks;
#[cfg(any(feature = "network", feature = "service"))]
mod kept;
mod keys;
mod memory;
#[cfg(all(feature = "network", feature = "service"))]
mod network;
mod sensors;
#[cfg(feature = "service")]
mod service;
mod sources;
mod start;
#[cfg(feature = "service")]
mod sticks;
#[cfg(feature = "service")]
mod upload;
mod volumes;

use crate::console::{Console, ConsoleEvents};
use crate::disk::discover::{Hotplug, OurDisk};
use crate::disk::mapper::Mapped;
use drydock_config::Config;
use drydock_engine::event::Events;
use drydock_engine::machine::{Clock, Operator, Place, Power, Ring, Setting};
use drydock_state::UnixTime;
use few::Few;
#[cfg(any(feature = "network", feature = "service"))]
pub use kept::KeptFile;
use nix::unistd::{SysconfVar, sysconf};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use zeroize::Zeroizing;

/// The machine that drydock runs on.
pub struct Hardware<'a> {
    config: &'a Config,
    events: &'a dyn Events,
    console: &'a Console,
    disk: OurDisk,
    part: Part<'a>,
    hotplug: Mutex<Hotplug>,
    ring: Mutex<Ring>,
    /// What drydock has mapped, by name.
    mapped: Mutex<Few<String, Mapped>>,
    /// What is mounted where.
    mounted: Mutex<Few<Place, PathBuf>>,
    /// What was uploaded to memory.
    #[cfg(feature = "service")]
    memory: std::sync::Arc<drydock_engine::service::landing::Memory>,
    /// The page of the recovery, if it has one.
    #[cfg(feature = "lan")]
    page: Mutex<Option<crate::lan::Beside>>,
    /// The network as somebody has set it up, and is up.
    #[cfg(all(feature = "network", feature = "service"))]
    by_hand: Mutex<Option<(drydock_engine::machine::ByHand, std::sync::Arc<crate::link::Network>)>>,
    /// Who listens on the consoles, from the first time on that somebody does.
    #[cfg(feature = "service")]
    listener: Mutex<Option<crate::console::Listener>>,
    /// Media that did not answer.
    #[cfg(feature = "service")]
    silent: Mutex<Vec<PathBuf>>,
    /// Whether media that are not there yet are not waited for.
    #[cfg(feature = "service")]
    hurried: std::sync::atomic::AtomicBool,
}

/// The part that this process has in the machine.
#[derive(Clone, Copy)]
pub enum Part<'a> {
    /// It is process 1, and hands the consoles and the watchdog over.
    ProcessOne(&'a ConsoleEvents),
    /// It is a command of the live system, where `data` is mounted already.
    Command,
}

impl<'a> Hardware<'a> {
    /// Returns whether this process is process 1, and has the machine for itself.
    pub fn is_process_one(&self) -> bool {
        matches!(self.part, Part::ProcessOne(_))
    }

    /// The machine, with its disk found.
    pub fn new(
        config: &'a Config,
        events: &'a dyn Events,
        console: &'a Console,
        part: Part<'a>,
        disk: OurDisk,
        hotplug: Hotplug,
    ) -> Self {
        let mut mounted = Few::default();
        if let (Part::Command, Some(data)) = (part, &config.data) {
            mounted.insert(Place::Data, PathBuf::from(&data.mount));
        }
        #[cfg(feature = "files")]
        for (index, tree) in config.trees.iter().enumerate().filter(|_| matches!(part, Part::Command)) {
            if let (Some(_), Some(mount)) = (&tree.partition, &tree.mount) {
                mounted.insert(Place::Trees(index), PathBuf::from(mount));
            }
        }
        Self {
            config,
            events,
            console,
            disk,
            part,
            hotplug: Mutex::new(hotplug),
            ring: Mutex::default(),
            mapped: Mutex::default(),
            mounted: Mutex::new(mounted),
            #[cfg(feature = "service")]
            memory: memory::for_uploads(),
            #[cfg(feature = "lan")]
            page: Mutex::default(),
            #[cfg(all(feature = "network", feature = "service"))]
            by_hand: Mutex::default(),
            #[cfg(feature = "service")]
            listener: Mutex::default(),
            #[cfg(feature = "service")]
            silent: Mutex::default(),
            #[cfg(feature = "service")]
            hurried: std::sync::atomic::AtomicBool::default(),
        }
    }

    /// Shows a page on the LAN beside the work, until this goes away or becomes another system.
    #[cfg(feature = "lan")]
    pub fn show_page(&self, page: crate::lan::Beside) {
        *lock(&self.page) = Some(page);
    }

    /// Our disk.
    pub fn disk(&self) -> &OurDisk {
        &self.disk
    }

    fn warn(&self, text: impl std::fmt::Display) {
        self.events.warning(text);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Setting for Hardware<'_> {
    fn config(&self) -> &Config {
        self.config
    }

    fn events(&self) -> &dyn Events {
        self.events
    }

    fn threads(&self) -> usize {
        // One more than there are processors: while one worker waits for the disk, another one computes.
        let processors = sysconf(SysconfVar::_NPROCESSORS_ONLN).ok().flatten();
        processors.and_then(|n| usize::try_from(n).ok()).unwrap_or(1) + 1
    }
}

impl Clock for Hardware<'_> {
    fn now(&self) -> UnixTime {
        UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
    }

    fn pause(&self, time: Duration) -> Power {
        std::thread::sleep(time);
        Power::On
    }
}

impl Operator for Hardware<'_> {
    fn confirm(&self, question: &str, limit: Duration) -> Option<bool> {
        self.console.confirm(question, limit)
    }

    fn line(&self, prompt: &str, limit: Duration) -> Result<Zeroizing<Vec<u8>>, Power> {
        let deadline = Instant::now() + limit;
        self.console.passphrase(prompt, limit).ok_or_else(|| {
            // There may be nobody to ask.
            self.pause(deadline.saturating_duration_since(Instant::now()))
        })
    }
}

/// Nobody is heard by a drydock without a menu.
#[cfg(not(feature = "service"))]
impl drydock_engine::machine::Service for Hardware<'_> {}

/// The path of a file of the new root, or of another folder that things are mounted in.
fn below(root: &str, path: &str) -> PathBuf {
    Path::new(root).join(path.trim_start_matches('/'))
}
