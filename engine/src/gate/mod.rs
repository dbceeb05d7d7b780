//! Gates: what must hold of the device and its surroundings before a job destroys anything.

mod decide;
mod sense;

pub use decide::{Reading, decide};

use crate::error::Error;
use crate::event::Step as Phase;
use crate::machine::{Machine, Power};
use crate::steps::{About, Done, Step, Steps, Work};
use drydock_config::{Gate, JobKind, Unreadable};
use std::time::Duration;

/// How often a gate that says no is asked again.
const AGAIN: Duration = Duration::from_secs(5);

/// Returns the steps that ask every gate that stands before jobs of this kind.
pub(crate) fn steps<'p, M: Machine>(machine: &'p M, kind: JobKind) -> Steps<'p, M> {
    let gates = machine.config().gates.iter().filter(|gate| gate.before.contains(&kind));
    gates.map(|gate| Box::new(Ask(gate)) as Box<dyn Step<M> + 'p>).collect()
}

struct Ask<'p>(&'p Gate);

impl<M: Machine> Step<M> for Ask<'_> {
    fn about(&self) -> About {
        About {
            phase: Phase::Verify,
            what: format!("gate {}", self.0.name),
            why: "nothing is destroyed while the device is not as it must be for that",
            needs: "nothing has been written yet",
            durable: "nothing new",
        }
    }

    fn run(&self, work: &mut Work<'_, '_, M>) -> Result<Done, Error> {
        let (machine, gate, events) = (work.machine, self.0, work.machine.events());
        let (limit, mut waited) = (gate.wait_seconds.as_duration(), Duration::ZERO);
        loop {
            let why = match ask(machine, gate) {
                Ok(done) => return Ok(done),
                Err(why) => why,
            };
            let left = limit.saturating_sub(waited);
            if left.is_zero() {
                return Err(Error::Stopped { by: format!("the gate {}", gate.name), why });
            }
            if waited.is_zero() {
                events.warning(format_args!(
                    "gate {}: {why}; waiting for up to {} s",
                    gate.name,
                    limit.as_secs()
                ));
            }
            let pause = left.min(AGAIN);
            events.allow(pause);
            if machine.pause(pause) == Power::Off {
                return Err(Error::Stopped { by: format!("the gate {}", gate.name), why });
            }
            waited += pause;
        }
    }
}

/// Asks once. The text says why not.
fn ask(machine: &impl Machine, gate: &Gate) -> Result<Done, String> {
    match (sense::sense(machine, &gate.require), gate.unreadable) {
        (Ok(reading), _) => {
            decide(&gate.require, &reading).map(|()| Done::Told(format!("gate {}", gate.name)))
        }
        (Err(why), Unreadable::Refuse) => Err(format!("that can't be found out: {why}")),
        (Err(why), Unreadable::Pass) => Ok(Done::Skipped(format!("that can't be found out: {why}"))),
    }
}
