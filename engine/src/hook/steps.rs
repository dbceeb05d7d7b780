//! Hooks as steps of jobs.

use super::call::{Root, call};
use super::facts::{FORM, Facts, Job};
use super::planned::{Planned, Which, of_config, of_release};
use super::{release_of, root_class};
use crate::error::Error;
use crate::event::Step as Phase;
use crate::machine::Machine;
use crate::state::State;
use crate::steps::{About, Done, Step, Steps, Work};
use drydock_format::Image;
use drydock_format::hook::{Hook, Place};
use drydock_state::{SetInfo, SetName};

/// What an update calls before anything is written: the configuration's hooks, whose files are those of the last good set,
/// then the bundle's.
pub(crate) fn before_write<'p, M: Machine>(
    machine: &'p M,
    bundle: &[Planned],
    target: SetName,
    release: &'p SetInfo,
) -> Steps<'p, M> {
    let at = Place::BeforeWrite;
    let all = of_config(machine.config(), at).chain(bundle.iter().filter(|hook| hook.at == at).cloned());
    let hook =
        |planned| CallHook { planned, job: Job::Update, from: Whose::LastGood, new: Some((target, release)) };
    all.map(|planned| Box::new(hook(planned)) as Box<dyn Step<M> + 'p>).collect()
}

/// What an update calls when all is written and read back. Files are those of the new root.
pub(crate) fn after_write<'p, M: Machine>(
    machine: &'p M,
    bundle: &[Planned],
    target: SetName,
    release: &'p SetInfo,
    root: Option<&'p Image>,
) -> Steps<'p, M> {
    let at = Place::AfterWrite;
    let all = of_config(machine.config(), at).chain(bundle.iter().filter(|hook| hook.at == at).cloned());
    let from = root.map_or(Whose::LastGood, |image| Whose::New(target, image));
    let hook = |planned| CallHook { planned, job: Job::Update, from, new: Some((target, release)) };
    all.map(|planned| Box::new(hook(planned)) as Box<dyn Step<M> + 'p>).collect()
}

/// What a reset or a wipe calls before it destroys anything: the configuration's hooks, then those of the last good
/// release. All files are of its root.
pub(crate) fn before_reset<'p, M: Machine>(machine: &'p M, state: &State<'_>, job: Job<'p>) -> Steps<'p, M> {
    let brought = match state.record.last_good {
        Some(good) => brought(machine, good),
        None => Vec::new(),
    };
    let at = Place::BeforeReset;
    let all = of_config(machine.config(), at).chain(of_release(&brought, at));
    let hook = |planned| CallHook { planned, job, from: Whose::LastGood, new: None };
    all.map(|planned| Box::new(hook(planned)) as Box<dyn Step<M> + 'p>).collect()
}

/// The hooks of the release in a set. A set whose slot can't be read has none that could be called.
fn brought(machine: &impl Machine, set: SetName) -> Vec<Hook> {
    release_of(machine, set).map(|release| release.hooks).unwrap_or_else(|error| {
        machine.events().warning(error);
        Vec::new()
    })
}

/// Calls what is to be called when a reset or a wipe is done. None of them can refuse any more: what went wrong is returned,
/// for the history.
pub(crate) fn after_reset<M: Machine>(
    machine: &M,
    state: &mut State<'_>,
    job: Job<'_>,
    restored: Option<SetName>,
) -> Vec<String> {
    let set = restored.or(state.record.last_good);
    let release = set.and_then(|set| Some((set, release_of(machine, set).ok()?)));
    let hooks = release.as_ref().map(|(_, release)| release.hooks.as_slice()).unwrap_or_default();
    let at = Place::AfterReset;
    let all: Vec<Planned> = of_config(machine.config(), at).chain(of_release(hooks, at)).collect();
    let mut troubles = Vec::new();
    for planned in all {
        let from =
            release.as_ref().map_or(Whose::LastGood, |(set, release)| Whose::New(*set, &release.image));
        let steps: Steps<'_, M> = vec![Box::new(CallHook { planned, job, from, new: None })];
        if let Err(error) = crate::steps::run(&mut Work { machine, state }, &steps) {
            machine.events().warning(&error);
            troubles.push(error.to_string());
        }
    }
    troubles
}

/// Whose root a hook's file is in.
#[derive(Clone, Copy)]
enum Whose<'p> {
    LastGood,
    New(SetName, &'p Image),
}

struct CallHook<'p> {
    planned: Planned,
    job: Job<'p>,
    from: Whose<'p>,
    /// What is installed, and where.
    new: Option<(SetName, &'p SetInfo)>,
}

impl<M: Machine> Step<M> for CallHook<'_> {
    fn about(&self) -> About {
        let (phase, why, needs) = match self.planned.at {
            Place::BeforeWrite => (
                Phase::Verify,
                "it may refuse while nothing has been written",
                "the bundle is for this device",
            ),
            Place::AfterWrite => {
                (Phase::Prove, "it may refuse the new set before that counts", "every slot was read back")
            }
            Place::BeforeReset => {
                (Phase::Reset, "it may refuse while nothing has been destroyed", "somebody has asked for it")
            }
            Place::AfterReset | Place::FirstGood => {
                (Phase::Reset, "it finishes what is its own", "all is done")
            }
        };
        let what = format!("hook {} ({})", self.planned.name, self.planned.at);
        About { phase, what, why, needs, durable: "what the hook itself has seen to" }
    }

    fn run(&self, work: &mut Work<'_, '_, M>) -> Result<Done, Error> {
        let (machine, planned, record) = (work.machine, &self.planned, &work.state.record);
        let is_file = matches!(planned.program, Which::File(_));
        let found;
        let root = match (self.from, record.last_good) {
            _ if !is_file => None,
            (Whose::New(set, image), _) => Some(Root::Of { class: root_class(machine)?, set, image }),
            (Whose::LastGood, Some(set)) => {
                found = release_of(machine, set)?.image;
                Some(Root::Of { class: root_class(machine)?, set, image: &found })
            }
            // There is nothing that it could protect.
            (Whose::LastGood, None) => {
                return Ok(Done::Skipped("no set is good that it could come from".into()));
            }
        };
        let facts = Facts {
            drydock: FORM,
            hook: &planned.name,
            place: planned.at,
            job: self.job,
            compatible: &machine.config().compatible,
            version: self.new.map(|(_, release)| release.version.as_str()),
            set: self.new.map(|(set, _)| set),
            good_version: record.last_good.map(|good| record.sets.get(good).version.as_str()),
            intent: None,
            attempt: None,
        };
        call(machine, planned, root, &facts.of(record.intent.as_ref()))?;
        Ok(Done::Told(format!("hook {}", planned.name)))
    }
}

/// Records that all that may refuse has let the job pass.
pub(crate) struct Begin;

impl Begin {
    /// Whether an earlier start has got so far.
    pub(crate) fn was_before(state: &State<'_>) -> bool {
        state.record.intent.as_ref().is_some_and(|intent| intent.begun)
    }
}

impl<M: Machine> Step<M> for Begin {
    fn about(&self) -> About {
        About {
            phase: Phase::State,
            what: "hooks and gates have let it pass".into(),
            why: "a start after a cut finishes what was begun, and asks nobody again",
            needs: "every hook and every gate that may refuse has said yes",
            durable: "that it has begun",
        }
    }

    fn run(&self, work: &mut Work<'_, '_, M>) -> Result<Done, Error> {
        let Some(intent) = &mut work.state.record.intent else {
            return Ok(Done::Skipped("nobody has asked for this job".into()));
        };
        intent.begun = true;
        work.state.save_record()?;
        Ok(Done::Quietly)
    }
}
