//! A job is a list of steps, and one executor carries it out.
//!
//! Each step says what it is for, what must hold before it, and what is on stable storage after it; each may be repeated,
//! for a cut of power may come at any moment within it, and the next start begins the list anew. The executor tells what
//! happens, and [`finish`] alone records how a job ended, well or not.
//!
//! What is to be done at a certain place of a job (a hook of the integrator's, a gate, a tree of files, the bootloader
//! itself) is a step of its own in that job's list.

use crate::error::Error;
use crate::event::{Event, Step as Phase};
use crate::machine::Machine;
use crate::state::State;
use drydock_state::{CopyName, SetInfo, SetName, Source, transition};

/// What a step is, and what it promises. It is told with the step's event, and tests hold the jobs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The phase of the job that it belongs to.
    pub phase: Phase,
    /// With what, for a person: `root-b (480 MiB)`.
    pub what: String,
    /// What it is for.
    pub why: &'static str,
    /// What must hold before it.
    pub needs: &'static str,
    /// What is on stable storage when it has ended well.
    pub durable: &'static str,
}

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// It is done; the text says what.
    Told(String),
    /// It is done, and what follows tells so.
    Quietly,
    /// There was nothing to do; the text says why.
    Skipped(String),
}

/// What steps work with.
pub struct Work<'w, 's, M> {
    /// The machine.
    pub machine: &'w M,
    /// The state. A step that changes the record saves it.
    pub state: &'w mut State<'s>,
}

/// One step of a job. To do it again after a cut at any moment leads to the same end.
pub trait Step<M: Machine> {
    /// What it is, and what it promises.
    fn about(&self) -> About;

    /// Does it.
    fn run(&self, work: &mut Work<'_, '_, M>) -> Result<Done, Error>;
}

/// The steps of a job, in their order.
pub type Steps<'p, M> = Vec<Box<dyn Step<M> + 'p>>;

/// Carries steps out, one after the other. The first that fails ends it.
pub fn run<M: Machine>(work: &mut Work<'_, '_, M>, steps: &Steps<'_, M>) -> Result<(), Error> {
    let events = work.machine.events();
    for (number, step) in (1..).zip(steps) {
        let (About { phase, what, why, needs, durable }, of) = (step.about(), steps.len());
        events.send(Event::Step { step: phase, what, number, of, why, needs, durable });
        match step.run(work)? {
            Done::Told(what) => events.finished(phase, what),
            Done::Quietly => {}
            Done::Skipped(why) => {
                events.send(Event::Skipped { step: phase, what: step.about().what, why });
            }
        }
    }
    Ok(())
}

/// How a job ended well: what the record is to say once all of its steps are done.
#[derive(Clone, Debug)]
pub enum Commit {
    /// A release is in a set, which gets its trial.
    Installed {
        /// The set.
        set: SetName,
        /// The release.
        release: SetInfo,
        /// Where its bundle is, if it brings a recovery that is to follow.
        brought: Option<Source>,
        /// What is to be known of it later: why a delta could not be used.
        told: String,
    },
    /// A copy of the recovery was written, and is to prove itself.
    RecoveryWritten(CopyName),
    /// `data` was made new.
    Reset {
        /// The set that went back to the factory's release.
        restored: Option<(SetName, SetInfo)>,
        /// What was kept, and what became of the slots.
        told: String,
    },
    /// The partition of this label was wiped.
    Wiped(String),
    /// Nothing is to be recorded: the bootloader knows again what it was told.
    Nothing,
}

/// Records how a job ended: the one place where an intent gets its outcome. On return that is on stable storage, the
/// intent is over, and the bootloader has been told. An error means that the state itself can't be written.
pub fn finish(
    machine: &impl Machine,
    state: &mut State<'_>,
    ended: Result<Commit, Error>,
) -> Result<(), Error> {
    let (events, now) = (machine.events(), machine.now());
    // Whatever the job has read them for is closed by now: a set that is started finds its slots free.
    machine.release_bases();
    let told = match ended {
        Ok(Commit::Nothing) => return Ok(()),
        Ok(Commit::Installed { set, release, brought, told }) => {
            transition::offer(&mut state.record, set, brought);
            transition::installed(&mut state.record, set, release, &told, now);
            (Phase::Commit, "trailers, state and boot environment".to_owned())
        }
        Ok(Commit::RecoveryWritten(copy)) => {
            transition::recovery_written(&mut state.record, copy);
            (Phase::Commit, "trailer, state and boot environment".to_owned())
        }
        Ok(Commit::Reset { restored, told }) => {
            transition::reset(&mut state.record, restored, &told, now);
            (Phase::Reset, told)
        }
        Ok(Commit::Wiped(label)) => {
            transition::wiped(&mut state.record, &label, now);
            (Phase::Reset, label)
        }
        Err(error) => {
            let reason = error.to_string();
            events.send(Event::Failed { step: Phase::Commit, reason: reason.clone() });
            transition::fail(&mut state.record, &reason, now);
            return state.save();
        }
    };
    state.save()?;
    events.finished(told.0, told.1);
    Ok(())
}
