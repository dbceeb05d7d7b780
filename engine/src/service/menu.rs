//! What an entry means, for what a console shows: a function, without a machine.
//!
//! An entry is a number that is offered, or a word that is asked for, and nothing else. Whatever a bad line makes of one is
//! neither, and does nothing but to have the screen shown again.

use super::blanks::Blank;
use super::page::{PER_PAGE, pages};
use super::screen::{Action, Screen};
use crate::machine::{ByHand, Shelf};
use drydock_state::SetName;
use std::sync::Arc;

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
    /// Whether the network was set up by hand.
    pub by_hand: bool,
    /// How often the device was changed from here.
    pub epoch: u64,
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
            Self::Blank { by_hand, blank } if number(text) != Some(0) => {
                let mut by_hand = by_hand.clone();
                match blank.fill(&mut by_hand, text) {
                    Ok(Some(blank)) => Wish::Show(Self::Blank { by_hand, blank }),
                    Ok(None) => free(Action::SetNetworkUp(Some(by_hand))),
                    Err(_) => Wish::Again,
                }
            }
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
            (Self::Main, 11) => Show(Self::Support),
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
            (Self::Network, 3) => free(Action::FindLinks),
            (Self::Network, 4) if choices.by_hand => free(Action::SetNetworkUp(None)),
            (Self::Links { links, page }, 9) => {
                turn(*page, links.len(), |page| Self::Links { links: Arc::clone(links), page })
            }
            (Self::Links { links, page }, _) if nth < PER_PAGE => {
                let link = links.get(page * PER_PAGE + nth);
                link.map_or(Again, |link| Show(Self::Addressing(link.name.clone())))
            }
            (Self::Addressing(link), 1 | 2) => {
                let by_hand = ByHand { link: link.clone(), address: None, gateway: None, dns: None };
                match number {
                    1 => free(Action::SetNetworkUp(Some(by_hand))),
                    _ => Show(Self::Blank { by_hand, blank: Blank::Address }),
                }
            }
            (Self::Checks, 1) => free(Action::CheckDisk),
            (Self::Checks, 2) => free(Action::CheckMemory),
            (Self::Checks, 3) => free(Action::AskHealth),
            (Self::Support, 1) => free(Action::TakeLogs),
            (Self::Support, 2) => free(Action::SendLogs),
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
    use crate::machine::Link;
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
    fn a_network_is_typed_blank_by_blank_and_set_up_once_it_is_whole() {
        let wish = |screen: &Screen, line: &str| screen.enter(line.as_bytes(), &choices());
        let link = |name: &str| Link { name: name.into(), mac: String::new(), carrier: false };
        let links = Screen::Links { links: Arc::new(vec![link("eth0"), link("eth1")]), page: 0 };
        assert_eq!(wish(&links, "3"), Wish::Again);
        let Wish::Show(screen) = wish(&links, "2") else { panic!() };
        assert_eq!(screen, Screen::Addressing("eth1".into()));
        let by_hand = ByHand { link: "eth1".into(), address: None, gateway: None, dns: None };
        assert_eq!(wish(&screen, "1"), free(Action::SetNetworkUp(Some(by_hand.clone()))));
        let mut screen = wish(&screen, "2");
        for line in ["10.0.0.2/8", "10.0.0.1"] {
            let Wish::Show(shown) = screen else { panic!("{screen:?}") };
            assert_eq!(wish(&shown, "nonsense"), Wish::Again);
            assert_eq!(wish(&shown, ""), Wish::Again);
            assert_eq!(wish(&shown, "0"), Wish::Show(Screen::Main));
            screen = wish(&shown, line);
        }
        let Wish::Show(shown) = screen else { panic!("{screen:?}") };
        let typed = Action::SetNetworkUp(Some(ByHand {
            address: "10.0.0.2".parse().ok().map(|ip| (ip, 8)),
            gateway: "10.0.0.1".parse().ok(),
            ..by_hand
        }));
        assert_eq!(typed.request().to_string(), "network eth1 10.0.0.2/8 via 10.0.0.1");
        assert_eq!(wish(&shown, "-"), free(typed));
        assert_eq!(wish(&Screen::Network, "4"), Wish::Again);
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
