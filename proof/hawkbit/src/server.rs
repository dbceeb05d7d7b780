//! The double, or a real server in its place.

use crate::double::Double;
use crate::jar::Jar;
use crate::operator::Operator;
use serde_json::json;

/// A server for a test: the double, or a real hawkBit where the environment names its jar in `HAWKBIT_JAR`. It ends when it is
/// dropped, or with the process.
pub struct Server {
    which: Which,
}

enum Which {
    Double(Double),
    Real(Jar),
}

impl Server {
    /// Starts a server that is ready for devices: with their own tokens, and with the gateway token. A real one takes up to a
    /// minute, or more on a busy machine.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start() -> Self {
        let server = Self::stock();
        let operator = server.operator();
        operator.configure("authentication.targettoken.enabled", json!(true));
        operator.configure("authentication.gatewaytoken.enabled", json!(true));
        operator.configure("authentication.gatewaytoken.key", json!(server.gateway_key()));
        operator.configure("pollingTime", json!("00:00:30"));
        server
    }

    /// Starts a server as it is when it is new: no device may log in.
    ///
    /// # Panics
    /// If it does not start.
    pub fn stock() -> Self {
        let which = match std::env::var_os("HAWKBIT_JAR").filter(|jar| !jar.is_empty()) {
            Some(jar) => Which::Real(Jar::start(jar.as_ref())),
            None => Which::Double(Double::stock()),
        };
        Self { which }
    }

    /// Where it is: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        match &self.which {
            Which::Double(double) => double.url(),
            Which::Real(jar) => jar.url(),
        }
    }

    /// Which of the two it is, in words.
    pub fn which(&self) -> &'static str {
        match &self.which {
            Which::Double(_) => "the double",
            Which::Real(_) => "a real hawkBit",
        }
    }

    /// The double, if it is that: its time can be moved, and its settings changed.
    pub fn double(&self) -> Option<&Double> {
        match &self.which {
            Which::Double(double) => Some(double),
            Which::Real(_) => None,
        }
    }

    /// The gateway token of a server that is ready for devices.
    pub fn gateway_key(&self) -> &'static str {
        Double::GATEWAY_KEY
    }

    /// Somebody who may do everything.
    pub fn operator(&self) -> Operator {
        Operator::new(&self.url())
    }
}
