//! What a person at a console needs of the machine besides what the work needs.
//!
//! All of it has a default for machines that nobody stands before: they hear nothing and have nothing to show.

use super::{ByHand, Device, Link, Power};
use crate::error::Error;
#[cfg(feature = "lan")]
use crate::lan::Mailbox;
#[cfg(feature = "lan")]
use crate::service::landing::Landing;
use drydock_state::Source;
use std::time::Duration;

/// A console, as the machine numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConsoleId(pub usize);

/// What came of listening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Somebody has typed a line.
    Line {
        /// Where. An answer goes there, and an entry belongs there.
        console: ConsoleId,
        /// The line, without its end. Whatever a bad line makes of it.
        text: Vec<u8>,
        /// How long was waited for it.
        waited: Duration,
    },
    /// Nobody has, for as long as was listened.
    Nothing,
    /// The machine was switched off. Real code never sees that.
    Off,
}

/// Where bundles may lie about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shelf {
    /// On every removable medium, in this folder.
    Media(String),
    /// On the data volume, in this folder.
    Data(String),
}

/// A bundle that lies about, or why something could not be looked at.
#[derive(Clone, Debug)]
pub struct Shelved {
    /// What it lies on, for a person: `/dev/sda1`.
    pub place: String,
    /// Its path there; empty where it is all of the place that could not be looked at.
    pub path: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its first bytes, [`HEAD`] at most.
    pub head: Result<Vec<u8>, String>,
}

/// So many bytes at the beginning of a bundle hold its signed manifest.
pub const HEAD: u64 = (1 << 20) + (16 << 10);
/// So many bundles are looked at on one shelf; what more there is is not shown.
pub const MOST_BUNDLES: usize = 32;

/// A document for whoever helps from afar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paper {
    /// Its name as a file: at most 60 bytes of printable ASCII without `/`.
    pub name: String,
    /// What is in it, or why it can't be had.
    pub text: Result<Vec<u8>, String>,
}

/// What a person at a console needs of the machine.
pub trait Service: super::Clock {
    /// Returns the consoles, each with its name: `ttyS0`.
    fn consoles(&self) -> Vec<(ConsoleId, String)> {
        Vec::new()
    }

    /// Waits for a line from whichever console, for as long as `limit` if none comes. What is typed is shown where it is
    /// typed. Lines that came while nobody listened are heard, too.
    fn hear(&self, limit: Duration) -> Heard {
        match self.pause(limit) {
            Power::On => Heard::Nothing,
            Power::Off => Heard::Off,
        }
    }

    /// Writes to one console. Never waits, never fails.
    fn tell(&self, _console: ConsoleId, _text: &str) {}

    /// Receives a bundle over a console's line, from whatever its other end sends it with. On return it is on stable storage, or
    /// in memory where nothing else takes it, and not one byte of it is proven but its front. Nobody is heard meanwhile.
    fn receive(&self, _console: ConsoleId) -> Result<Source, Error> {
        Err(Error::Refused("nothing can be received over a line here".into()))
    }

    /// Returns the places for a bundle that outlives a reset, the best one first.
    #[cfg(feature = "lan")]
    fn lasting_landings(&self) -> Vec<Landing> {
        Vec::new()
    }

    /// Returns where the page on the LAN posts what its visitors want, where there is one.
    #[cfg(feature = "lan")]
    fn mailbox(&self) -> Option<std::sync::Arc<Mailbox>> {
        None
    }

    /// Sends a file over a console's line, to whatever receives ZMODEM at its other end. On return that has all of it. Nobody is
    /// heard meanwhile.
    fn send(&self, _console: ConsoleId, _name: &str, _bytes: &[u8]) -> Result<(), Error> {
        Err(Error::Refused("nothing can be sent over a line here".into()))
    }

    /// What was received is not what was signed: it is not gone on with.
    fn forget_received(&self) {}

    /// Whether there is a removable medium now.
    fn has_media(&self) -> bool {
        false
    }

    /// Whether a source on a medium waits for one that is not there yet. At first it does.
    fn wait_for_media(&self, _wait: bool) {}

    /// Shows the bundles on a shelf, one after the other: files whose names end in `.drydock`, [`MOST_BUNDLES`] at most. A
    /// medium that does not answer costs a bounded time, and is left alone from then on.
    fn bundles(&self, _shelf: &Shelf, _each: &mut dyn FnMut(Shelved)) -> Result<(), Error> {
        Ok(())
    }

    /// Returns all partitions of our own disk by their labels, for reading.
    fn extents(&self) -> Vec<(String, Result<Device, Error>)> {
        Vec::new()
    }

    /// Returns what our disk says of its own health, a line each.
    fn health(&self) -> Vec<String> {
        vec!["this machine can't ask its disk".into()]
    }

    /// Returns how many bytes of memory can be had without anybody losing any.
    fn free_memory(&self) -> u64 {
        0
    }

    /// Returns the machine's interfaces. Those that were off are switched on for a moment, to see what is connected to them.
    fn links(&self) -> Result<Vec<Link>, Error> {
        Err(Error::Refused(drydock_config::WITHOUT_NETWORK.into()))
    }

    /// Has the network as somebody has set it up, or again as the configuration says, from now on until the machine goes on.
    /// Nothing of it is written. What was set up by hand is up from then on.
    fn set_network_up(&self, _by_hand: Option<ByHand>) -> Result<(), Error> {
        Err(Error::Refused(drydock_config::WITHOUT_NETWORK.into()))
    }

    /// Returns what the network was set up to by hand, if it was.
    fn network_by_hand(&self) -> Option<ByHand> {
        None
    }

    /// Brings the network up as it was set up by hand or as the configuration says, tells what that gives, and reaches for a
    /// server by its name, if one is given. On return it is as it was before.
    fn test_network(&self, _server: Option<&str>, _say: &mut dyn FnMut(String)) -> Result<(), Error> {
        Err(Error::Refused(drydock_config::WITHOUT_NETWORK.into()))
    }

    /// Returns the time since the machine was started, or since any other moment: it never goes back.
    fn since_start(&self) -> Duration {
        Duration::from_secs(self.now().0)
    }

    /// Returns the GUID in the header of our disk's GPT.
    fn disk_guid(&self) -> Option<String> {
        None
    }

    /// Switches the machine off. A real machine does not return from here.
    fn switch_off(&self) {}

    /// Returns what else the machine has to show: the kernel's log, what pstore has kept, the partition table.
    fn papers(&self) -> Vec<Paper> {
        Vec::new()
    }

    /// Writes a file to the root of the first removable medium that takes it. On return it is on stable storage. Returns where
    /// it is, for a person.
    fn leave_on_medium(&self, _name: &str, _bytes: &[u8]) -> Result<String, Error> {
        Err(Error::Missing {
            what: "a removable medium that takes a file".into(),
            advice: "connect a stick with FAT on it".into(),
        })
    }
}
