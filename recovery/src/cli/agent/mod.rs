//! `drydock agent`: the rounds of the agent, and its sleep between them.

mod host;
mod name;
mod poke;
mod program;
mod word;

use super::here;
use super::settings::find_config;
use super::sink::StderrEvents;
use crate::console::Console;
use crate::net::{self, Dial};
use crate::pid1::lock::{StateLock, this_process};
use drydock_config::{Config, Fleet};
use drydock_engine::Error;
use drydock_engine::event::Events;
use drydock_engine::fleet::{Agent, Round};
use drydock_engine::live::fleet::Word;
use drydock_state::UnixTime;
use host::Live;
use poke::Bed;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Held by the agent, so that there is one.
const LOCK: &str = "/run/drydock/agent.lock";
/// What it sleeps on.
const POKE: &str = "/run/drydock/agent.poke";

/// For how long the agent runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rounds {
    /// For one round.
    One,
    /// Until it is ended: SIGTERM does so at any moment, since all that it does may be cut off.
    All,
}

/// Returns what an agent of this boot has left of itself: nothing, if none has run.
pub(super) fn left_word() -> Word {
    word::left()
}

/// Wakes the agent, if one runs, for what has just changed.
pub(super) fn wake() {
    poke::poke(Path::new(POKE));
}

/// Runs the agent. With one round: fails unless the server has answered, and all went well.
pub(super) fn run(rounds: Rounds) -> Result<String, Error> {
    let config = find_config()?;
    let fleet = config.fleet.as_ref().ok_or_else(|| {
        Error::Unusable("the configuration has no `[fleet]`; add one, and build the initramfs anew".into())
    })?;
    let alone = StateLock::take(Path::new(LOCK), &this_process(), Duration::ZERO);
    let _alone = alone.map_err(|error| match error {
        Error::Busy { holder, .. } => Error::Refused(format!(
            "there is an agent already: {holder}; leave it to that one (`drydock status` shows what it does), or end it first"
        )),
        error => error,
    })?;
    let bed = Bed::make(Path::new(POKE))?;
    let console = Console::on(vec![]).map_err(Error::system("starting", "a thread", "free some memory"))?;
    let mut keeper = Keeper { config: &config, fleet, console: &console, agent: None, dial: None };
    let mut word = word::left();
    loop {
        bed.rise();
        let told = (word.trouble.take(), word.doing.take());
        let next = keeper.round(&mut word);
        word::leave(&word)?;
        if rounds == Rounds::One {
            let Word { trouble, doing, .. } = word;
            return match trouble {
                None => Ok(doing.map_or(String::new(), |doing| doing + "\n")),
                Some(trouble) => Err(Error::Refused(trouble)),
            };
        }
        // What has not changed is in the journal already.
        tell(&word.trouble, &told.0);
        tell(&word.doing, &told.1);
        bed.sleep(next)?;
    }
}

fn tell(now: &Option<String>, before: &Option<String>) {
    if let Some(text) = now.as_ref().filter(|_| now != before) {
        // Nobody is left to be told where this fails.
        let _ = writeln!(std::io::stderr(), "drydock: {text}");
    }
}

/// What is kept from one round to the next. All of it can be made anew.
struct Keeper<'c> {
    config: &'c Config,
    fleet: &'c Fleet,
    console: &'c Console,
    /// With the device's name.
    agent: Option<(String, Agent)>,
    /// As long as all goes well: sessions of TLS are taken up again, which saves a device certificates at each poll.
    dial: Option<Dial>,
}

impl Keeper<'_> {
    /// Takes one round, and says in `word` what came of it. Returns after which time the next one is due.
    fn round(&mut self, word: &mut Word) -> Duration {
        let taken = self.try_round(word).unwrap_or_else(|error| Round {
            next: self.fleet.poll_seconds.as_duration(),
            trouble: Some(error.to_string()),
            doing: "tries again later".into(),
        });
        let Round { next, trouble, doing } = taken;
        if trouble.is_some() {
            // A certificate, or the way to the server, may be another one by then.
            self.dial = None;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        word.next = Some(UnixTime(now.saturating_add(next).as_secs()));
        (word.trouble, word.doing) = (trouble, Some(doing));
        next
    }

    fn try_round(&mut self, word: &mut Word) -> Result<Round, Error> {
        let events: &dyn Events = &StderrEvents;
        let machine = here::find_machine(self.config, self.console, events)?;
        let name = name::of_device(&machine, self.fleet)?;
        word.device = Some(name.clone());
        let token = name::token(&machine, self.fleet)?;
        let dial = match self.dial.take() {
            Some(dial) => dial,
            None => net::dial(&machine)?,
        };
        let agent = match self.agent.take().filter(|(of, _)| *of == name) {
            Some((_, agent)) => agent,
            None => Agent::new(self.config, &name, here::running(&machine)?)?,
        };
        let agent = &mut self.agent.insert((name, agent)).1;
        let dial = self.dial.insert(dial);
        let mut host = Live { machine: &machine, fleet: self.fleet, dial, token, contact: None };
        let round = agent.round(&machine, &mut host);
        word.contact = host.contact.or(word.contact);
        Ok(round)
    }
}
