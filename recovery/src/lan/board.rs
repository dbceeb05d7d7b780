//! What stands behind the page in recovery: it shows what happens, and does nothing.
//!
//! Recovery has one thread that changes the device, and that one has a job, or listens to the consoles.

use super::Heard;
use drydock_access::Verb;
use drydock_config::Config;
use drydock_engine::Error;
use drydock_engine::history::Line;
use drydock_engine::lan::{Asked, Incoming, Office, Visitor};
use drydock_engine::service::access;
use drydock_page::{Release, View, Wish};
use drydock_state::{Record, SetName};
use std::fmt::Write;
use std::sync::Arc;

/// How much of the history is shown.
const ENTRIES: usize = 10;
/// What is said to whoever wants more.
const AT_THE_CONSOLE: &str =
    "in recovery this page shows what happens; what is to be done is asked for at the device's console";

/// A recovery, for the page.
pub(super) struct Board {
    heard: Arc<Heard>,
    device: String,
    status: String,
    view_is_free: bool,
}

impl Board {
    /// One that shows what is heard, and this record as it was at the start.
    pub(super) fn new(config: &Config, record: Option<&Record>, heard: Arc<Heard>) -> Self {
        Self {
            heard,
            device: config.compatible.clone(),
            status: record.map_or_else(|| "the state can't be read".into(), text),
            view_is_free: !access::needs_key(config, Verb::View),
        }
    }
}

/// What the record knows, for a person. It costs no look at a slot, which may be locked.
fn text(record: &Record) -> String {
    let mut text = String::new();
    for set in SetName::BOTH {
        let info = record.sets.get(set);
        // A text takes whatever is written to it.
        let _ = writeln!(text, "set {set}      {} {}", info.status, info.version);
    }
    if let Some(intent) = &record.intent {
        let _ = writeln!(text, "waiting    {}", intent.job);
    }
    for entry in record.history.iter().rev().take(ENTRIES).rev() {
        let _ = writeln!(text, "{}", Line(entry));
    }
    text
}

impl Office for Board {
    fn view(&self) -> View {
        let mut view = View {
            device: self.device.clone(),
            recovery: true,
            status: self.status.clone(),
            busy: Some(AT_THE_CONSOLE.into()),
            ..View::default()
        };
        self.heard.show(&mut view);
        view
    }

    fn view_is_free(&self) -> bool {
        self.view_is_free
    }

    fn ask(&self, _who: Visitor, _wish: &Wish) -> Result<Asked, Error> {
        Err(Error::Refused(AT_THE_CONSOLE.into()))
    }

    fn answer(&self, _who: Visitor, _wish: &Wish, _text: &str) -> Result<String, Error> {
        Err(Error::Refused(AT_THE_CONSOLE.into()))
    }

    fn act(&self, _wish: &Wish, _key: &str) -> Result<String, Error> {
        Err(Error::Refused(AT_THE_CONSOLE.into()))
    }

    fn incoming(&self, _release: &Release, _length: u64, _key: &str) -> Result<Box<dyn Incoming>, Error> {
        Err(Error::Refused(AT_THE_CONSOLE.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_engine::event::Event;
    use drydock_state::{SetInfo, UnixTime, transition};

    #[test]
    fn a_recovery_shows_what_happens_and_does_nothing() {
        let config = Config::new("pump", vec![], String::new());
        let info = SetInfo { version: "1.2.3".into(), ..SetInfo::default() };
        let record = transition::flashed(info, UnixTime(0));
        let heard = Arc::new(Heard::default());
        let board = Board::new(&config, Some(&record), Arc::clone(&heard));
        heard.hear(&Event::Note { text: "it goes on".into() });
        let view = board.view();
        assert!(view.recovery && view.acts.is_empty());
        assert!(view.status.contains("1.2.3") && view.lines[0].contains("it goes on"), "{view:?}");
        let who = Visitor(1);
        assert!(board.ask(who, &Wish::RollBack).is_err() && board.act(&Wish::RollBack, "kim").is_err());
        assert!(board.answer(who, &Wish::RollBack, "x").is_err());
        assert!(!board.view_is_free(), "nobody is named who may look");
    }
}
