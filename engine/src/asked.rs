//! Who else is asked about a job, or takes part in it: gates and hooks, in the order in which a job comes upon them.
//!
//! A build without the feature `hooks` has none, and does nothing that the configuration wants them to be asked about.

#[cfg(feature = "hooks")]
pub(crate) use with::{after_reset, after_update, before_good, before_reset, before_update};
#[cfg(not(feature = "hooks"))]
pub(crate) use without::{after_reset, after_update, before_good, before_reset, before_update};

/// What is to be reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reset<'r> {
    /// The whole device.
    Factory,
    /// The partition of this label.
    Wipe(&'r str),
}

/// Whether anybody may refuse an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Whoever is there to do so.
    Everybody,
    /// Nobody: it is part of something larger, which they were asked about.
    Nobody,
}

#[cfg(feature = "hooks")]
mod with {
    use super::{Asked, Reset};
    use crate::context::RunningSet;
    use crate::error::Error;
    use crate::gate;
    use crate::hook::{self, Begin, Job};
    use crate::machine::Machine;
    use crate::state::State;
    use crate::steps::{Steps, Work};
    use crate::update::Prepared;
    use drydock_config::JobKind;
    use drydock_state::SetName;

    /// Returns the steps that may refuse an update, up to the one that records that none has. None where an earlier start has
    /// got so far.
    pub(crate) fn before_update<'p, M: Machine>(
        machine: &'p M,
        state: &State<'_>,
        prepared: &'p Prepared,
        asked: Asked,
    ) -> Result<Steps<'p, M>, Error> {
        if asked == Asked::Nobody || Begin::was_before(state) {
            return Ok(Vec::new());
        }
        let target = prepared.plan.target;
        let mut steps = hook::before_write(machine, &prepared.hooks, target, &prepared.release);
        steps.extend(gate::steps(machine, JobKind::Update));
        Ok(ended(steps))
    }

    /// Returns the steps between the last slot's proof and the trailers.
    pub(crate) fn after_update<'p, M: Machine>(machine: &'p M, prepared: &'p Prepared) -> Steps<'p, M> {
        let target = prepared.plan.target;
        hook::after_write(machine, &prepared.hooks, target, &prepared.release, prepared.root_image())
    }

    /// Asks whoever may refuse a reset, unless an earlier start has done so.
    pub(crate) fn before_reset(
        machine: &impl Machine,
        state: &mut State<'_>,
        reset: Reset<'_>,
    ) -> Result<(), Error> {
        if Begin::was_before(state) {
            return Ok(());
        }
        let kind = match reset {
            Reset::Factory => JobKind::Reset,
            Reset::Wipe(_) => JobKind::Wipe,
        };
        let mut steps = hook::before_reset(machine, state, job(reset));
        steps.extend(gate::steps(machine, kind));
        crate::steps::run(&mut Work { machine, state }, &ended(steps))
    }

    /// Calls whoever is to know that a reset is done. Returns what went wrong.
    pub(crate) fn after_reset(
        machine: &impl Machine,
        state: &mut State<'_>,
        reset: Reset<'_>,
        restored: Option<SetName>,
    ) -> Vec<String> {
        hook::after_reset(machine, state, job(reset), restored)
    }

    /// Asks whoever may refuse that the running set is marked good for the first time.
    pub(crate) fn before_good(machine: &impl Machine, running: &RunningSet) -> Result<(), Error> {
        hook::before_good(machine, running)
    }

    fn job(reset: Reset<'_>) -> Job<'_> {
        match reset {
            Reset::Factory => Job::FactoryReset,
            Reset::Wipe(label) => Job::Wipe { label },
        }
    }

    /// Where nobody is asked there is nothing to be recorded.
    fn ended<'p, M: Machine>(mut steps: Steps<'p, M>) -> Steps<'p, M> {
        if !steps.is_empty() {
            steps.push(Box::new(Begin));
        }
        steps
    }
}

#[cfg(not(feature = "hooks"))]
mod without {
    use super::{Asked, Reset};
    use crate::context::RunningSet;
    use crate::error::Error;
    use crate::machine::Machine;
    use crate::state::State;
    use crate::steps::Steps;
    use crate::update::Prepared;
    use drydock_config::WITHOUT_HOOKS;
    use drydock_state::SetName;

    pub(crate) fn before_update<'p, M: Machine>(
        machine: &'p M,
        _: &State<'_>,
        _: &'p Prepared,
        asked: Asked,
    ) -> Result<Steps<'p, M>, Error> {
        if asked == Asked::Everybody {
            refuse(machine)?;
        }
        Ok(Vec::new())
    }

    pub(crate) fn after_update<'p, M: Machine>(_: &'p M, _: &'p Prepared) -> Steps<'p, M> {
        Vec::new()
    }

    pub(crate) fn before_reset(machine: &impl Machine, _: &mut State<'_>, _: Reset<'_>) -> Result<(), Error> {
        refuse(machine)
    }

    pub(crate) fn after_reset(
        _: &impl Machine,
        _: &mut State<'_>,
        _: Reset<'_>,
        _: Option<SetName>,
    ) -> Vec<String> {
        Vec::new()
    }

    pub(crate) fn before_good(machine: &impl Machine, _: &RunningSet) -> Result<(), Error> {
        refuse(machine)
    }

    fn refuse(machine: &impl Machine) -> Result<(), Error> {
        match machine.config().has_hooks() {
            true => Err(Error::Refused(WITHOUT_HOOKS.into())),
            false => Ok(()),
        }
    }
}
