//! What the server is told of an order: each thing once, whatever is cut short.
//!
//! Each report begins with a word in brackets. Whoever does not know which of them the server has asks it for the order's
//! history, and finds them there. The last report is told apart in another way: an order that is closed is not offered any
//! more, and a second one is refused by the server.

use super::super::host::{Answer, Method};
use super::super::keeping;
use super::super::standing::{Standing, standing};
use super::super::turn::{Stop, Turn};
use super::server::{HISTORY, Hawkbit};
use crate::machine::Machine;
use drydock_ddi::{ActionId, Deployment, Execution, Feedback, Status};
use drydock_state::fleet::{Ended, How};
use drydock_state::{Entry, Outcome};
use std::collections::BTreeSet;

impl Hawkbit {
    /// Reads an order that the server offers, and which reports on it the server has. `None`: there is no such order any more.
    pub(super) fn read_order<M: Machine>(
        &mut self,
        turn: &mut Turn<'_, M>,
        action: ActionId,
    ) -> Result<Option<Deployment>, Stop> {
        let address = self.base.below(&format!("deploymentBase/{action}?{HISTORY}"));
        let (status, answer) = turn.ask(Method::Get, address.map_err(Stop::unusable)?, None, None)?;
        match status {
            Status::Done => {
                let order = Deployment::parse(&answer.body).map_err(Stop::unusable)?;
                let words = order.history.iter().filter_map(|message| Some(word(message)?.to_owned()));
                self.told = Some((action, words.collect()));
                Ok(Some(order))
            }
            Status::Gone => Ok(None),
            status => Err(turn.refused("asking for the order", status, &answer)),
        }
    }

    /// Tells the server something about an order that it offers, unless it knows.
    pub(super) fn tell<M: Machine>(
        &mut self,
        turn: &mut Turn<'_, M>,
        action: ActionId,
        (said, execution): (&str, Execution),
        detail: &str,
    ) -> Result<(), Stop> {
        if self.offers(|poll| poll.deployment) != Some(action) {
            return Ok(());
        }
        if self.told.as_ref().is_none_or(|(of, _)| *of != action) && self.read_order(turn, action)?.is_none()
        {
            return Ok(());
        }
        if self.told.as_ref().is_some_and(|(_, told)| told.contains(said)) {
            return Ok(());
        }
        let Some(report) = Feedback::on_the_way(execution, &format!("[{said}] {detail}")) else {
            return Ok(());
        };
        // Whether it has arrived is not known until there is an answer.
        let told = self.told.take();
        let (status, answer) = self.send_feedback(turn, action, &report)?;
        if matches!(status, Status::Later | Status::Stranger | Status::Same) {
            return Err(turn.refused("telling the server of the order", status, &answer));
        }
        let mut told: BTreeSet<String> = told.map(|(_, told)| told).unwrap_or_default();
        told.insert(said.to_owned());
        self.told = Some((action, told));
        Ok(())
    }

    fn send_feedback<M: Machine>(
        &self,
        turn: &mut Turn<'_, M>,
        action: ActionId,
        report: &Feedback,
    ) -> Result<(Status, Answer), Stop> {
        self.send(turn, Method::Post, &format!("deploymentBase/{action}/feedback"), report.to_json())
    }

    /// Tells what has happened while nobody could tell it: in recovery, and since.
    pub(super) fn report<M: Machine>(&mut self, turn: &mut Turn<'_, M>) -> Result<(), Stop> {
        let record = turn.look()?;
        let Some((action, order)) = Self::at_work(&record) else { return Ok(()) };
        if order.resumed > 0 {
            let said = format!("resumed {}", order.resumed);
            let detail = "going on after a restart that nobody had planned";
            self.tell(turn, action, (&said, Execution::Resumed), detail)?;
        }
        if let Some(Entry { outcome: Outcome::Installed, set: Some(set), .. }) =
            record.outcome_of(order.intent)
        {
            let set = *set;
            let version = &order.version;
            let detail = format!("{version} was written to set {set}, read back and proven");
            self.tell(turn, action, ("proven", Execution::Proceeding), &detail)?;
            if standing(&record, &order) == Standing::Trial(set) {
                let detail = format!("set {set} is on trial until it says that it is well");
                self.tell(turn, action, ("trial", Execution::Proceeding), &detail)?;
            }
        }
        Ok(())
    }

    /// Tells how the order has ended, until the server has taken that.
    pub(super) fn tell_end<M: Machine>(&mut self, turn: &mut Turn<'_, M>) -> Result<(), Stop> {
        let record = turn.look()?;
        let Some((action, order)) = Self::at_work(&record) else { return Ok(()) };
        let Some(end) = &order.end else { return Ok(()) };
        let Ended { how, reason } = end;
        // The server answers to a cancellation, not to the order.
        let known = order.gone
            || self.poll.as_ref().is_some_and(|poll| {
                how.is_success() && poll.installed == Some(action) && poll.deployment != Some(action)
            });
        if !known {
            match how {
                // That closes an order which asks for no more (and what comes after it would be refused).
                How::Fetched => {
                    self.tell(turn, action, ("downloaded", Execution::Downloaded), reason)?;
                }
                _ => self.send_end(turn, action, how.is_success(), &end.to_string())?,
            }
        }
        self.forget(action);
        turn.machine.events().note(format_args!("order {action} is over: {}: {reason}", how.name()));
        Ok(keeping::change(turn.machine, keeping::close)?)
    }

    /// Sends the last report on an order. It is taken, or nobody wants it any more.
    pub(super) fn send_end<M: Machine>(
        &self,
        turn: &mut Turn<'_, M>,
        action: ActionId,
        well: bool,
        detail: &str,
    ) -> Result<(), Stop> {
        let (status, answer) = self.send_feedback(turn, action, &Feedback::closed(well, detail))?;
        match status {
            Status::Done | Status::Gone => Ok(()),
            status => Err(turn.refused("telling the server how the order ended", status, &answer)),
        }
    }

    /// What was known of an order that is over is not acted on any more.
    pub(super) fn forget(&mut self, action: ActionId) {
        self.etag = None;
        self.told = None;
        if let Some(poll) = &mut self.poll {
            for offered in [&mut poll.deployment, &mut poll.cancel, &mut poll.confirmation] {
                *offered = offered.filter(|offered| *offered != action);
            }
        }
    }
}

/// The word that a report of ours begins with.
fn word(message: &str) -> Option<&str> {
    message.strip_prefix('[')?.split_once(']').map(|(word, _)| word)
}
