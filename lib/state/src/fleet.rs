//! What is between a device and whoever gives it orders: kept in the record, so that it is one with what came of them.

use crate::digest::MaybeDigest;
use crate::later::Later;
use crate::time::UnixTime;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::fmt;

/// How many reports are kept that could not be sent; older ones go first.
pub const UNSENT_LIMIT: usize = 16;

/// What is between a device and its fleet's server, or the channel that it follows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Fleet {
    /// Whom all this is about: the address that is asked. With another one everything begins anew.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub server: String,
    /// The order that is being carried out, until the server has taken its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// The order before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Closed>,
    /// What somebody at the device is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<Question>,
    /// The digest of the attributes that the server has.
    #[serde(default, skip_serializing_if = "MaybeDigest::is_none")]
    pub attributes: MaybeDigest,
    /// The digest of the manifest of the release that the server was told runs here, without an order of its own.
    #[serde(default, skip_serializing_if = "MaybeDigest::is_none")]
    pub installed: MaybeDigest,
    /// What is known of the channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Followed>,
    /// Reports that nobody has taken yet, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsent: Vec<Unsent>,
    /// What a later drydock has written here.
    #[serde(flatten)]
    pub later: Later,
}

/// An order that is being carried out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Order {
    /// Its number: that of the server's action, or the sequence of the channel.
    pub action: u64,
    /// The version that it names.
    #[serde(default)]
    pub version: String,
    /// The digest of the manifest, once it is known.
    #[serde(default, skip_serializing_if = "MaybeDigest::is_none")]
    pub manifest: MaybeDigest,
    /// The intent that it has become, 0 as long as it has not.
    #[serde(default)]
    pub intent: u64,
    /// Whether the server insists.
    #[serde(default)]
    pub forced: bool,
    /// Whether the server has a window for it, so that nothing is begun that it has not just allowed.
    #[serde(default)]
    pub windowed: bool,
    /// Whether somebody at the device lets it restart for it.
    #[serde(default)]
    pub consent: bool,
    /// The start of the kernel in which it was seen last.
    #[serde(default)]
    pub boot: String,
    /// How often it was gone on with after a restart that nobody had planned.
    #[serde(default)]
    pub resumed: u32,
    /// Whether the server was told that it can't be given up any more.
    #[serde(default)]
    pub kept: bool,
    /// Whether the server has no such order any more: nobody is told how it ends.
    #[serde(default)]
    pub gone: bool,
    /// How it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Ended>,
    /// What a later drydock has written here.
    #[serde(flatten)]
    pub later: Later,
}

/// How an order has ended.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Ended {
    /// How.
    pub how: How,
    /// Why, in words for the person who reads it.
    pub reason: String,
}

impl fmt::Display for Ended {
    /// As a server is told: the word in brackets, and the reason.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.how.name(), self.reason)
    }
}

/// Ways for an order to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// The release runs, and has said that it is well.
    Good,
    /// The release was fetched, which is all that was asked for.
    Fetched,
    /// It was installed, did not say that it is well, and the other set runs.
    RolledBack,
    /// Recovery could not install it.
    Failed,
    /// It was not even tried.
    Refused,
    /// It was taken back, here or at the server.
    Cancelled,
}

impl How {
    /// Returns its name as JSON has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Fetched => "fetched",
            Self::RolledBack => "rolled-back",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether it is what the order was for.
    pub fn is_success(self) -> bool {
        matches!(self, Self::Good | Self::Fetched)
    }
}

/// An order whose end the server has taken.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Closed {
    /// Its number.
    pub action: u64,
    /// The version that it named.
    pub version: String,
    /// How it ended.
    pub end: Ended,
}

/// What somebody at the device is asked, and has answered.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Question {
    /// The number of the order that it is about.
    pub action: u64,
    /// The version that it names.
    pub version: String,
    /// The answer, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
}

/// What somebody at the device has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Yes; the server has not been told yet.
    Confirmed,
    /// No; the server has not been told yet.
    Denied,
    /// No, and the server knows: it goes on to offer the order, and nobody is asked again.
    DeniedAndTold,
}

/// What is known of a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Followed {
    /// Its name.
    pub name: String,
    /// The highest sequence that was seen.
    pub sequence: u64,
    /// The digest of the document that had it.
    pub digest: MaybeDigest,
    /// The latest time that was known then.
    pub time: UnixTime,
    /// The digest of the manifest of the release that came to no good end here.
    #[serde(default, skip_serializing_if = "MaybeDigest::is_none")]
    pub given_up: MaybeDigest,
}

/// A report that nobody has taken yet.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Unsent {
    /// The order that it is about.
    pub action: u64,
    /// The version.
    pub version: String,
    /// The digest of the manifest.
    pub manifest: MaybeDigest,
    /// The intent that it had become, 0 if none.
    pub intent: u64,
    /// How it has ended.
    pub end: Ended,
    /// When.
    pub time: UnixTime,
}

impl Fleet {
    /// Reads one. What a later drydock has written in words that are not known here costs nothing but that: all of it is kept as
    /// it is, and nothing of it is known.
    pub(crate) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Ok(drydock_json::from_value(&value).unwrap_or_else(|_| {
            let later = value.as_object().cloned().unwrap_or_default();
            Self { later, ..Self::default() }
        }))
    }

    /// Returns whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds a report, dropping the oldest ones beyond [`UNSENT_LIMIT`].
    pub fn keep(&mut self, report: Unsent) {
        self.unsent.push(report);
        let excess = self.unsent.len().saturating_sub(UNSENT_LIMIT);
        self.unsent.drain(..excess);
    }
}
