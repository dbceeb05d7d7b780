//! An order, from the offer to the restart.

use super::super::choose::{self, Chosen};
use super::super::host::Credentials;
use super::super::install::{self, Brought, Goal};
use super::super::keeping;
use super::super::standing::{Standing, standing};
use super::super::turn::{SOON, Step, Stop, Turn};
use super::server::Hawkbit;
use crate::machine::Machine;
use drydock_ddi::{ActionId, Deployment, Execution, Handling, Window};
use drydock_state::fleet::{Closed, Ended, How, Order};

impl Hawkbit {
    /// Goes on with the order that is on its way, or begins with the one that is offered.
    pub(super) fn carry_out<M: Machine>(&mut self, turn: &mut Turn<'_, M>) -> Result<Step, Stop> {
        let record = turn.look()?;
        let offered = self.offers(|poll| poll.deployment);
        let Some((action, order)) = Self::at_work(&record) else {
            return match offered {
                Some(action) => self.begin(turn, action),
                None => Ok(idle()),
            };
        };
        match standing(&record, &order) {
            Standing::Open if offered == Some(action) => self.begin(turn, action),
            Standing::Waiting(_) => self.restart(turn, action, &order),
            Standing::Trial(set) => Ok(install::on_trial(set, &order)),
            Standing::Open | Standing::Over(_) => Ok(idle()),
        }
    }

    /// Reads the order, fetches its bundle and stages it, as far as the order and its window let it.
    fn begin<M: Machine>(&mut self, turn: &mut Turn<'_, M>, action: ActionId) -> Result<Step, Stop> {
        let Some(order) = self.read_order(turn, action)? else { return Ok(idle()) };
        if let Some(step) = self.say_it_again(turn, &order)? {
            return Ok(step);
        }
        let chosen = choose::bundle(&order, &turn.machine.config().compatible);
        let version = match &chosen {
            Ok(chosen) => chosen.version.clone(),
            Err(_) => order.chunks.first().map(|chunk| chunk.version.clone()).unwrap_or_default(),
        };
        self.take_note(turn, &order, &version)?;
        let (chosen, goal) = match chosen.and_then(|chosen| Ok((self.goal(&chosen)?, chosen))) {
            Ok((goal, chosen)) => (chosen, goal),
            Err(why) => return self.over(turn, How::Refused, why),
        };
        let record = turn.look()?;
        if turn.running.degraded {
            let why = "this boot is degraded (data is missing or read-only): nothing can be fetched to it";
            return self.over(turn, How::Refused, why.into());
        }
        if let Some(pin) = chosen.pin.filter(|pin| install::runs(&record, turn.running.set, *pin)) {
            return self.runs_already(turn, &version, pin);
        }
        if order.download == Handling::Skip {
            return Ok(Step { next: None, doing: format!("{version} is not to be fetched yet") });
        }
        self.tell(turn, action, ("download", Execution::Download), &format!("fetching {version}"))?;
        let (source, fetched) = match install::fetch(turn, &goal, &mut self.refusals) {
            Ok(Brought::There(source, fetched)) => (source, fetched),
            Ok(Brought::Over) => return Ok(idle()),
            // An order that is cancelled has no files any more.
            Err(stop) => {
                return if self.is_wanted(turn, action)? { Err(stop) } else { Ok(unwanted(&version)) };
            }
        };
        if install::runs(&record, turn.running.set, fetched.manifest) {
            return self.runs_already(turn, &version, fetched.manifest);
        }
        let came = format!("{} bytes of {} were needed, and are proven", fetched.there, fetched.length);
        match (order.update, order.window) {
            (Handling::Skip, Window::None) => return self.over(turn, How::Fetched, came),
            (Handling::Skip, _) => {
                self.tell(turn, action, ("downloaded", Execution::Downloaded), &came)?;
                return Ok(Step {
                    next: None,
                    doing: format!("{version} is fetched, and waits for its window"),
                });
            }
            _ => self.tell(turn, action, ("downloaded", Execution::Downloaded), &came)?,
        }
        if let Some(doing) = install::in_the_way(&turn.look()?) {
            return Ok(Step { next: None, doing: format!("{version} {doing}") });
        }
        // A fetch may take hours: the order may be gone by now, or another one, or its window is over.
        if !self.is_wanted(turn, action)? {
            return Ok(unwanted(&version));
        }
        match self.read_order(turn, action)? {
            Some(now) if now.update != Handling::Skip => self.take_note(turn, &now, &version)?,
            _ => return Ok(unwanted(&version)),
        }
        install::stage(turn, action.0, source)?;
        match Self::at_work(&turn.look()?) {
            Some((_, order)) if order.end.is_none() => self.restart_now(turn, action, &order),
            _ => Ok(idle()),
        }
    }

    /// Asks whether the server still offers an order.
    fn is_wanted<M: Machine>(&mut self, turn: &mut Turn<'_, M>, action: ActionId) -> Result<bool, Stop> {
        self.poll(turn)?;
        Ok(self.offers(|poll| poll.deployment) == Some(action))
    }

    /// Where the bundle is. An error says why it is nowhere.
    fn goal(&self, chosen: &Chosen) -> Result<Goal, String> {
        let from = self.base.follow(&chosen.href).map_err(|why| why.to_string())?;
        let own = from.place() == self.base.address().place();
        let credentials = if own { Credentials::Shown } else { Credentials::Hidden };
        Ok(Goal { from, credentials, pin: chosen.pin })
    }

    /// An order that is offered although its end was taken: the server has lost that, and is told again.
    fn say_it_again<M: Machine>(
        &mut self,
        turn: &mut Turn<'_, M>,
        order: &Deployment,
    ) -> Result<Option<Step>, Stop> {
        let Some(Closed { action, version, end }) = turn.look()?.fleet.closed else { return Ok(None) };
        let same = order.id.0 == action && order.chunks.iter().any(|chunk| chunk.version == version);
        if !same || matches!(end.how, How::Fetched | How::Cancelled) {
            return Ok(None);
        }
        self.send_end(turn, order.id, end.how.is_success(), &end.to_string())?;
        self.forget(order.id);
        Ok(Some(Step { next: None, doing: format!("the server was told again what became of {version}") }))
    }

    /// Keeps the order, before anything is done for it.
    fn take_note<M: Machine>(
        &self,
        turn: &Turn<'_, M>,
        order: &Deployment,
        version: &str,
    ) -> Result<(), Stop> {
        let (action, boot) = (order.id.0, turn.boot.clone());
        let (forced, windowed) = (order.update == Handling::Forced, order.window != Window::None);
        Ok(keeping::change(turn.machine, |fleet| match &mut fleet.order {
            Some(kept) if kept.action == action => (kept.forced, kept.windowed) = (forced, windowed),
            kept => {
                let version = version.to_owned();
                *kept = Some(Order { action, version, forced, windowed, boot, ..Order::default() });
            }
        })?)
    }

    /// The order is over before anything was staged for it.
    fn over<M: Machine>(&self, turn: &Turn<'_, M>, how: How, reason: String) -> Result<Step, Stop> {
        keeping::change(turn.machine, |fleet| keeping::end(fleet, Ended { how, reason }))?;
        Ok(idle())
    }

    fn runs_already<M: Machine>(
        &self,
        turn: &Turn<'_, M>,
        version: &str,
        manifest: drydock_format::Digest,
    ) -> Result<Step, Stop> {
        let note = |order: &mut Order| order.manifest = manifest.into();
        keeping::change(turn.machine, |fleet| fleet.order.as_mut().map(note))?;
        let set = turn.running.set;
        self.over(
            turn,
            How::Good,
            format!("{version} runs already in set {set}, and has said that it is well"),
        )
    }

    /// Restarts for an order that has become an intent, if the server still wants it to be installed now.
    fn restart<M: Machine>(
        &mut self,
        turn: &mut Turn<'_, M>,
        action: ActionId,
        order: &Order,
    ) -> Result<Step, Stop> {
        let mut order = order.clone();
        if !order.gone && self.offers(|poll| poll.deployment) == Some(action) {
            // The server may have come to insist, or its window is over.
            if let Some(now) = self.read_order(turn, action)? {
                if now.update == Handling::Skip {
                    let doing = format!("{} is staged, and waits for the server's window", order.version);
                    return Ok(Step { next: None, doing });
                }
                self.take_note(turn, &now, &order.version)?;
                order.forced = now.update == Handling::Forced;
            }
        }
        self.restart_now(turn, action, &order)
    }

    /// Restarts for an order that was just looked at, and says so before.
    fn restart_now<M: Machine>(
        &mut self,
        turn: &mut Turn<'_, M>,
        action: ActionId,
        order: &Order,
    ) -> Result<Step, Stop> {
        let staged = format!("{} is staged as intent {}", order.version, order.intent);
        self.tell(turn, action, ("staged", Execution::Scheduled), &staged)?;
        install::restart(turn, order, |turn| {
            // That nobody hears of it is no reason not to go on.
            let _ =
                self.tell(turn, action, ("restarting", Execution::Proceeding), "recovery installs it now");
        })
    }
}

fn idle() -> Step {
    Step { next: None, doing: "nothing is to be done".into() }
}

fn unwanted(version: &str) -> Step {
    Step { next: Some(SOON), doing: format!("{version} is not wanted any more") }
}
