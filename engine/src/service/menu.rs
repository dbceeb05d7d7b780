//! What an entry means, for what a console shows: a function, without a machine.
//!
//! An entry is a number that is offered, or a word that is asked for, and nothing else. Whatever a bad line makes of one is
//! neither, and does nothing but to have the screen shown again.

use super::offers::{Installable, Offer};
use super::page::{PER_PAGE, pages};
use crate::machine::Shelf;
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
    /// What to try of the network.
    Network,
    /// The name of the server that is reached for.
    Server,
    /// What to check.
    Checks,
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
    /// Read all partitions.
    CheckDisk,
    /// Ask the disk for its health.
    AskHealth,
    /// Try free memory.
    CheckMemory,
    /// Leave a file for support on a medium.
    TakeLogs,
    /// Switch the device off.
    PowerOff,
    /// Reset it.
    Restart,
    /// See something.
    Look(Box<Screen>),
}

/// What is to be done about an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Nothing: it was none. The screen is shown again.
    Again,
    /// Show this.
    Show(Screen),
    /// Look for bundles.
    Find(Shelf),
    /// Do this, which is confirmed where it has to be.
    Do {
        /// What.
        action: Action,
        /// As in [`Screen::Confirm`]; nothing where it changes nothing.
        epoch: Option<u64>,
    },
    /// A line of the answer to a challenge.
    Answer(String),
    /// Go on as without a menu.
    GoOn,
}

/// What there is to choose from.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// The partitions that may be wiped.
    pub wipes: Vec<String>,
    /// How many entries the history has.
    pub history: usize,
    /// How many lines the log has.
    pub log: usize,
    /// Where on `data` bundles are looked for, where there is a `data`.
    pub data: Option<String>,
    /// Where on media they are.
    pub stick: String,
    /// How often the device was changed from here.
    pub epoch: u64,
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
            | Self::CheckDisk
            | Self::AskHealth
            | Self::CheckMemory
            | Self::TakeLogs
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
            Self::CheckDisk => (Verb::Check, "disk".into()),
            Self::AskHealth => (Verb::View, "health".into()),
            Self::CheckMemory => (Verb::Check, "memory".into()),
            Self::TakeLogs => (Verb::Logs, String::new()),
            Self::PowerOff => (Verb::Power, "off".into()),
            Self::Restart => (Verb::Power, "restart".into()),
            Self::Look(_) => (Verb::View, String::new()),
        };
        Request { verb, what }
    }
}

impl Screen {
    /// Whether it tells of the device.
    pub fn is_view(&self) -> bool {
        matches!(self, Self::Status | Self::History { .. } | Self::Entry(_) | Self::Log { .. })
    }

    /// Returns what an entry means here.
    pub fn enter(&self, line: &[u8], choices: &Choices) -> Wish {
        let Some(text) = readable(line) else { return Wish::Again };
        match self {
            Self::Confirm { action, epoch } if number(text) != Some(0) => {
                let meant = action.word().is_some_and(|word| word.eq_ignore_ascii_case(text));
                if meant { Wish::Do { action: action.clone(), epoch: Some(*epoch) } } else { Wish::Again }
            }
            Self::Challenge { .. } if number(text) != Some(0) && !text.is_empty() => {
                Wish::Answer(text.to_owned())
            }
            Self::Server if number(text).is_none() => match is_name(text) {
                true => free(Action::TestNetwork(Some(text.to_owned()))),
                false => Wish::Again,
            },
            _ => number(text).map_or(Wish::Again, |number| self.choose(number, choices)),
        }
    }

    fn choose(&self, number: usize, choices: &Choices) -> Wish {
        use Wish::{Again, Show};
        let confirm = |action| Show(Self::Confirm { action, epoch: choices.epoch });
        let nth = number.wrapping_sub(1);
        match (self, number) {
            (Self::Main, 0) => Wish::GoOn,
            (Self::Main, 1) => Show(Self::Status),
            (Self::Main, 2) => Show(Self::History { page: 0 }),
            (Self::Main, 3) => Show(Self::Log { page: 0 }),
            (Self::Main, 4) => Show(Self::Shelves),
            (Self::Main, 5) => confirm(Action::RollBack),
            (Self::Main, 6) => Show(Self::Sets),
            (Self::Main, 7) => confirm(Action::FactoryReset),
            (Self::Main, 8) => Show(Self::Wipes),
            (Self::Main, 9) => Show(Self::Network),
            (Self::Main, 10) => Show(Self::Checks),
            (Self::Main, 11) => free(Action::TakeLogs),
            (Self::Main, 12) => confirm(Action::PowerOff),
            (Self::Main, 13) => confirm(Action::Restart),
            (Self::Entry(entry), 0) => Show(Self::History { page: entry / PER_PAGE }),
            (_, 0) => Show(Self::Main),
            (Self::History { page }, 9) => turn(*page, choices.history, |page| Self::History { page }),
            (Self::History { page }, _) if nth < PER_PAGE && page * PER_PAGE + nth < choices.history => {
                Show(Self::Entry(page * PER_PAGE + nth))
            }
            (Self::Log { page }, 9) => turn(*page, choices.log, |page| Self::Log { page }),
            (Self::Shelves, 1) => Wish::Find(Shelf::Media(choices.stick.clone())),
            (Self::Shelves, 2) => {
                choices.data.clone().map_or(Again, |folder| Wish::Find(Shelf::Data(folder)))
            }
            (Self::Shelves, 3) => confirm(Action::Upload),
            (Self::Offers { offers, page }, 9) => {
                turn(*page, offers.len(), |page| Self::Offers { offers: Arc::clone(offers), page })
            }
            (Self::Offers { offers, page }, _) if nth < PER_PAGE => {
                match offers.get(page * PER_PAGE + nth).map(|offer| &offer.release) {
                    Some(Ok(offer)) => confirm(Action::Install(offer.clone())),
                    Some(Err(why)) => Show(Self::Told(format!("It can't be installed: {why}"))),
                    None => Again,
                }
            }
            (Self::Sets, 1) => confirm(Action::MarkBad(SetName::A)),
            (Self::Sets, 2) => confirm(Action::MarkBad(SetName::B)),
            (Self::Wipes, _) if nth < PER_PAGE => {
                choices.wipes.get(nth).map_or(Again, |label| confirm(Action::Wipe(label.clone())))
            }
            (Self::Network, 1) => free(Action::TestNetwork(None)),
            (Self::Network, 2) => Show(Self::Server),
            (Self::Checks, 1) => free(Action::CheckDisk),
            (Self::Checks, 2) => free(Action::CheckMemory),
            (Self::Checks, 3) => free(Action::AskHealth),
            _ => Again,
        }
    }
}

/// What changes nothing needs no word.
fn free(action: Action) -> Wish {
    Wish::Do { action, epoch: None }
}

/// The next part of a list, and behind the last one the first.
fn turn(page: usize, entries: usize, to: impl FnOnce(usize) -> Screen) -> Wish {
    Wish::Show(to((page + 1) % pages(entries)))
}

/// A line that a person can have typed.
fn readable(line: &[u8]) -> Option<&str> {
    let text = str::from_utf8(line).ok()?.trim();
    text.bytes().all(|byte| matches!(byte, b' '..=b'~')).then_some(text)
}

/// A number of the menu: one digit or two, and nothing else.
fn number(text: &str) -> Option<usize> {
    let good = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| good)
}

/// Whether it can be the name or the address of a server.
fn is_name(text: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':');
    (1..=253).contains(&text.len()) && text.bytes().all(good)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn choices() -> Choices {
        Choices {
            wipes: vec!["logs".into(), "cache".into()],
            history: 20,
            log: 9,
            data: Some(String::new()),
            ..Choices::default()
        }
    }

    fn confirm(action: Action) -> Screen {
        Screen::Confirm { action, epoch: 0 }
    }

    #[test]
    fn numbers_lead_where_the_menu_says() {
        let wish = |screen: &Screen, line: &str| screen.enter(line.as_bytes(), &choices());
        assert_eq!(wish(&Screen::Main, " 1 "), Wish::Show(Screen::Status));
        assert_eq!(wish(&Screen::Main, "5"), Wish::Show(confirm(Action::RollBack)));
        assert_eq!(wish(&Screen::Main, "0"), Wish::GoOn);
        assert_eq!(wish(&Screen::Wipes, "2"), Wish::Show(confirm(Action::Wipe("cache".into()))));
        assert_eq!(wish(&Screen::Wipes, "3"), Wish::Again);
        assert_eq!(wish(&Screen::History { page: 1 }, "9"), Wish::Show(Screen::History { page: 2 }));
        assert_eq!(wish(&Screen::History { page: 2 }, "9"), Wish::Show(Screen::History { page: 0 }));
        assert_eq!(wish(&Screen::History { page: 2 }, "4"), Wish::Show(Screen::Entry(19)));
        assert_eq!(wish(&Screen::History { page: 2 }, "5"), Wish::Again);
        assert_eq!(wish(&Screen::Entry(19), "0"), Wish::Show(Screen::History { page: 2 }));
        assert_eq!(
            wish(&Screen::Server, "updates.example"),
            free(Action::TestNetwork(Some("updates.example".into())))
        );
        assert_eq!(wish(&Screen::Server, "a b"), Wish::Again);
    }

    #[test]
    fn what_changes_the_device_is_done_for_its_word_alone() {
        let screen = confirm(Action::FactoryReset);
        for line in ["", "y", "yes", "7", "reset!", "\u{1}reset", "re set", "wipe"] {
            assert_eq!(screen.enter(line.as_bytes(), &choices()), Wish::Again, "{line}");
        }
        assert_eq!(screen.enter(b"0", &choices()), Wish::Show(Screen::Main));
        let done = Wish::Do { action: Action::FactoryReset, epoch: Some(0) };
        assert_eq!(screen.enter(b" Reset", &choices()), done);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn noise_does_nothing(line in proptest::collection::vec(any::<u8>(), 0..40)) {
            let text = String::from_utf8_lossy(&line).trim().to_owned();
            let clean = text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() <= 2;
            prop_assume!(!clean);
            for screen in [Screen::Main, Screen::Shelves, Screen::Sets, Screen::Checks, confirm(Action::PowerOff)] {
                let is_word = text.eq_ignore_ascii_case("off");
                prop_assert!(is_word || screen.enter(&line, &choices()) == Wish::Again);
            }
        }
    }
}
