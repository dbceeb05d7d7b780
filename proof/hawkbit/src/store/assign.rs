//! Orders given, canceled, forced, ended.

use super::action::SERVER;
use super::{Action, Denied, Kind, Row, Status, Store, Window};

/// What an operator wants a device to have.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    /// The distribution set.
    pub(crate) set: u64,
    pub(crate) kind: Kind,
    pub(crate) window: Option<Window>,
    pub(crate) weight: u32,
    /// Whether somebody at the device is to say yes, where that is asked for at all.
    pub(crate) confirmation: bool,
}

impl Store {
    /// Gives a device an order. Returns its number, or `None` where the device is to have the set already.
    pub(crate) fn assign(
        &mut self,
        id: &str,
        assignment: &Assignment,
        now: u64,
    ) -> Result<Option<u64>, Denied> {
        let set = self.contents.set(assignment.set)?;
        if !self.contents.is_complete(set) {
            return Err(Denied::Invalid("incomplete"));
        }
        if set.invalid {
            return Err(Denied::Invalid("invalid"));
        }
        if self.target(id)?.assigned == Some(assignment.set) {
            return Ok(None);
        }
        self.contents.lock(assignment.set);
        self.supersede(id, now)?;
        let number = self.new_action(id, assignment, None, now)?;
        self.open(number, assignment.confirmation, format!("ordered by '{USER}'"), now)?;
        Ok(Some(number))
    }

    /// An order that nobody carries out yet.
    pub(super) fn new_action(
        &mut self,
        id: &str,
        assignment: &Assignment,
        rollout: Option<(u64, u64)>,
        now: u64,
    ) -> Result<u64, Denied> {
        let number = self.next_action();
        self.target_mut(id)?.actions.push(number);
        let action = Action {
            id: number,
            target: id.to_owned(),
            set: assignment.set,
            kind: assignment.kind,
            window: assignment.window.clone(),
            weight: assignment.weight,
            status: Status::Scheduled,
            active: false,
            code: None,
            rollout,
            rows: vec![],
            revision: 0,
            created: now,
            modified: now,
        };
        self.actions.insert(number, action);
        Ok(number)
    }

    /// Lets an order begin.
    pub(super) fn open(
        &mut self,
        number: u64,
        confirmation: bool,
        why: String,
        now: u64,
    ) -> Result<(), Denied> {
        let flow = self.configs.on("user.confirmation.flow.enabled");
        let action = self.action_mut(number)?;
        let (set, id) = (action.set, action.target.clone());
        let auto = self.target(&id)?.auto_confirm.clone();
        let waits = flow && confirmation && auto.is_none();
        let action = self.action_mut(number)?;
        action.active = true;
        action.revision += 1;
        action.status = if waits { Status::WaitForConfirmation } else { Status::Running };
        let mut messages = vec![why];
        if flow {
            messages.push(match auto {
                _ if waits => "waits for a yes at the device".into(),
                Some(auto) if confirmation => auto_confirmed(&auto),
                _ => format!("confirmed by '{USER}'"),
            });
        }
        let status = if flow { Status::WaitForConfirmation } else { Status::Running };
        self.add_row(number, Row::new(status, now, messages));
        let target = self.target_mut(&id)?;
        target.assigned = Some(set);
        target.status = "pending";
        Ok(())
    }

    /// Older orders of a device give way: at once, or when the device has agreed.
    pub(super) fn supersede(&mut self, id: &str, now: u64) -> Result<(), Denied> {
        let close = self.configs.on("repository.actions.autoclose.enabled");
        let target = self.target(id)?;
        let all = self.actions_of(target).filter(|action| action.active);
        let old: Vec<u64> = all
            .filter(|action| close || action.status != Status::Canceling)
            .map(|action| action.id)
            .collect();
        for number in old {
            let action = self.action_mut(number)?;
            action.active = !close;
            action.status = if close { Status::Canceled } else { Status::Canceling };
            action.revision += 1;
            action.modified = now;
            let (status, verb) = (action.status, if close { "close" } else { "cancel" });
            let text = format!("{verb}: there is a newer order");
            self.add_row(number, Row::of_server(status, now, &text));
        }
        Ok(())
    }

    /// Asks a device to give an order up.
    pub(crate) fn cancel(&mut self, number: u64, now: u64) -> Result<(), Denied> {
        let action = self.action_mut(number)?;
        if action.is_canceling_or_canceled() || !action.active {
            return Err(Denied::NotCancelable);
        }
        action.status = Status::Canceling;
        action.revision += 1;
        action.modified = now;
        self.add_row(number, Row::of_server(Status::Canceling, now, "to be canceled"));
        Ok(())
    }

    /// Ends an order that was to be canceled without the device.
    pub(crate) fn force_quit(&mut self, number: u64, now: u64) -> Result<(), Denied> {
        let action = self.action_mut(number)?;
        if !action.is_canceling_or_canceled() || !action.active {
            return Err(Denied::NotForceQuitable);
        }
        self.add_row(number, Row::of_server(Status::Canceled, now, "ended by force"));
        self.canceled(number, now)
    }

    /// Turns an order into one where the device has no choice.
    pub(crate) fn force(&mut self, number: u64, now: u64) -> Result<(), Denied> {
        let action = self.action_mut(number)?;
        if !action.kind.is_forced(now) {
            action.kind = Kind::Forced;
            action.revision += 1;
            action.modified = now;
        }
        Ok(())
    }

    /// Forgets an order.
    pub(crate) fn delete_action(&mut self, number: u64) -> Result<(), Denied> {
        let action = self.actions.remove(&number).ok_or(Denied::Unknown("Action"))?;
        if let Some(target) = self.targets.get_mut(&action.target) {
            target.actions.retain(|known| *known != number);
        }
        Ok(())
    }

    /// Notes what a device has without an order. Whether it is news.
    pub(crate) fn installed_offline(&mut self, id: &str, set: u64, now: u64) -> Result<bool, Denied> {
        let target = self.target(id)?;
        if target.assigned == Some(set) || target.status == "pending" {
            return Ok(false);
        }
        let assignment =
            Assignment { set, kind: Kind::Forced, window: None, weight: WEIGHT, confirmation: false };
        self.contents.lock(set);
        let number = self.new_action(id, &assignment, None, now)?;
        self.action_mut(number)?.status = Status::Finished;
        let messages = [format!("ordered by '{id}'"), format!("{SERVER}installed without an order")];
        self.add_row(number, Row::new(Status::Finished, now, messages));
        let target = self.target_mut(id)?;
        (target.assigned, target.installed) = (Some(set), Some(set));
        target.installed_at = Some(now);
        target.status = "in_sync";
        Ok(true)
    }

    /// From now on orders to a device are taken for confirmed, and those that wait, too.
    pub(crate) fn auto_confirm(
        &mut self,
        id: &str,
        initiator: Option<String>,
        remark: Option<String>,
        now: u64,
    ) -> Result<(), Denied> {
        let target = self.target_mut(id)?;
        if target.auto_confirm.is_some() {
            return Err(Denied::Exists("AutoConfirmation"));
        }
        let auto = (initiator, remark, now);
        target.auto_confirm = Some(auto.clone());
        let waiting: Vec<u64> = target.actions.clone();
        for number in waiting {
            let action = self.action_mut(number)?;
            if action.active && action.waits() {
                action.status = Status::Running;
                action.revision += 1;
                self.add_row(number, Row::new(Status::Running, now, [auto_confirmed(&auto)]));
            }
        }
        Ok(())
    }
}

/// Who gives orders.
const USER: &str = "admin";
/// What an order weighs where nobody has said it.
pub(crate) const WEIGHT: u32 = 1000;

fn auto_confirmed((initiator, remark, _): &(Option<String>, Option<String>, u64)) -> String {
    let [initiator, remark] = [initiator, remark].map(|text| text.as_deref().unwrap_or("n/a"));
    format!("confirmed by itself for '{initiator}': {remark}")
}
