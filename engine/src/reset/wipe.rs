//! Wiping a partition.

use super::steps::{Erase, MakeFilesystem, NewVolume, Unreadable, to_replace};
use crate::asked::{self, Reset};
use crate::error::Error;
use crate::event::Step;
use crate::machine::Machine;
use crate::state::State;
use crate::steps::{self, Commit, Work};
use drydock_config::{Config, WipeHow};

/// Wipes the partition `label` as the configuration says. On return that is on stable storage.
pub fn wipe(machine: &impl Machine, state: &mut State<'_>, label: &str) -> Result<Commit, Error> {
    let config = machine.config();
    let wanted =
        config.wipes.iter().find(|wipe| wipe.label == label).ok_or_else(|| refusal(config, label))?;
    let partition = machine.partition(label)?;
    asked::before_reset(machine, state, Reset::Wipe(label))?;
    machine.events().started(Step::Reset, format_args!("`{label}`: wiping ({})", wanted.how));
    let work = &mut Work { machine, state };
    let erase = |how| Box::new(Erase { label, partition: &partition, how });
    match wanted.how {
        WipeHow::Zero => steps::run(work, &vec![erase(Unreadable::Zeros)])?,
        WipeHow::Discard => steps::run(work, &vec![erase(Unreadable::Discarded)])?,
        WipeHow::Volume if wanted.encrypted => {
            steps::run(work, &to_replace(&NewVolume::make(machine, label, &partition, None)?))?;
        }
        WipeHow::Volume => {
            let filesystem = Box::new(MakeFilesystem { label, new: None });
            steps::run(work, &vec![erase(Unreadable::DiscardedOrZeros), filesystem])?;
        }
    }
    // Each of them was told of; the partition is wiped in any case.
    asked::after_reset(machine, state, Reset::Wipe(label), None);
    Ok(Commit::Wiped(label.into()))
}

/// Why a partition can't be wiped.
pub fn refusal(config: &Config, label: &str) -> Error {
    let named: Vec<&str> = config.wipes.iter().map(|wipe| wipe.label.as_str()).collect();
    let named = if named.is_empty() { "none".into() } else { named.join(", ") };
    Error::Refused(format!("`{label}` may not be wiped; the configuration allows it for: {named}"))
}
