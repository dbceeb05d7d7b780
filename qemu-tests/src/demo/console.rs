//! What the guest says, line by line, without what only a terminal understands.

use super::transcript::Transcript;
use crate::{Exit, Guest, QemuError};
use serde_json::Value;
use std::error::Error;
use std::time::{Duration, Instant};

/// A guest whose console is copied to the transcript as it is waited on.
pub struct Console<'t> {
    guest: Guest,
    transcript: &'t Transcript,
}

impl<'t> Console<'t> {
    /// The console of this guest.
    pub fn new(guest: Guest, transcript: &'t Transcript) -> Self {
        Self { guest, transcript }
    }

    /// Shows lines up to one that contains `text`, and returns it.
    pub fn expect(&mut self, text: &str, limit: Duration) -> Result<String, QemuError> {
        self.find(limit, |line| line.contains(text).then(|| line.to_owned()))
    }

    /// Shows lines up to the end of the demo's report, and returns the status in it.
    pub fn report(&mut self, limit: Duration) -> Result<Value, Box<dyn Error>> {
        let line = self.expect("demo: status ", limit)?;
        let status = line.split_once("demo: status ").map_or("", |(_, status)| status);
        let status =
            serde_json::from_str(status).map_err(|e| format!("the status is not JSON: {e}: {status}"))?;
        self.expect("demo: end of report", limit)?;
        Ok(status)
    }

    /// Shows lines until the guest ends, which must be in this way.
    pub fn expect_exit(&mut self, wanted: Exit, limit: Duration) -> Result<(), Box<dyn Error>> {
        match self.find(limit, |_| None::<()>) {
            Err(QemuError::Ended { .. }) => {}
            Err(error) => return Err(error.into()),
            Ok(()) => {}
        }
        let exit = self.guest.wait_exit(limit)?;
        if exit == wanted { Ok(()) } else { Err(format!("the guest ended with {exit:?}").into()) }
    }

    /// Cuts the power.
    pub fn power_cut(&mut self) {
        self.guest.power_cut();
        self.transcript.say("   ! power cut");
    }

    /// Pulls the network cable out for this long.
    pub fn unplug(&self, time: Duration) -> Result<(), QemuError> {
        self.guest.cable(false)?;
        self.transcript.say("   ! the network cable is out");
        std::thread::sleep(time);
        self.transcript.say("   ! the network cable is in again");
        self.guest.cable(true)
    }

    fn find<T>(
        &mut self,
        limit: Duration,
        mut wanted: impl FnMut(&str) -> Option<T>,
    ) -> Result<T, QemuError> {
        let deadline = Instant::now() + limit;
        loop {
            let line = self.guest.expect("\n", deadline.saturating_duration_since(Instant::now()))?;
            let line = plain(&line);
            let shown = line.trim_end();
            if !shown.is_empty() && !shown.starts_with("demo: status ") {
                self.transcript.say(format_args!("   | {shown}"));
            }
            if let Some(found) = wanted(shown) {
                return Ok(found);
            }
        }
    }
}

/// A line without escape sequences and other control characters.
pub fn plain(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\x1b' {
            // ESC [ parameters letter, or ESC and one character.
            if chars.next() == Some('[') {
                chars.by_ref().find(|c| ('@'..='~').contains(c));
            }
        } else if !c.is_control() {
            out.push(c);
        }
    }
    out
}
