//! What the page shows, as data.

use crate::json::Object;
use crate::token::Token;

/// How many of the last lines are shown.
pub const LINES: usize = 40;

/// What the page shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub what: String,
    /// Bytes that are done.
    pub done: u64,
    /// Bytes that there are in all.
    pub total: u64,
}

/// An upload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The line that is to be signed.
    Challenge(String),
    /// The token of somebody who was let in.
    Token(Token),
}

impl View {
    /// Returns it as JSON.
    pub fn to_json(&self) -> String {
        let progress = self.progress.as_ref().map_or_else(|| "null".into(), Progress::to_json);
        let upload = self.upload.as_ref().map_or_else(|| "null".into(), Upload::to_json);
        Object::default()
            .text("device", &self.device)
            .truth("recovery", self.recovery)
            .text("status", &self.status)
            .raw("progress", &progress)
            .texts("lines", &mut self.lines.iter().map(String::as_str))
            .raw("upload", &upload)
            .texts("acts", &mut self.acts.iter().copied())
            .maybe("busy", self.busy.as_deref())
            .end()
    }
}

impl Progress {
    fn to_json(&self) -> String {
        Object::default().text("what", &self.what).number("done", self.done).number("total", self.total).end()
    }
}

impl Upload {
    fn to_json(&self) -> String {
        Object::default()
            .text("version", &self.version)
            .number("done", self.done)
            .number("total", self.total)
            .maybe("outcome", self.outcome.as_deref())
            .truth("good", self.good)
            .end()
    }
}

impl Asked {
    /// Returns it as JSON.
    pub fn to_json(&self) -> String {
        let object = Object::default();
        match self {
            Self::Challenge(line) => object.text("challenge", line),
            Self::Token(token) => object.text("token", token.as_str()),
        }
        .end()
    }
}
