//! The life of a simulated device with an agent: it follows orders, restarts, is updated by its recovery, is cut off, and goes on.

use crate::host::SimHost;
use crate::http::Http;
use crate::kept::{AsBundle, Kept};
use crate::power::{Moment, Power};
use drydock_config::Fleet;
use drydock_engine::context::RunningSet;
use drydock_engine::fetch::FETCHED;
use drydock_engine::fleet::{Agent, Round};
use drydock_fixtures::Random;
use drydock_simulator::contents::Contents;
use drydock_simulator::device::{Boot, SimDevice};
use drydock_simulator::truth;
use drydock_simulator::workshop::Workshop;
use drydock_state::{MaybeDigest, Record, SetName};
use std::sync::Arc;

/// How many turns an agent gets until it must have come to rest.
const TURNS: usize = 60;
/// How many boots a device gets until it must be well.
const BOOTS: usize = 12;

/// A device with an agent.
pub struct Life<'w> {
    /// The device.
    pub device: SimDevice<'w>,
    /// What it is called.
    pub id: String,
    /// What its gate says.
    pub gate: Option<String>,
    /// The last turn of its agent.
    pub last: Option<Round>,
    /// Called whenever the device is up with a set on trial, before its agent is.
    pub on_trial: Option<Box<dyn Fn() + Send>>,
    /// Where its agent's pauses come from; otherwise they are the same for all devices with the same disk.
    pub chance: Option<Random>,
    authorization: String,
    keep: Arc<Kept>,
    power: Arc<Power>,
    up: SetName,
    boots: u64,
    violations: Vec<String>,
}

impl<'w> Life<'w> {
    /// A device with this in its disk, which runs set a. `authorization` is what it shows to the server.
    pub fn new(
        workshop: &'w Workshop,
        contents: Contents,
        (id, authorization): (&str, &str),
        fleet: Fleet,
        moment: Option<Moment>,
    ) -> Self {
        let keep = Arc::new(Kept::default());
        let mut device = SimDevice::new(workshop, contents);
        device.config.fleet = Some(fleet);
        device.bundles.insert(FETCHED.into(), Arc::new(AsBundle(keep.clone())));
        Self {
            device,
            id: id.into(),
            gate: None,
            last: None,
            on_trial: None,
            chance: None,
            authorization: authorization.into(),
            keep,
            power: Power::cut_at(moment),
            up: SetName::A,
            boots: 1,
            violations: Vec::new(),
        }
    }

    /// From now on it shows this to the server.
    pub fn shows(&mut self, authorization: &str) {
        self.authorization = authorization.into();
    }

    /// How many requests the agent has sent so far, and how many writes and flushes it has made.
    pub fn work(&self) -> (u64, u64) {
        self.power.work()
    }

    /// Whether the cut is still to come.
    pub fn is_armed(&self) -> bool {
        self.power.is_armed()
    }

    /// What the device remembers.
    ///
    /// # Panics
    /// If it remembers nothing.
    pub fn record(&self) -> Record {
        self.device.record().expect("the device has a record")
    }

    /// What was done that never may be.
    pub fn violations(&self) -> Vec<String> {
        [self.violations.clone(), self.device.violations()].concat()
    }

    /// What runs.
    pub fn running(&self) -> RunningSet {
        let version = truth::version(self.device.workshop, &self.device.disk, self.up).unwrap_or_default();
        RunningSet { set: self.up, root_hash: MaybeDigest::None, version, degraded: false }
    }

    /// Lets the agent work until it has come to rest: through restarts, recovery and cuts of power.
    ///
    /// # Panics
    /// If it does not come to rest.
    pub fn settle(&mut self) {
        for _ in 0..TURNS {
            if self.works_until_it_rests() {
                return;
            }
            self.boot();
        }
        panic!("{} does not come to rest: {:?}", self.id, self.last);
    }

    /// The process of the agent, from its start: until it rests, which is true, or until the device restarts or is cut off.
    fn works_until_it_rests(&mut self) -> bool {
        let mut before: Option<Round> = None;
        let mut agent = None;
        for _ in 0..TURNS {
            let (round, restarts) = self.turn(&mut agent);
            if self.power.is_off() || restarts {
                return false;
            }
            let rests =
                before.as_ref().is_some_and(|before| before.doing == round.doing) && round.trouble.is_none();
            if rests {
                return true;
            }
            before = Some(round);
        }
        true
    }

    /// One turn of the agent. Returns what it came to, and whether it restarts the device.
    pub fn turn(&mut self, agent: &mut Option<Agent>) -> (Round, bool) {
        let mut machine = self.device.machine().in_live_system();
        if let Some(chance) = &mut self.chance {
            machine = machine.drawing(Random::new(chance.number()));
        }
        let disk = self.device.disk.clone();
        let acts = disk.acts();
        self.power.begin(&disk);
        let agent = agent.get_or_insert_with(|| {
            Agent::new(&self.device.config, &self.id, self.running()).expect("a configuration")
        });
        let mut host = SimHost {
            http: Http::new(&self.authorization, self.power.clone(), disk.clone()),
            machine: &machine,
            keep: self.keep.clone(),
            boot: self.boots,
            gate: self.gate.clone(),
            restarts: false,
        };
        let round = agent.round(&machine, &mut host);
        let restarts = host.restarts;
        self.power.end(&disk, disk.acts() - acts);
        self.last = Some(round.clone());
        (round, restarts)
    }

    /// The device is switched on, after a restart or a cut, until a set is up and has said that it is well.
    ///
    /// # Panics
    /// If none ever does.
    pub fn boot(&mut self) {
        self.reset();
        for _ in 0..BOOTS {
            let Boot::Up(set) = self.device.boot() else { continue };
            self.up = set;
            self.boots += 1;
            if self.record().trial == Some(set) {
                if let Some(act) = &self.on_trial {
                    act();
                }
                // The agent runs before the set has said that it is well.
                let mut agent = None;
                for _ in 0..2 {
                    self.turn(&mut agent);
                }
                if self.power.is_off() {
                    self.reset();
                    continue;
                }
            }
            if self.device.is_well(set) {
                return;
            }
        }
        panic!("{} never comes up", self.id);
    }

    /// What is in memory is lost; after a cut, so may be what was not flushed.
    fn reset(&mut self) {
        let contents = match self.power.is_off() {
            true => {
                let arrives = self.power.comes_back();
                self.device.disk.after_a_cut(arrives)
            }
            false => self.device.disk.view(),
        };
        self.violations.extend(self.device.violations());
        self.device = self.device.again(contents, None);
    }
}
