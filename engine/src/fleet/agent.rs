//! The agent: turn after turn, for as long as the device runs.

use super::attributes::attributes;
use super::following::Following;
use super::hawkbit::Hawkbit;
use super::host::Host;
use super::install;
use super::keeping;
use super::pause::{self, Answered};
use super::standing::{Standing, standing};
use super::turn::{Step, Stop, Turn};
use crate::context::RunningSet;
use crate::error::Error;
use crate::machine::Machine;
use drydock_config::{Config, Fleet};
use drydock_state::{Entry, Record, Sets};
use std::time::Duration;

/// What the agent remembers from one turn to the next. All of it can be lost: what must not be is in the state record.
pub struct Agent {
    config: Fleet,
    running: RunningSet,
    server: Server,
    /// How many turns in a row have failed.
    failures: u32,
    /// Whether no turn has come to its end yet.
    is_new: bool,
    facts: Option<Facts>,
}

/// Whom it follows.
enum Server {
    Hawkbit(Hawkbit),
    Channel(Following),
}

/// The attributes of the device, and what they were made from: to read the slots anew each time would cost more than the poll.
struct Facts {
    of: (Sets, Option<Entry>),
    attributes: Vec<(String, String)>,
}

/// What a turn came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// After which time the next turn is due.
    pub next: Duration,
    /// Why the server could not be spoken with as it should be, if so.
    pub trouble: Option<String>,
    /// What the device does, for a person.
    pub doing: String,
}

impl Agent {
    /// Returns an agent that has not spoken to anybody yet. `id` is what the device is called there.
    ///
    /// # Errors
    /// The configuration names nobody to follow, or what can't be an address or a name.
    pub fn new(config: &Config, id: &str, running: RunningSet) -> Result<Self, Error> {
        let nobody = || Error::Usage("the configuration has no `[fleet]`: there is nobody to follow".into());
        let fleet = config.fleet.clone().ok_or_else(nobody)?;
        let server = match (&fleet.server, &fleet.channel) {
            (Some(server), _) => Server::Hawkbit(Hawkbit::new(&fleet, server, id)?),
            (None, Some(channel)) => Server::Channel(Following::new(channel, id)?),
            (None, None) => return Err(nobody()),
        };
        Ok(Self { config: fleet, running, server, failures: 0, is_new: true, facts: None })
    }

    /// Returns the address that the device asks.
    pub fn address(&self) -> String {
        match &self.server {
            Server::Hawkbit(server) => server.address(),
            Server::Channel(channel) => channel.address(),
        }
    }

    /// Takes one turn: asks, does what is due, and tells what has become of it. What is to be done may take long, a fetch for
    /// example; cut short at any moment, the next turn goes on where it was.
    pub fn round(&mut self, machine: &impl Machine, host: &mut dyn Host) -> Round {
        let (config, running, boot) = (self.config.clone(), self.running.clone(), host.boot());
        let mut turn = Turn { machine, host, config: &config, running: &running, boot };
        let done = self.begin(&turn).and_then(|()| {
            let record = turn.look()?;
            let facts = self.facts(machine, &record);
            match &mut self.server {
                Server::Hawkbit(server) => server.turn(&mut turn, &facts),
                Server::Channel(channel) => channel.turn(&mut turn, &facts),
            }
        });
        let wanted = match &self.server {
            Server::Hawkbit(server) => server.sleep(),
            Server::Channel(_) => None,
        };
        let sleep = wanted.unwrap_or(self.config.poll_seconds.as_duration());
        let chance = turn.chance();
        match done {
            Ok(Step { next, doing }) => {
                let answered = match (self.failures, self.is_new) {
                    (0, true) => Answered::AtOnce,
                    (0, false) => Answered::Again,
                    _ => Answered::AtLast,
                };
                (self.failures, self.is_new) = (0, false);
                let usual = pause::after_answer(sleep, answered, chance);
                Round { next: next.map_or(usual, |next| next.min(usual)), trouble: None, doing }
            }
            Err(stop) => {
                self.failures = self.failures.saturating_add(1);
                let asked = match &stop {
                    Stop::Away { after, .. } => *after,
                    _ => None,
                };
                let pause = pause::after_failure(sleep, self.failures, asked, chance);
                let trouble = Some(stop.text());
                let alone = match &stop {
                    Stop::Away { .. } => Self::go_on_alone(&mut turn),
                    _ => None,
                };
                let Step { next, doing } =
                    alone.unwrap_or(Step { next: None, doing: "tries again later".into() });
                Round { next: next.map_or(pause, |next| next.min(pause)), trouble, doing }
            }
        }
    }

    /// What is kept is about one server, under one name: with another one everything begins anew.
    fn begin<M: Machine>(&self, turn: &Turn<'_, M>) -> Result<(), Stop> {
        let server = self.address();
        let record = turn.look()?;
        if record.fleet.server == server || !turn.can_remember()? {
            return Ok(());
        }
        Ok(keeping::change(turn.machine, |fleet| {
            *fleet = drydock_state::fleet::Fleet { server, ..Default::default() };
        })?)
    }

    fn facts(&mut self, machine: &impl Machine, record: &Record) -> Vec<(String, String)> {
        let of = (record.sets.clone(), record.history.last().cloned());
        let fresh = self.facts.take().filter(|facts| facts.of == of);
        let facts =
            fresh.unwrap_or_else(|| Facts { of, attributes: attributes(machine, record, &self.running) });
        self.facts.insert(facts).attributes.clone()
    }

    /// What is staged is installed although the server is away.
    fn go_on_alone<M: Machine>(turn: &mut Turn<'_, M>) -> Option<Step> {
        let record = turn.look().ok()?;
        let order = record.fleet.order.clone()?;
        match standing(&record, &order) {
            Standing::Waiting(_) if !order.windowed => install::restart(turn, &order, |_| {}).ok(),
            _ => None,
        }
    }
}
