//! The live system, as the agent sees it.

use super::super::here;
use super::program::{self, LIMIT};
use crate::console::since_start;
use crate::machine::Hardware;
use crate::net::{self, Dial, Showing, Token};
use drydock_config::Fleet;
use drydock_engine::Error;
use drydock_engine::fetch::{FETCHED, Fetched};
use drydock_engine::fleet::{Answer, Credentials, Host, Request};
use drydock_engine::machine::{Clock, Setting};
use drydock_state::{Source, UnixTime};
use drydock_transfer::{Address, Trouble};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Which start of the kernel this is.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// The network, the gate and the restart of a live system.
pub(super) struct Live<'m, 'h> {
    pub(super) machine: &'m Hardware<'h>,
    pub(super) fleet: &'m Fleet,
    pub(super) dial: &'m Dial,
    pub(super) token: Option<Token>,
    /// When somebody has answered last.
    pub(super) contact: Option<UnixTime>,
}

impl Host for Live<'_, '_> {
    fn ask(&mut self, request: &Request) -> Result<Answer, Trouble> {
        let answer = net::ask(self.dial, self.token.as_ref(), request)?;
        self.contact = Some(self.machine.now());
        Ok(answer)
    }

    fn fetch(&mut self, from: &Address, credentials: Credentials) -> Result<(Source, Fetched), Error> {
        let data = here::usable_data(self.machine)?;
        let path = Path::new(&data.mount).join(FETCHED);
        let showing = match (credentials, self.token.clone()) {
            (Credentials::Hidden, _) => Showing::Nothing,
            (Credentials::Shown, None) => Showing::Certificate,
            (Credentials::Shown, Some(token)) => Showing::Token(token),
        };
        let fetched = net::fetch(self.machine, &from.to_string(), &path, showing)?;
        Ok((here::on_data(self.machine, &path)?, fetched))
    }

    fn boot(&self) -> String {
        // A kernel without it is one that never starts again, as far as the agent knows.
        fs::read_to_string(BOOT_ID).unwrap_or_default().trim().into()
    }

    fn since(&self) -> Duration {
        Duration::from_millis(since_start())
    }

    fn gate(&mut self) -> Result<(), String> {
        program::run(&self.fleet.gate, LIMIT)
    }

    fn restart(&mut self) -> Result<(), Error> {
        let command = &self.fleet.reboot_command;
        self.machine.events().note(format_args!("restarting by `{}`", command.join(" ")));
        program::run(command, LIMIT).map_err(|why| {
            Error::Refused(format!(
                "restarting by `{}` failed: {why}; correct `fleet.reboot_command`, or restart the device by hand",
                command.join(" ")
            ))
        })
    }
}
