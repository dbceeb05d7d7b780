//! The live system of a simulated device, as its agent sees it.

use crate::http::Http;
use crate::kept::Kept;
use drydock_engine::Error;
use drydock_engine::event::Silent;
use drydock_engine::fetch::{self, FETCHED, Fetched, Keep, Session};
use drydock_engine::fleet::{Answer, Credentials, Host, Request};
use drydock_simulator::machine::SimMachine;
use drydock_simulator::server::SimPace;
use drydock_state::Source;
use drydock_transfer::{Address, Trouble, Waits};
use std::sync::Arc;
use std::time::Duration;

/// The live system.
pub struct SimHost<'h, 'd> {
    /// The network.
    pub http: Http,
    /// The machine that it runs on.
    pub machine: &'h SimMachine<'d>,
    /// What is fetched.
    pub keep: Arc<Kept>,
    /// Which start of the kernel it is.
    pub boot: u64,
    /// Why the gate is closed, if it is.
    pub gate: Option<String>,
    /// Whether a restart was asked for.
    pub restarts: bool,
}

impl Host for SimHost<'_, '_> {
    fn ask(&mut self, request: &Request) -> Result<Answer, Trouble> {
        self.http.ask(request)
    }

    fn fetch(&mut self, from: &Address, _credentials: Credentials) -> Result<(Source, Fetched), Error> {
        let (pace, quiet) = (Arc::new(SimPace::default()), Duration::from_secs(60));
        let waits = Waits { fruitless: 2, ..Waits::default() };
        let session = Session::new(Box::new(self.http.file(from)), pace, Arc::new(Silent), waits, quiet);
        let keep: Arc<dyn Keep> = self.keep.clone();
        let fetched = fetch::fetch(self.machine, session, &keep, &from.to_string())?;
        Ok((Source::Data { path: FETCHED.into() }, fetched))
    }

    fn boot(&self) -> String {
        self.boot.to_string()
    }

    fn since(&self) -> Duration {
        Duration::ZERO
    }

    fn gate(&mut self) -> Result<(), String> {
        self.gate.clone().map_or(Ok(()), Err)
    }

    fn restart(&mut self) -> Result<(), Error> {
        self.restarts = true;
        Ok(())
    }
}
