//! What the server is told of the device itself.

use super::super::host::Method;
use super::super::install::runs;
use super::super::keeping;
use super::super::turn::{Step, Stop, Turn};
use super::server::Hawkbit;
use crate::machine::Machine;
use drydock_ddi::{Status, config_data};
use drydock_format::sha256;
use serde_json::json;

impl Hawkbit {
    /// Tells who this device is, if the server wants to know, or if something has changed.
    pub(super) fn tell_attributes<M: Machine>(
        &mut self,
        turn: &mut Turn<'_, M>,
        facts: &[(String, String)],
    ) -> Result<(), Stop> {
        let body = config_data(facts.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        let digest = sha256(body.as_bytes()).into();
        let wanted = self.poll.as_ref().is_some_and(|poll| poll.config_data);
        if !wanted && turn.look()?.fleet.attributes == digest {
            return Ok(());
        }
        let (status, answer) = self.send(turn, Method::Put, "configData", body)?;
        match status {
            Status::Done => {}
            // What it can't take now it can't take later.
            Status::Refused | Status::Full | Status::Gone => turn
                .machine
                .events()
                .warning(format_args!("the server does not take this device's attributes: {}", answer.code)),
            status => return Err(turn.refused("telling the server what this device is", status, &answer)),
        }
        if let Some(poll) = &mut self.poll {
            poll.config_data = false;
        }
        Ok(keeping::change(turn.machine, |fleet| fleet.attributes = digest)?)
    }

    /// Tells the server which release runs here, if it came without an order.
    pub(super) fn tell_installed<M: Machine>(&self, turn: &mut Turn<'_, M>) -> Result<(), Stop> {
        let record = turn.look()?;
        let set = record.sets.get(turn.running.set);
        let Some(manifest) = set.manifest.known() else { return Ok(()) };
        let known = record.fleet.installed == set.manifest || record.fleet.order.is_some();
        if known || !runs(&record, turn.running.set, manifest) {
            return Ok(());
        }
        let name = &turn.machine.config().compatible;
        let body = json!({"name": name, "version": set.version}).to_string();
        let (status, answer) = self.send(turn, Method::Put, "installedBase", body)?;
        match status {
            // A release that the server does not know is none of its business.
            Status::Done | Status::Gone | Status::Refused | Status::Full => {}
            status => return Err(turn.refused("telling the server what runs here", status, &answer)),
        }
        let manifest = set.manifest.clone();
        Ok(keeping::change(turn.machine, |fleet| fleet.installed = manifest)?)
    }

    /// Nothing can be remembered, and so nothing may be begun: what is offered has failed, and the server hears of it.
    pub(super) fn refuse_untrusted<M: Machine>(
        &self,
        turn: &mut Turn<'_, M>,
        why: &str,
    ) -> Result<Step, Stop> {
        if let Some(action) = self.offers(|poll| poll.deployment) {
            self.send_end(
                turn,
                action,
                false,
                &format!("[refused] the device's state can't be changed: {why}"),
            )?;
        }
        Ok(Step { next: None, doing: format!("nothing: the state can't be changed: {why}") })
    }
}
