//! What stands behind the page in recovery: it shows what happens, and posts what visitors want to whoever has the device, which
//! is the menu.

use super::Heard;
use drydock_access::Verb;
use drydock_config::Config;
use drydock_engine::Error;
use drydock_engine::lan::{Asked, Incoming, Letter, Mailbox, Office, Reply, Visitor};
use drydock_engine::service::access;
use drydock_page::{Release, View, Wish};
use std::sync::Arc;

/// What can be asked for while there is a menu.
const ACTS: [&str; 5] = ["install", "roll-back", "factory-reset", "restart", "power-off"];

/// A recovery, for the page.
pub struct Board {
    heard: Arc<Heard>,
    mailbox: Arc<Mailbox>,
    device: String,
    view_is_free: bool,
    /// The most bytes of a bundle; 0 if there is no such limit.
    most: u64,
}

impl Board {
    /// One that shows what is heard, and posts to this mailbox.
    pub fn new(config: &Config, heard: Arc<Heard>, mailbox: Arc<Mailbox>) -> Self {
        Self {
            heard,
            mailbox,
            device: config.compatible.clone(),
            view_is_free: !access::needs_key(config, Verb::View),
            most: config.lan.as_ref().map_or(0, |lan| lan.upload_mib.bytes()),
        }
    }

    fn post(&self, letter: Letter) -> Result<Reply, Error> {
        self.mailbox.post(letter)?.reply()
    }
}

/// Refuses a bundle that is larger than the configuration lets it be. `most` is that, in bytes; 0 if there is no such limit.
pub(crate) fn check_length(length: u64, most: u64) -> Result<(), Error> {
    if most > 0 && length > most {
        return Err(Error::Refused(format!(
            "a bundle may have {} MiB here at most, as `lan.upload_mib` says",
            most >> 20
        )));
    }
    Ok(())
}

fn text(reply: Reply) -> String {
    if let Reply::Text(text) = reply { text } else { String::new() }
}

impl Office for Board {
    fn view(&self) -> View {
        let (status, closed) = self.mailbox.shown();
        let mut view = View {
            device: self.device.clone(),
            recovery: true,
            status,
            acts: if closed.is_none() { ACTS.to_vec() } else { Vec::new() },
            busy: closed.map(Into::into),
            ..View::default()
        };
        self.heard.show(&mut view);
        view
    }

    fn view_is_free(&self) -> bool {
        self.view_is_free
    }

    fn ask(&self, who: Visitor, wish: &Wish) -> Result<Asked, Error> {
        Ok(match self.post(Letter::Ask(who, wish.clone()))? {
            Reply::Granted => Asked::Granted,
            Reply::Text(line) => Asked::Challenge(line),
        })
    }

    fn answer(&self, who: Visitor, wish: &Wish, answer: &str) -> Result<String, Error> {
        self.post(Letter::Answer(who, wish.clone(), answer.into())).map(text)
    }

    fn act(&self, wish: &Wish, key: &str) -> Result<String, Error> {
        self.post(Letter::Act(wish.clone(), key.into())).map(text)
    }

    fn incoming(&self, release: &Release, length: u64, key: &str) -> Result<Box<dyn Incoming>, Error> {
        check_length(length, self.most)?;
        Ok(Box::new(self.mailbox.post(Letter::Bundle(release.clone(), length, key.into()))?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_engine::event::Event;

    #[test]
    fn a_recovery_at_its_job_shows_what_happens_and_does_nothing_else() {
        let config = Config::new("pump", vec![], String::new());
        let heard = Arc::new(Heard::default());
        let mailbox = Arc::new(Mailbox::new("set a  1.2.3".into()));
        let board = Board::new(&config, Arc::clone(&heard), mailbox);
        heard.hear(&Event::Note { text: "it goes on".into() });
        let view = board.view();
        assert!(view.recovery && view.acts.is_empty() && view.busy.unwrap().contains("at its job"));
        assert!(view.status.contains("1.2.3") && view.lines[0].contains("it goes on"));
        let who = Visitor(1);
        let at_its_job = |error: Error| error.to_string().contains("at its job");
        assert!(at_its_job(board.ask(who, &Wish::RollBack).unwrap_err()));
        assert!(at_its_job(board.act(&Wish::RollBack, "kim").unwrap_err()));
        assert!(at_its_job(board.answer(who, &Wish::RollBack, "x").unwrap_err()));
        let release = Release { version: "1".into(), manifest: String::new() };
        assert!(board.incoming(&release, 1, "kim").is_err());
        assert!(!board.view_is_free(), "nobody is named who may look");
    }

    #[test]
    fn a_bundle_is_as_large_as_the_configuration_lets_it_be() {
        assert!(check_length(u64::MAX, 0).is_ok() && check_length(1 << 20, 1 << 20).is_ok());
        assert!(check_length((1 << 20) + 1, 1 << 20).unwrap_err().to_string().contains("1 MiB"));
    }
}
