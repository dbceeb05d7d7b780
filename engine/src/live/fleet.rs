//! What `drydock status` shows of the fleet, and what the agent leaves for it.

use drydock_state::UnixTime;
use drydock_state::fleet::{Answer, Closed, Ended, Order, Question};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What the agent has left of itself in `/run/drydock/agent.json`, after each of its rounds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Word {
    /// What this device is called.
    pub device: Option<String>,
    /// When the server has answered last.
    pub contact: Option<UnixTime>,
    /// What stood in the way of the last round, in words.
    pub trouble: Option<String>,
    /// What the agent does, in words.
    pub doing: Option<String>,
    /// When it asks again, if nobody wakes it before.
    pub next: Option<UnixTime>,
}

/// What is between the device and its fleet.
#[derive(Clone, Debug, Serialize)]
pub struct FleetStatus {
    /// The address of the server that is followed.
    pub server: Option<String>,
    /// The address of the channel that is followed.
    pub channel: Option<String>,
    /// What the agent has left since the system was started.
    #[serde(flatten)]
    pub word: Word,
    /// The order that is being carried out.
    pub order: Option<OrderStatus>,
    /// The order before it, whose end the server has taken.
    pub closed: Option<Closed>,
    /// What somebody at the device is asked.
    pub question: Option<Question>,
    /// How many reports nobody has taken yet.
    pub unsent: usize,
}

/// An order that is being carried out.
#[derive(Clone, Debug, Serialize)]
pub struct OrderStatus {
    /// Its number.
    pub action: u64,
    /// The version that it names.
    pub version: String,
    /// The intent that it has become, if it has.
    pub intent: Option<u64>,
    /// Whether the server insists.
    pub forced: bool,
    /// How it has ended, if the server does not know that yet.
    pub end: Option<Ended>,
}

impl FleetStatus {
    /// Gathers it from the configuration and the record. What the agent has left is added by who can read it.
    pub(super) fn of(config: &drydock_config::Fleet, fleet: &drydock_state::fleet::Fleet) -> Self {
        Self {
            server: config.server.clone(),
            channel: config.channel.clone(),
            word: Word::default(),
            order: fleet.order.as_ref().map(OrderStatus::of),
            closed: fleet.closed.clone(),
            question: fleet.question.clone(),
            unsent: fleet.unsent.len(),
        }
    }
}

impl OrderStatus {
    fn of(order: &Order) -> Self {
        Self {
            action: order.action,
            version: order.version.clone(),
            intent: Some(order.intent).filter(|intent| *intent != 0),
            forced: order.forced,
            end: order.end.clone(),
        }
    }
}

impl fmt::Display for FleetStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server, channel, word, order, closed, question, unsent } = self;
        write!(f, "fleet      {}", server.as_ref().or(channel.as_ref()).map_or("-", |address| address))?;
        word.device.iter().try_for_each(|device| write!(f, ", as {device}"))?;
        match (word.contact, word.next) {
            (None, None) => write!(f, "\n           the agent has not run since the system was started")?,
            (contact, next) => {
                match contact {
                    Some(contact) => write!(f, "\n           last contact {contact}")?,
                    None => write!(f, "\n           no contact yet")?,
                }
                next.iter().try_for_each(|next| write!(f, ", next poll {next}"))?;
            }
        }
        writeln!(f)?;
        word.trouble.iter().try_for_each(|why| writeln!(f, "           TROUBLE {why}"))?;
        let named = |version: &str| if version.is_empty() { "-".to_owned() } else { version.to_owned() };
        if let Some(OrderStatus { action, version, intent, forced, end }) = order {
            write!(f, "           order {action} ({})", named(version))?;
            f.write_str(if *forced { ", forced" } else { "" })?;
            intent.iter().try_for_each(|intent| write!(f, ", intent {intent}"))?;
            match end {
                Some(Ended { how, reason }) => write!(f, ", has ended: {} ({reason})", how.name())?,
                None => word.doing.iter().try_for_each(|doing| write!(f, ": {doing}"))?,
            }
            writeln!(f)?;
        }
        if let Some(Question { action, version, answer }) = question {
            write!(f, "           QUESTION order {action} is to install version {}: ", named(version))?;
            f.write_str(match answer {
                None => "`drydock confirm`, or `drydock deny`\n",
                Some(Answer::Confirmed) => "confirmed\n",
                Some(Answer::Denied | Answer::DeniedAndTold) => "denied\n",
            })?;
        }
        if let Some(Closed { action, version, end }) = closed {
            writeln!(f, "           order {action} ({}) before: {}", named(version), end.how.name())?;
        }
        match unsent {
            0 => Ok(()),
            count => writeln!(f, "           {count} reports wait to be sent"),
        }
    }
}
