//! Orders that are to be given up, or are gone.

use super::super::host::Method;
use super::super::keeping::{self, GivenUp};
use super::super::turn::{Stop, Turn};
use super::server::Hawkbit;
use crate::machine::Machine;
use drydock_ddi::{ActionId, Execution, Feedback, Status};

impl Hawkbit {
    /// Answers to a cancellation. What recovery has begun can't be undone: that is said once, and the order goes on.
    pub(super) fn answer_cancel<M: Machine>(&mut self, turn: &mut Turn<'_, M>) -> Result<(), Stop> {
        let Some(action) = self.offers(|poll| poll.cancel) else { return Ok(()) };
        match keeping::give_up(turn.machine, action.0, "it was cancelled at the server")? {
            GivenUp::Yes => {
                let report = Feedback::closed(true, "[cancelled] nothing was installed");
                self.send_cancel(turn, action, &report)?;
                keeping::change(turn.machine, |fleet| {
                    if fleet.order.as_ref().is_some_and(|order| order.action == action.0) {
                        keeping::close(fleet);
                    }
                })?;
                self.forget(action);
                Ok(())
            }
            GivenUp::TooLate => {
                let told = keeping::change(turn.machine, |fleet| {
                    let order = fleet.order.as_mut();
                    order.map(|order| std::mem::replace(&mut order.kept, true) || order.end.is_some())
                })?;
                if told == Some(false) {
                    let why = "[kept] recovery has begun with it, and it can't be undone any more";
                    if let Some(report) = Feedback::on_the_way(Execution::Rejected, why) {
                        self.send_cancel(turn, action, &report)?;
                    }
                }
                Ok(())
            }
        }
    }

    fn send_cancel<M: Machine>(
        &self,
        turn: &mut Turn<'_, M>,
        action: ActionId,
        report: &Feedback,
    ) -> Result<(), Stop> {
        let resource = format!("cancelAction/{action}/feedback");
        let (status, answer) = self.send(turn, Method::Post, &resource, report.to_json())?;
        match status {
            // With 405 there is nothing to cancel any more.
            Status::Done | Status::Gone => Ok(()),
            _ if answer.code == 405 => Ok(()),
            status => Err(turn.refused("answering to the cancellation", status, &answer)),
        }
    }

    /// An order that the server does not offer any more is given up, or, where that is too late, nobody is told of its end.
    pub(super) fn give_up_what_is_gone<M: Machine>(&mut self, turn: &mut Turn<'_, M>) -> Result<(), Stop> {
        let Some((action, order)) = Self::at_work(&turn.look()?) else { return Ok(()) };
        let Some(poll) = &self.poll else { return Ok(()) };
        let offered = [poll.deployment, poll.cancel, poll.confirmation].contains(&Some(action));
        if offered || order.end.is_some() {
            return Ok(());
        }
        let events = turn.machine.events();
        match keeping::give_up(turn.machine, action.0, "the server has no such order any more")? {
            GivenUp::Yes => {
                events.note(format_args!("order {action} is gone from the server: nothing was installed"));
                keeping::change(turn.machine, keeping::close)?;
                self.forget(action);
            }
            GivenUp::TooLate if !order.gone => {
                events
                    .note(format_args!("order {action} is gone from the server: recovery has begun with it"));
                keeping::change(turn.machine, |fleet| {
                    if let Some(order) = fleet.order.as_mut() {
                        order.gone = true;
                    }
                })?;
            }
            GivenUp::TooLate => {}
        }
        Ok(())
    }
}
