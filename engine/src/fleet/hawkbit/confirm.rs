//! Orders that wait for a word of somebody at the device.

use super::super::host::Method;
use super::super::keeping;
use super::super::turn::{SOON, Step, Stop, Turn};
use super::server::{HISTORY, Hawkbit};
use crate::machine::Machine;
use drydock_config::Confirm;
use drydock_ddi::{ActionId, Deployment, Feedback, Status};
use drydock_state::fleet::{Answer, Question};

impl Hawkbit {
    /// Asks whoever is at the device, or passes on what was answered. Returns what the device waits for, if it does.
    pub(super) fn ask_for_a_word<M: Machine>(
        &mut self,
        turn: &mut Turn<'_, M>,
    ) -> Result<Option<Step>, Stop> {
        let question = turn.look()?.fleet.question;
        let Some(action) = self.offers(|poll| poll.confirmation) else {
            if question.is_some() {
                keeping::change(turn.machine, |fleet| fleet.question = None)?;
            }
            return Ok(None);
        };
        let known = question.filter(|question| question.action == action.0);
        let question = match known {
            Some(question) => question,
            None => match self.ask(turn, action)? {
                Some(question) => question,
                None => return Ok(None),
            },
        };
        let version = question.version;
        let waits = |doing: String| Ok(Some(Step { next: None, doing }));
        match question.answer {
            None => waits(format!("waits for `drydock confirm` or `drydock deny` for {version}")),
            Some(Answer::DeniedAndTold) => waits(format!("{version} was denied; the server still offers it")),
            Some(Answer::Confirmed) => {
                self.pass_on(turn, action, true, &format!("[confirmed] {version}"))?;
                keeping::change(turn.machine, |fleet| fleet.question = None)?;
                self.forget(action);
                // The order itself is offered from now on.
                Ok(Some(Step { next: Some(SOON), doing: format!("{version} was confirmed") }))
            }
            Some(Answer::Denied) => {
                // The server goes on to offer it, and may have the answer already.
                let detail = format!("[denied] {version}");
                let waiting = self.read_waiting(turn, action)?;
                if waiting.is_some_and(|order| !order.history.contains(&detail)) {
                    self.pass_on(turn, action, false, &detail)?;
                }
                let note = |question: &mut Question| question.answer = Some(Answer::DeniedAndTold);
                keeping::change(turn.machine, |fleet| fleet.question.as_mut().map(note))?;
                waits(format!("{version} was denied"))
            }
        }
    }

    /// Reads an order that waits for a word, and what was said about it. `None`: it is gone already.
    fn read_waiting<M: Machine>(
        &self,
        turn: &mut Turn<'_, M>,
        action: ActionId,
    ) -> Result<Option<Deployment>, Stop> {
        let address = self.base.below(&format!("confirmationBase/{action}?{HISTORY}"));
        let (status, answer) = turn.ask(Method::Get, address.map_err(Stop::unusable)?, None, None)?;
        match status {
            Status::Done => Ok(Some(Deployment::parse_waiting(&answer.body).map_err(Stop::unusable)?)),
            Status::Gone => Ok(None),
            status => Err(turn.refused("asking for the order", status, &answer)),
        }
    }

    /// Keeps a new question. `None`: it is gone already.
    fn ask<M: Machine>(&self, turn: &mut Turn<'_, M>, action: ActionId) -> Result<Option<Question>, Stop> {
        let Some(order) = self.read_waiting(turn, action)? else { return Ok(None) };
        let version = order.chunks.first().map(|chunk| chunk.version.clone()).unwrap_or_default();
        let answer = match turn.config.confirm {
            Confirm::Always => Some(Answer::Confirmed),
            Confirm::Ask => None,
        };
        let question = Question { action: action.0, version, answer };
        let kept = question.clone();
        keeping::change(turn.machine, |fleet| fleet.question = Some(kept))?;
        Ok(Some(question))
    }

    fn pass_on<M: Machine>(
        &self,
        turn: &mut Turn<'_, M>,
        action: ActionId,
        yes: bool,
        detail: &str,
    ) -> Result<(), Stop> {
        let resource = format!("confirmationBase/{action}/feedback");
        let (status, answer) =
            self.send(turn, Method::Post, &resource, Feedback::confirmation(yes, detail))?;
        match status {
            Status::Done | Status::Gone => Ok(()),
            status => Err(turn.refused("passing on what was answered", status, &answer)),
        }
    }
}
