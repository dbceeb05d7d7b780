//! What the page shows, as data.

use crate::token::Token;
use serde::{Serialize, Serializer};

/// How many of the last lines are shown.
pub const LINES: usize = 40;

/// What the page shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct View {
    /// The device's name.
    pub device: String,
    /// Whether this is the recovery; else it is the live system.
    pub recovery: bool,
    /// The status, as `drydock status` prints it.
    pub status: String,
    /// What is being done at the moment.
    pub progress: Option<Progress>,
    /// What was told last, at most [`LINES`] lines.
    pub lines: Vec<String>,
    /// What became of the last upload.
    pub upload: Option<Upload>,
    /// What can be asked for at the moment: the first word of a [`Wish`](crate::Wish) each.
    pub acts: Vec<&'static str>,
    /// Why nothing can be, where that is so.
    pub busy: Option<String>,
}

/// How far a step is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// What is being done.
    pub what: String,
    /// Bytes that are done.
    pub done: u64,
    /// Bytes that there are in all.
    pub total: u64,
}

/// An upload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Upload {
    /// The release that was asked for.
    pub version: String,
    /// Bytes that have come.
    pub done: u64,
    /// Bytes that there are in all.
    pub total: u64,
    /// What became of it, once it is over.
    pub outcome: Option<String>,
    /// Whether that is as it should be.
    pub good: bool,
}

/// What is answered to whoever asks for something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Asked {
    /// The line that is to be signed.
    Challenge(String),
    /// The token of somebody who was let in.
    Token(
        /// It.
        #[serde(serialize_with = "token")]
        Token,
    ),
}

fn token<S: Serializer>(token: &Token, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(token.as_str())
}

/// Returns it as JSON.
pub fn to_json(value: &impl Serialize) -> Vec<u8> {
    // What is serialised has nothing that JSON does not have.
    serde_json::to_vec(value).unwrap_or_default()
}
