//! From an address and the configuration to a transfer.

use super::client::Client;
use super::clock::{RealPace, Wall};
use super::dial::{Dial, Parts};
use super::identity::{DeviceIdentity, PemIdentity, authorities};
use super::linked::LinkedNames;
use super::manners::Manners;
use super::names::{Names, SystemNames};
use super::tls::{Tls, client_config};
use super::token::Token;
use crate::link;
use crate::machine::Hardware;
use drydock_config::Network;
use drydock_engine::Error;
use drydock_engine::fetch::{Session, Stream};
use drydock_engine::machine::{Place, Setting, Volumes};
use drydock_engine::state::Seen;
use drydock_engine::volume::data;
use drydock_transfer::{Address, Waits};
use rustls_pki_types::ServerName;
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The longest PEM file of this device's certificate, or its key, in bytes.
const MAX_PEM: u64 = 64 << 10;

/// What servers that the configuration or an order names are shown of this device.
pub enum Showing {
    /// Nothing.
    Nothing,
    /// Its certificate, if it has one.
    Certificate,
    /// That, and this token.
    Token(Token),
}

/// Returns a transfer from this address, and from the mirrors that the configuration has for it. Nothing is connected yet.
pub fn session(
    machine: &Hardware<'_>,
    url: &str,
    manners: Manners,
    showing: Showing,
) -> Result<Session, Error> {
    let network = &machine.config().network;
    let mirrors = mirrors(url, &network.mirrors)?;
    if network.ca.is_empty() && mirrors.iter().any(|mirror| mirror.place().secure) {
        return Err(Error::Unusable(
            "the configuration names no authority for servers; add `network.ca`, and build the initramfs anew".into(),
        ));
    }
    let wall = Wall::of(&Seen::look(machine)?.record);
    let waits = Waits { fruitless: network.tries, ..Waits::default() };
    let quiet =
        [network.resolve_seconds, network.connect_seconds, network.answer_seconds, network.stall_seconds];
    let quiet = quiet.iter().map(|seconds| seconds.as_duration()).sum();
    let dial = dial_at(machine, wall, &showing)?;
    let token = match showing {
        Showing::Token(token) => Some(token),
        Showing::Nothing | Showing::Certificate => None,
    };
    let client = Client::new(mirrors, dial, token, manners);
    let events = machine.events().shared();
    Ok(Session::new(Box::new(client), Arc::new(RealPace(wall)), events, waits, quiet))
}

/// Returns who connects as the configuration says, with this device's certificate where it is shown.
pub fn dial(machine: &Hardware<'_>) -> Result<Dial, Error> {
    dial_at(machine, Wall::of(&Seen::look(machine)?.record), &Showing::Certificate)
}

fn dial_at(machine: &Hardware<'_>, wall: Wall, showing: &Showing) -> Result<Dial, Error> {
    let network = machine.config().network.clone();
    let roots = authorities(&network.ca)?;
    // Who is shown nothing is none of ours, and has a name of its own.
    let (identity, name) = match showing {
        Showing::Nothing => (None, None),
        Showing::Certificate | Showing::Token(_) => (identity(machine, &network)?, pinned(&network)?),
    };
    let identity = identity.as_ref().map(|identity| identity as &dyn DeviceIdentity);
    let shown = Tls { config: client_config(roots.clone(), wall, identity)?, name };
    let hidden = Tls { config: client_config(roots, wall, None)?, name: None };
    let names = names(machine)?;
    Dial::new(Parts { network, shown, hidden, names })
}

/// Connects to this address, for whoever reads the bundle there while it is installed.
pub fn stream(machine: &Hardware<'_>, url: &str) -> Result<Stream, Error> {
    Stream::open(session(machine, url, Manners::default(), Showing::Certificate)?)
}

/// The way to names. In recovery nobody else has brought a network up: it is done here.
fn names(machine: &Hardware<'_>) -> Result<Arc<dyn Names>, Error> {
    Ok(match machine.is_process_one() {
        true => Arc::new(LinkedNames(linked(machine)?)),
        false => Arc::new(SystemNames),
    })
}

/// Returns the network, which is brought up now, or was before: for the page, or by hand. It is down again when nobody has it any
/// more.
pub(crate) fn linked(machine: &Hardware<'_>) -> Result<Arc<link::Network>, Error> {
    let config = &machine.config().network;
    #[cfg(feature = "service")]
    if let Some(network) = machine.kept_network() {
        network.reach(config, machine.events())?;
        return Ok(network);
    }
    Ok(Arc::new(link::up(config, machine.events())?))
}

/// Returns the address, and that of the same file on each mirror.
fn mirrors(url: &str, more: &[String]) -> Result<Vec<Address>, Error> {
    let read = |text: &str| {
        Address::parse(text)
            .map_err(|why| Error::Usage(format!("`{text}` is no address of a bundle: {why}; correct it")))
    };
    let first = read(url)?;
    let text = first.to_string();
    let path = text.split_once("://").and_then(|(_, rest)| Some(rest.split_at(rest.find('/')?).1));
    let path = path.unwrap_or_default().to_owned();
    let mut all = vec![first];
    for mirror in more {
        all.push(read(&format!("{}{path}", mirror.trim_end_matches('/')))?);
    }
    Ok(all)
}

fn pinned(network: &Network) -> Result<Option<ServerName<'static>>, Error> {
    let Some(name) = &network.server_name else { return Ok(None) };
    let pinned = ServerName::try_from(name.clone());
    pinned.map(Some).map_err(|_| {
        Error::Unusable(format!(
            "network.server_name: `{name}` is no name; correct it, and build the initramfs anew"
        ))
    })
}

/// Who this device is, if the configuration says so: two files on the data volume.
fn identity(machine: &Hardware<'_>, network: &Network) -> Result<Option<PemIdentity>, Error> {
    let (Some(certificate), Some(key)) = (&network.client_certificate, &network.client_key) else {
        return Ok(None);
    };
    data::for_reading(machine)?;
    let files = machine.files(Place::Data);
    let read = |path: &str| {
        let inside = Path::new(path.trim_start_matches('/'));
        let advice = "it must be on the data volume, as `network.client_certificate` and `client_key` say";
        files.read(inside, MAX_PEM).map_err(Error::system("reading", path, advice))
    };
    Ok(Some(PemIdentity { certificate: read(certificate)?, key: Zeroizing::new(read(key)?) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_takes_the_place_of_the_host_and_keeps_the_path() {
        let more = ["https://b.example/m/".to_owned(), "http://10.0.0.1:8080".to_owned()];
        let all = mirrors("https://a.example/x/v2.drydock?t=1", &more).unwrap();
        let all: Vec<_> = all.iter().map(ToString::to_string).collect();
        assert_eq!(
            all,
            [
                "https://a.example/x/v2.drydock?t=1",
                "https://b.example/m/x/v2.drydock?t=1",
                "http://10.0.0.1:8080/x/v2.drydock?t=1"
            ]
        );
        assert!(mirrors("a.example/x", &[]).is_err());
    }
}
