//! One request, in all its stages.

use super::manners::{Manners, Pauses};
use super::names::{ByNames, Names};
use super::tls::{self, Tls};
use super::transport::TlsConnector;
use drydock_config::Network;
use drydock_engine::Error;
use drydock_engine::fetch::{Contact, Failed, Remote, Take};
use drydock_transfer::{Address, Asked, Body, Head, Identity, Shape, Trail, Trouble};
use std::io::Read;
use std::sync::Arc;
use ureq::unversioned::transport::{ConnectProxyConnector, Connector, TcpConnector};
use ureq::{Agent, Proxy, Timeout};

/// The most bytes of the head of an answer.
const MAX_HEAD: usize = 32 << 10;

/// What a client is made of.
pub struct Parts {
    /// The addresses of the file, the first one first.
    pub mirrors: Vec<Address>,
    /// Limits, and a proxy.
    pub network: Network,
    /// For the places that were configured: with our certificate, and their pinned name.
    pub shown: Tls,
    /// For those that redirects lead to.
    pub hidden: Tls,
    /// Where names are looked up.
    pub names: Arc<dyn Names>,
    /// How fast it may be.
    pub manners: Manners,
}

/// A file on servers.
pub struct Client {
    mirrors: Vec<Address>,
    network: Network,
    shown: Agent,
    hidden: Agent,
    pauses: Pauses,
}

impl Client {
    /// Returns a client that has not connected yet. An error: the proxy is none.
    pub fn new(parts: Parts) -> Result<Self, Error> {
        let Parts { mirrors, network, shown, hidden, names, manners } = parts;
        let agent = |tls: Tls| -> Result<Agent, Error> {
            let connector =
                ().chain(ConnectProxyConnector::default())
                    .chain(TcpConnector::default())
                    .chain(TlsConnector(tls));
            Ok(Agent::with_parts(config(&network)?, connector, ByNames(names.clone())))
        };
        let (shown, hidden) = (agent(shown)?, agent(hidden)?);
        Ok(Self { mirrors, shown, hidden, network, pauses: Pauses::new(manners) })
    }

    /// Sends one request, and follows where it is sent on to. Returns the head of the answer, and its body.
    fn ask(&self, address: &Address, asked: &Asked) -> Result<(Head, ureq::Body), Trouble> {
        let mut trail = Trail::new(address);
        loop {
            let agent = match trail.identity() {
                Identity::Shown => &self.shown,
                Identity::Hidden => &self.hidden,
            };
            let mut request = agent.get(trail.at().to_string()).header("Range", asked.ranges.header());
            if let Some(etag) = &asked.etag {
                request = request.header("If-Range", etag.as_str());
            }
            let host = trail.at().place().host;
            let answer = request.call().map_err(|error| self.trouble(error, &host))?;
            let mut head = Head::new(answer.status().as_u16());
            for (name, value) in answer.headers() {
                head.note(name.as_str(), value.to_str().unwrap_or_default());
            }
            match head.redirects() {
                Some(location) => trail.follow(location).map_err(Trouble::Redirect)?,
                None => return Ok((head, answer.into_body())),
            }
        }
    }

    /// What an error means for the transfer.
    fn trouble(&self, error: ureq::Error, host: &str) -> Trouble {
        let Network { resolve_seconds, connect_seconds, answer_seconds, stall_seconds, .. } = &self.network;
        match error {
            ureq::Error::Timeout(stage) => Trouble::Broken(match stage {
                Timeout::Resolve => format!("the name {host} was not resolved within {resolve_seconds} s"),
                Timeout::Connect => format!("{host} could not be connected to within {connect_seconds} s"),
                Timeout::PerRead | Timeout::PerWrite | Timeout::RecvBody => {
                    format!("nothing came from {host} for {stall_seconds} s")
                }
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

impl Remote for Client {
    fn mirrors(&self) -> Vec<String> {
        self.mirrors.iter().map(ToString::to_string).collect()
    }

    fn get(&mut self, mirror: usize, asked: &Asked, take: Take<'_>) -> Result<Contact, Failed> {
        let nowhere = || Failed::There(Trouble::Redirect("there is no such mirror".into()));
        let address = self.mirrors.get(mirror).ok_or_else(nowhere)?.clone();
        let host = address.place().host;
        let (head, answer) = self.ask(&address, asked)?;
        let judged = head.judge(asked)?;
        let mut body = Body::new(&judged, asked)?;
        let mut reader = answer.into_reader();
        let mut buffer = vec![0; 64 << 10];
        loop {
            // Of a whole file nothing is read beyond what was asked for; what else may follow makes the connection fit for
            // another request.
            if body.is_enough() && judged.shape == Shape::Whole {
                break;
            }
            let read = reader.read(&mut buffer);
            let count = match read.map_err(|error| self.trouble(error.into(), &host)) {
                Ok(count) => count,
                Err(_) if body.is_enough() => break,
                Err(trouble) => return Err(trouble.into()),
            };
            let Some(mut input) = buffer.get(..count).filter(|input| !input.is_empty()) else { break };
            while let Some(piece) = body.next(&mut input)? {
                take(piece.offset, piece.bytes).map_err(Failed::Here)?;
            }
            std::thread::sleep(self.pauses.after(count));
        }
        body.finish()?;
        let unknown = || Trouble::Malformed("nobody says how long the file is".into());
        let length = body.length().or(asked.length).ok_or_else(unknown)?;
        Ok(Contact { length, etag: judged.etag })
    }
}
