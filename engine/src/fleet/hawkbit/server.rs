//! A server: what is remembered of it, and how it is spoken to.

use super::super::host::{Answer, Method};
use super::super::turn::{Stop, Turn};
use crate::error::Error;
use crate::machine::Machine;
use drydock_config::Fleet;
use drydock_ddi::{ActionId, Base, Foreign, Poll, Status};
use drydock_state::Record;
use drydock_state::fleet::Order;
use drydock_transfer::Address;
use std::collections::BTreeSet;
use std::time::Duration;

/// How many of the messages of an order are asked for.
pub(super) const HISTORY: &str = "actionHistory=100";

/// What is remembered of a server from one turn to the next. All of it can be lost.
pub(in crate::fleet) struct Hawkbit {
    pub(super) base: Base,
    /// What the server wants, as far as it is known.
    pub(super) poll: Option<Poll>,
    pub(super) etag: Option<String>,
    /// The reports on an order that the server has, by their words; unknown where it was not asked since one may have been lost.
    pub(super) told: Option<(ActionId, BTreeSet<String>)>,
    /// How often in a row a server did not have the bundle.
    pub(super) refusals: u32,
}

impl Hawkbit {
    /// A server that was not spoken to yet.
    pub(in crate::fleet) fn new(config: &Fleet, server: &str, id: &str) -> Result<Self, Error> {
        let address = Address::parse(server).map_err(|why| {
            Error::Unusable(format!(
                "fleet.server: {server}: {why}; correct it, and build the initramfs anew"
            ))
        })?;
        let foreign = match &config.artifact_hosts {
            hosts if hosts.is_empty() => Foreign::Refused,
            hosts => Foreign::Allowed(hosts.clone()),
        };
        let base = Base::new(&address, &config.tenant, id, foreign).ok_or_else(|| {
            Error::Unusable(format!(
                "`{}` or `{id}` can't be a tenant and a device: letters, digits, `.`, `_` and `-` only; see `fleet.id_file`",
                config.tenant
            ))
        })?;
        Ok(Self { base, poll: None, etag: None, told: None, refusals: 0 })
    }

    /// What everything that is kept is about.
    pub(in crate::fleet) fn address(&self) -> String {
        self.base.address().to_string()
    }

    /// How often the server wants to be asked, if it has said so.
    pub(in crate::fleet) fn sleep(&self) -> Option<Duration> {
        self.poll.as_ref()?.sleep
    }

    /// Asks what is wanted.
    pub(super) fn poll<M: Machine>(&mut self, turn: &mut Turn<'_, M>) -> Result<(), Stop> {
        let etag = self.etag.take().filter(|_| self.poll.is_some());
        let (status, answer) = turn.ask(Method::Get, self.base.address().clone(), None, etag.clone())?;
        match status {
            Status::Same if etag.is_some() => self.etag = etag,
            Status::Done => {
                self.poll = Some(Poll::parse(&answer.body).map_err(Stop::unusable)?);
                self.etag = answer.etag;
            }
            status => return Err(turn.refused("asking the server", status, &answer)),
        }
        Ok(())
    }

    /// The order of this kind that the server offers.
    pub(super) fn offers(&self, kind: impl FnOnce(&Poll) -> Option<ActionId>) -> Option<ActionId> {
        self.poll.as_ref().and_then(kind)
    }

    /// Sends JSON to a resource of this device.
    pub(super) fn send<M: Machine>(
        &self,
        turn: &mut Turn<'_, M>,
        method: Method,
        resource: &str,
        body: String,
    ) -> Result<(Status, Answer), Stop> {
        let address = self.base.below(resource).map_err(Stop::unusable)?;
        turn.ask(method, address, Some(body), None)
    }

    /// What is known of an order that is on its way.
    pub(super) fn at_work(record: &Record) -> Option<(ActionId, Order)> {
        let order = record.fleet.order.clone()?;
        Some((ActionId(order.action), order))
    }
}
