//! Hooks: programs of the integrator's that take part in a job, and may refuse to let it go on.
//!
//! All that may refuse stands before the point of no return, and that it has let the job pass is recorded there: a start
//! after a cut goes on, and does not ask again. What is called later is called again by every start until the job is over.

mod call;
mod facts;
mod lines;
mod planned;
mod steps;

pub use call::Root;
pub use facts::{FORM, Facts, Job};
pub use lines::Lines;
pub use planned::{Planned, Which, of_bundle, of_config, of_release};
pub(crate) use steps::{Begin, after_reset, after_write, before_reset, before_write};

use crate::context::RunningSet;
use crate::error::Error;
use crate::machine::Machine;
use crate::release::{self, Release};
use crate::state::{Seen, Trust};
use drydock_config::{Role, SlotClass};
use drydock_format::hook::Place;
use drydock_state::{SetName, SetStatus};

/// The class of the root. The configuration has one.
pub(crate) fn root_class(machine: &impl Machine) -> Result<&SlotClass, Error> {
    machine.config().class_with_role(Role::Root).ok_or_else(|| Error::Missing {
        what: "a slot class with the role `root`".into(),
        advice: "build the initramfs anew".into(),
    })
}

/// The release in the root slot of a set.
pub(crate) fn release_of(machine: &impl Machine, set: SetName) -> Result<Release, Error> {
    release::trusted_release(machine, root_class(machine)?, set)
}

/// Calls what is to be called before the running set is marked good, unless it was marked good already. An error says which
/// refuses, and why. The state is not locked while they run.
pub(crate) fn before_good(machine: &impl Machine, running: &RunningSet) -> Result<(), Error> {
    let Seen { record, trust, .. } = Seen::look(machine)?;
    // Of a state that can't be trusted nothing is made.
    if trust != Trust::Whole || record.sets.get(running.set).status == SetStatus::Good {
        return Ok(());
    }
    let release = release_of(machine, running.set)?;
    let all =
        of_config(machine.config(), Place::FirstGood).chain(of_release(&release.hooks, Place::FirstGood));
    for planned in all {
        machine.events().note(format_args!("calling the hook {}", planned.name));
        let facts = Facts {
            drydock: FORM,
            hook: &planned.name,
            place: Place::FirstGood,
            job: Job::MarkGood,
            compatible: &machine.config().compatible,
            version: Some(&release.info.version),
            set: Some(running.set),
            good_version: record.last_good.map(|good| record.sets.get(good).version.as_str()),
            intent: None,
            attempt: None,
        };
        call::call(machine, &planned, Some(Root::Live), &facts)?;
    }
    Ok(())
}
