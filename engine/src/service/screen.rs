//! What a console shows, what a person may want done there, and what has to be typed or answered before it is.

use super::blanks::Blank;
use super::offers::{Installable, Offer};
use crate::machine::{ByHand, Link};
use drydock_access::{Request, Verb};
use drydock_state::SetName;
use std::sync::Arc;

/// What a console shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Screen {
    /// What can be done.
    Main,
    /// The sets, the floors, what waits.
    Status,
    /// The history, the newest first.
    History {
        /// Which part of it, from 0.
        page: usize,
    },
    /// One entry of the history, whole; the newest is 0.
    Entry(usize),
    /// What this recovery has told, the newest last.
    Log {
        /// Which part of it, from 0, which is the newest.
        page: usize,
    },
    /// Where a bundle is to be looked for.
    Shelves,
    /// What was found there.
    Offers {
        /// The bundles.
        offers: Arc<Vec<Offer>>,
        /// Which part of them, from 0.
        page: usize,
    },
    /// Which set to mark bad.
    Sets,
    /// Which partition to wipe.
    Wipes,
    /// What to try of the network, or to set up.
    Network,
    /// The interfaces, one of which can be set up.
    Links {
        /// The interfaces.
        links: Arc<Vec<Link>>,
        /// Which part of them, from 0.
        page: usize,
    },
    /// Where the addresses of this interface are to come from.
    Addressing(String),
    /// What is typed of them next.
    Blank {
        /// What was typed so far.
        by_hand: ByHand,
        /// What comes next.
        blank: Blank,
    },
    /// The name of the server that is reached for.
    Server,
    /// What to check.
    Checks,
    /// Where the file for support is to go.
    Support,
    /// Whether something that changes the device is meant.
    Confirm {
        /// What.
        action: Action,
        /// How often the device had been changed from here when that was asked.
        epoch: u64,
    },
    /// A challenge that has to be answered first.
    Challenge {
        /// What it is for.
        action: Action,
        /// As in [`Screen::Confirm`].
        epoch: u64,
        /// The line that is to be signed.
        line: String,
        /// What was wrong with the last answer, if there was one.
        wrong: String,
    },
    /// What became of something.
    Told(String),
}

/// What a person may want done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Install this bundle.
    Install(Installable),
    /// Receive a bundle over the line, and install it.
    Upload,
    /// Go back to the other set.
    RollBack,
    /// Give a set up.
    MarkBad(SetName),
    /// Make `data` new.
    FactoryReset,
    /// Wipe the partition with this label.
    Wipe(String),
    /// Bring the network up, and reach for this server.
    TestNetwork(Option<String>),
    /// See which interfaces there are, and what is connected to them.
    FindLinks,
    /// Set the network up, for this recovery; or have it as the configuration says.
    SetNetworkUp(Option<ByHand>),
    /// Read all partitions.
    CheckDisk,
    /// Ask the disk for its health.
    AskHealth,
    /// Try free memory.
    CheckMemory,
    /// Leave a file for support on a medium.
    TakeLogs,
    /// Send that file over the line.
    SendLogs,
    /// Switch the device off.
    PowerOff,
    /// Reset it.
    Restart,
    /// See something.
    Look(Box<Screen>),
}

impl Action {
    /// What has to be typed so that it is done; nothing where it changes nothing on the device.
    pub fn word(&self) -> Option<&'static str> {
        match self {
            Self::Install(_) | Self::Upload => Some("install"),
            Self::RollBack => Some("back"),
            Self::MarkBad(_) => Some("bad"),
            Self::FactoryReset => Some("reset"),
            Self::Wipe(_) => Some("wipe"),
            Self::PowerOff => Some("off"),
            Self::Restart => Some("restart"),
            Self::TestNetwork(_)
            | Self::FindLinks
            | Self::SetNetworkUp(_)
            | Self::CheckDisk
            | Self::AskHealth
            | Self::CheckMemory
            | Self::TakeLogs
            | Self::SendLogs
            | Self::Look(_) => None,
        }
    }

    /// What it is for whoever decides on it.
    pub fn request(&self) -> Request {
        let (verb, what) = match self {
            Self::Install(offer) => (Verb::Install, format!("{} {}", offer.version, offer.digest)),
            Self::Upload => (Verb::Install, "upload".into()),
            Self::RollBack => (Verb::RollBack, String::new()),
            Self::MarkBad(set) => (Verb::MarkBad, set.to_string()),
            Self::FactoryReset => (Verb::FactoryReset, String::new()),
            Self::Wipe(label) => (Verb::Wipe, label.clone()),
            Self::TestNetwork(server) => (Verb::Network, server.clone().unwrap_or_default()),
            Self::FindLinks => (Verb::View, "links".into()),
            Self::SetNetworkUp(by_hand) => {
                let what = by_hand.as_ref().map_or("as configured".into(), ByHand::to_string);
                (Verb::Network, what)
            }
            Self::CheckDisk => (Verb::Check, "disk".into()),
            Self::AskHealth => (Verb::View, "health".into()),
            Self::CheckMemory => (Verb::Check, "memory".into()),
            Self::TakeLogs => (Verb::Logs, String::new()),
            Self::SendLogs => (Verb::Logs, "line".into()),
            Self::PowerOff => (Verb::Power, "off".into()),
            Self::Restart => (Verb::Power, "restart".into()),
            Self::Look(_) => (Verb::View, String::new()),
        };
        Request { verb, what }
    }
}
