//! What a device reports about an order, and what becomes of it.

use super::action::SERVER;
use super::{Denied, Kind, Row, Status, Store};

/// A report.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// The word for what the device does.
    pub(crate) execution: String,
    /// The word for how it has ended.
    pub(crate) finished: String,
    pub(crate) timestamp: Option<u64>,
    pub(crate) code: Option<i64>,
    pub(crate) details: Vec<String>,
}

/// The words for what a device does.
pub(crate) const EXECUTIONS: &[&str] =
    &["closed", "proceeding", "canceled", "scheduled", "rejected", "resumed", "downloaded", "download"];
/// The words for how it has ended.
pub(crate) const RESULTS: &[&str] = &["success", "failure", "none"];

impl Report {
    fn failed(&self) -> bool {
        self.finished == "failure"
    }

    /// The row for it. Where the device has nothing to say, the server says what it has understood.
    fn row(&self, status: Status, before: Vec<String>, otherwise: Option<&str>, now: u64) -> Row {
        let mut messages = before;
        messages.extend(self.details.clone());
        messages.extend(self.code.map(|code| format!("Device reported status code: {code}")));
        if let Some(otherwise) = otherwise.filter(|_| messages.is_empty()) {
            messages.push(format!("{SERVER}{otherwise}"));
        }
        let row = Row::new(status, now, messages);
        Row { timestamp: self.timestamp.unwrap_or(now), code: self.code, ..row }
    }
}

impl Store {
    /// Takes a report about the carrying out of an order.
    pub(crate) fn report(&mut self, id: u64, report: &Report, now: u64) -> Result<(), Denied> {
        let action = self.action_mut(id)?;
        if action.waits() {
            return Err(Denied::Unknown("Action"));
        }
        if !action.active {
            return Err(Denied::Over);
        }
        let word = report.execution.as_str();
        let (status, otherwise) = match word {
            "canceled" => (Status::Canceled, "canceled".to_owned()),
            "rejected" => (Status::Warning, "rejected".to_owned()),
            "closed" if report.failed() => (Status::Error, "closed as failed".to_owned()),
            "closed" => (Status::Finished, "closed as done".to_owned()),
            "download" => (Status::Download, "download has begun".to_owned()),
            "downloaded" => (Status::Downloaded, "download is done".to_owned()),
            other => (Status::Running, other.to_owned()),
        };
        let row = report.row(status, vec![], Some(&otherwise), now);
        action.check_quota(&row)?;
        // A report that changes nothing of the order itself leaves its links as they are.
        action.revision += u64::from(action.code != report.code);
        action.code = report.code;
        action.modified = now;
        let happened = row.timestamp;
        self.add_row(id, row);
        match status {
            Status::Finished => self.finish(id, happened),
            Status::Error => self.fail(id),
            Status::Downloaded => self.downloaded(id),
            _ => Ok(()),
        }
    }

    fn finish(&mut self, id: u64, happened: u64) -> Result<(), Denied> {
        let action = self.action_mut(id)?;
        action.active = false;
        action.revision += 1;
        action.status = Status::Finished;
        let (set, kind, target) = (action.set, action.kind, action.target.clone());
        let target = self.target_mut(&target)?;
        target.attributes_wanted = true;
        // A device whose clock is behind that of its last report has installed nothing, for hawkBit.
        if target.installed_at.is_none_or(|before| before < happened) {
            target.installed = Some(set);
            target.installed_at = Some(happened);
            if kind == Kind::DownloadOnly {
                target.assigned = Some(set);
            }
            if target.assigned == target.installed {
                target.status = "in_sync";
            }
        }
        Ok(())
    }

    fn fail(&mut self, id: u64) -> Result<(), Denied> {
        let action = self.action_mut(id)?;
        action.active = false;
        action.revision += 1;
        action.status = Status::Error;
        let target = action.target.clone();
        let target = self.target_mut(&target)?;
        target.status = "error";
        target.assigned = None;
        Ok(())
    }

    fn downloaded(&mut self, id: u64) -> Result<(), Denied> {
        let action = self.action_mut(id)?;
        if action.kind != Kind::DownloadOnly {
            return Ok(());
        }
        action.active = false;
        action.status = Status::Downloaded;
        let target = action.target.clone();
        let target = self.target_mut(&target)?;
        target.status = "in_sync";
        target.attributes_wanted = true;
        Ok(())
    }

    /// Takes the answer to a cancellation.
    pub(crate) fn report_cancel(&mut self, id: u64, report: &Report, now: u64) -> Result<(), Denied> {
        let action = self.action_mut(id)?;
        if !action.is_canceling_or_canceled() {
            return Err(Denied::NotCancelable);
        }
        let own = |text: &str| vec![format!("{SERVER}{text}")];
        let mut row = match report.execution.as_str() {
            "canceled" => {
                let text = "a cancellation can't be canceled";
                report.row(Status::Warning, own(text), None, now)
            }
            "rejected" => {
                let text = "the device goes on";
                report.row(Status::CancelRejected, own(text), None, now)
            }
            "closed" if report.failed() => {
                report.row(Status::Error, own("the device could not give it up"), None, now)
            }
            "closed" => report.row(Status::Canceled, own("the device gives it up"), None, now),
            _ => report.row(Status::Running, vec![], None, now),
        };
        match row.status {
            Status::Canceled => {
                row.messages.push(format!("{SERVER}canceled"));
                self.add_row(id, row);
                return self.canceled(id, now);
            }
            Status::Error | Status::CancelRejected => action.status = Status::Running,
            _ => {
                action.check_quota(&row)?;
                action.revision -= 1;
            }
        }
        action.revision += 1;
        action.modified = now;
        self.add_row(id, row);
        Ok(())
    }

    /// Ends an order as canceled. The device is to have again what it has, or what waits next.
    pub(super) fn canceled(&mut self, id: u64, now: u64) -> Result<(), Denied> {
        let action = self.action_mut(id)?;
        action.active = false;
        action.status = Status::Canceled;
        action.revision += 1;
        action.modified = now;
        let name = action.target.clone();
        let target = self.target(&name)?;
        let next = self.actions_of(target).find(|action| action.active).map(|action| action.set);
        let target = self.target_mut(&name)?;
        match next {
            Some(set) => target.assigned = Some(set),
            None => {
                target.assigned = target.installed;
                target.status = "in_sync";
            }
        }
        Ok(())
    }

    /// Takes a yes, or a no, of somebody at the device.
    pub(crate) fn confirm(
        &mut self,
        id: u64,
        yes: bool,
        code: Option<i64>,
        details: Vec<String>,
        now: u64,
    ) -> Result<(), Denied> {
        let action = self.action_mut(id)?;
        if !action.active {
            return Err(Denied::Over);
        }
        if !action.waits() {
            return Err(Denied::Unknown("Action"));
        }
        let mut messages = details;
        let (status, text) = if yes {
            let text = "the device has said yes";
            (Status::Running, text)
        } else {
            let text = "the device has said no, and is asked again";
            (Status::WaitForConfirmation, text)
        };
        messages.push(format!("{SERVER}{text}"));
        messages.extend(code.map(|code| format!("Confirmation status code: {code}")));
        let row = Row { code, ..Row::new(status, now, messages) };
        action.check_quota(&row)?;
        action.status = status;
        action.code = code;
        action.revision += 1;
        action.modified = now;
        self.add_row(id, row);
        Ok(())
    }
}
