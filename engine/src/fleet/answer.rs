//! What somebody at the device says to the agent.

use super::standing::{Standing, standing};
use crate::error::Error;
use crate::machine::Machine;
use crate::state::State;
use drydock_state::fleet::Answer;

/// Says yes or no to what the agent asks: whether an order may be carried out, or whether the device may restart for one. On
/// return that is on stable storage. Returns what was answered, for a person.
pub fn answer(machine: &impl Machine, yes: bool) -> Result<String, Error> {
    let mut state = State::open(machine)?;
    let waits = state.record.fleet.order.as_ref().map(|order| standing(&state.record, order));
    let fleet = &mut state.record.fleet;
    let told = match (&mut fleet.question, &mut fleet.order, waits) {
        (Some(question), _, _) => {
            question.answer = Some(if yes { Answer::Confirmed } else { Answer::Denied });
            let version = &question.version;
            match yes {
                true => format!("{version} is confirmed; the server hears of it at the next poll"),
                false => format!("{version} is denied; the server hears of it at the next poll"),
            }
        }
        (None, Some(order), Some(Standing::Waiting(_))) if yes => {
            order.consent = true;
            format!("the device restarts for {} as soon as its gate lets it", order.version)
        }
        (None, Some(order), Some(Standing::Waiting(_))) => {
            return Err(Error::Refused(format!(
                "{} is staged; `drydock cancel` takes it back",
                order.version
            )));
        }
        _ => return Err(Error::Refused("nobody has asked anything; see `drydock status`".into())),
    };
    state.save_record()?;
    Ok(told)
}
