//! Connections to servers: one way for all that is asked.

use super::names::{ByNames, Names};
use super::tls::{self, Tls};
use super::transport::TlsConnector;
use drydock_config::Network;
use drydock_engine::Error;
use drydock_transfer::{Identity, Trouble};
use std::sync::Arc;
use ureq::unversioned::transport::{ConnectProxyConnector, Connector, TcpConnector};
use ureq::{Agent, Proxy, Timeout};

/// The most bytes of the head of an answer.
const MAX_HEAD: usize = 32 << 10;

/// What connections are made by.
pub struct Parts {
    /// Limits, and a proxy.
    pub network: Network,
    /// For the places that were configured: with our certificate, and their pinned name.
    pub shown: Tls,
    /// For those that redirects lead to.
    pub hidden: Tls,
    /// Where names are looked up.
    pub names: Arc<dyn Names>,
}

/// Makes connections, and keeps those that are not over for the next request.
pub struct Dial {
    network: Network,
    shown: Agent,
    hidden: Agent,
}

impl Dial {
    /// Returns who has not connected yet. An error: the proxy is none.
    pub fn new(parts: Parts) -> Result<Self, Error> {
        let Parts { network, shown, hidden, names } = parts;
        let agent = |tls: Tls| -> Result<Agent, Error> {
            let connector =
                ().chain(ConnectProxyConnector::default())
                    .chain(TcpConnector::default())
                    .chain(TlsConnector(tls));
            Ok(Agent::with_parts(config(&network)?, connector, ByNames(names.clone())))
        };
        let (shown, hidden) = (agent(shown)?, agent(hidden)?);
        Ok(Self { network, shown, hidden })
    }

    /// Limits, and a proxy.
    #[cfg(feature = "fleet")]
    pub(super) fn network(&self) -> &Network {
        &self.network
    }

    /// Returns who connects, as one who shows this device's certificate or as anybody.
    pub(super) fn agent(&self, identity: Identity) -> &Agent {
        match identity {
            Identity::Shown => &self.shown,
            Identity::Hidden => &self.hidden,
        }
    }

    /// What an error means for the transfer.
    pub(super) fn trouble(&self, error: ureq::Error, host: &str) -> Trouble {
        let Network { resolve_seconds, connect_seconds, answer_seconds, stall_seconds, .. } = &self.network;
        match error {
            ureq::Error::Timeout(stage) => Trouble::Broken(match stage {
                Timeout::Resolve => format!("the name {host} was not resolved within {resolve_seconds} s"),
                Timeout::Connect => format!("{host} could not be connected to within {connect_seconds} s"),
                Timeout::PerRead | Timeout::PerWrite | Timeout::RecvBody => {
                    format!("nothing came from {host} for {stall_seconds} s")
                }
                Timeout::Global => format!("{host} took too long for its answer"),
                _ => format!("{host} did not answer within {answer_seconds} s"),
            }),
            ureq::Error::HostNotFound => Trouble::Broken(format!("the name {host} can't be resolved")),
            ureq::Error::Io(error) => self.io_trouble(&error, host),
            ureq::Error::ConnectProxyFailed(why) => {
                Trouble::Broken(format!("the proxy does not connect: {why}"))
            }
            ureq::Error::Tls(why) => Trouble::Untrusted(format!("{host}: {why}")),
            other => Trouble::Malformed(other.to_string()),
        }
    }

    fn io_trouble(&self, error: &std::io::Error, host: &str) -> Trouble {
        let inner = error.get_ref();
        if let Some(error) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return tls::trouble(error, host);
        }
        if let Some(ureq::Error::Timeout(stage)) = inner.and_then(|inner| inner.downcast_ref::<ureq::Error>())
        {
            return self.trouble(ureq::Error::Timeout(*stage), host);
        }
        Trouble::Broken(match error.kind() {
            std::io::ErrorKind::UnexpectedEof => format!("{host} closed the connection in the middle"),
            _ => format!("the connection to {host} failed: {error}"),
        })
    }
}

/// ureq's own redirects, proxies from the environment, and errors for statuses are off: all of that is decided here.
fn config(network: &Network) -> Result<ureq::config::Config, Error> {
    let proxy = match &network.proxy {
        None => None,
        Some(proxy) => Some(Proxy::new(proxy).map_err(|error| {
            Error::Unusable(format!(
                "network.proxy: {proxy}: {error}; correct it, and build the initramfs anew"
            ))
        })?),
    };
    let Network { resolve_seconds, connect_seconds, answer_seconds, stall_seconds, .. } = network;
    let (answer, stall) = (Some(answer_seconds.as_duration()), Some(stall_seconds.as_duration()));
    Ok(Agent::config_builder()
        .proxy(proxy)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_response_header_size(MAX_HEAD)
        .user_agent(concat!("drydock/", env!("CARGO_PKG_VERSION")))
        .accept_encoding("identity")
        .timeout_resolve(Some(resolve_seconds.as_duration()))
        .timeout_connect(Some(connect_seconds.as_duration()))
        .timeout_send_request(answer)
        .timeout_recv_response(answer)
        .timeout_per_read(stall)
        .timeout_per_write(stall)
        .build())
}
