//! Addresses of bundles, and where a redirect may lead.

use crate::head::shown;
use std::fmt;

/// How many redirects are followed for one request.
pub const MAX_REDIRECTS: usize = 5;
/// The longest address in bytes.
const MAX_ADDRESS: usize = 2000;

/// Where a file is: an `http` or `https` URL without user name, password and fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    secure: bool,
    /// Host and port as they are written, in lower case.
    authority: String,
    /// From the first slash on.
    path: String,
}

/// Who answers: whether by TLS, and host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Whether by TLS.
    pub secure: bool,
    /// The host: a name, an IPv4 address, or an IPv6 address in brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// Why something is no address to fetch from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadAddress(&'static str);

impl fmt::Display for BadAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for BadAddress {}

impl Address {
    /// Reads a URL (RFC 3986).
    pub fn parse(text: &str) -> Result<Self, BadAddress> {
        if text.len() > MAX_ADDRESS {
            return Err(BadAddress("it is longer than 2000 bytes"));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(BadAddress("it has characters that must be percent-encoded"));
        }
        let (scheme, rest) = text.split_once("://").ok_or(BadAddress("it does not begin with https://"))?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(BadAddress("only https:// and http:// are known")),
        };
        if rest.contains('#') {
            return Err(BadAddress("it has a part behind `#`, which no server sees"));
        }
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(BadAddress(
                "it has a user name in it, which would be kept and shown; use a client certificate",
            ));
        }
        let address = Self {
            secure,
            authority: authority.to_ascii_lowercase(),
            path: if path.starts_with('/') { path.into() } else { format!("/{path}") },
        };
        match address.split() {
            Some(_) => Ok(address),
            None => Err(BadAddress("its host or port is not one")),
        }
    }

    /// Host and port, if they can be ones.
    fn split(&self) -> Option<(&str, u16)> {
        let default = if self.secure { 443 } else { 80 };
        let bracket = self.authority.rfind(']').map_or(0, |end| end + 1);
        let (host, port) = match self.authority.get(bracket..)?.find(':') {
            Some(colon) => self.authority.split_at_checked(bracket + colon)?,
            None => (self.authority.as_str(), ""),
        };
        let port = match port.strip_prefix(':') {
            Some(number) if number.bytes().all(|byte| byte.is_ascii_digit()) => number.parse().ok()?,
            Some(_) => return None,
            None => default,
        };
        let good = match host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
            Some(inner) => inner.parse::<core::net::Ipv6Addr>().is_ok(),
            None => {
                (1..=253).contains(&host.len())
                    && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
            }
        };
        (good && port > 0).then_some((host, port))
    }

    /// Who answers there.
    pub fn place(&self) -> Place {
        let (host, port) = self.split().unwrap_or_default();
        Place { secure: self.secure, host: host.into(), port }
    }

    /// Where a redirect's `Location` leads from here (RFC 3986, 5.2, as far as servers use it).
    pub fn join(&self, location: &str) -> Result<Self, BadAddress> {
        let location = location.split('#').next().unwrap_or_default();
        let scheme = if self.secure { "https" } else { "http" };
        if location.contains("://") && location.find("://") < location.find(['/', '?']) {
            return Self::parse(location);
        }
        if location.starts_with("//") {
            return Self::parse(&format!("{scheme}:{location}"));
        }
        let folder = match self.path.split('?').next().and_then(|path| path.rsplit_once('/')) {
            Some((folder, _)) => folder,
            None => "",
        };
        match location {
            "" => Err(BadAddress("it leads nowhere")),
            path if path.starts_with('/') => Self::parse(&format!("{scheme}://{}{path}", self.authority)),
            path => Self::parse(&format!("{scheme}://{}{folder}/{path}", self.authority)),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority, self.path)
    }
}

/// Whether a server may see who this device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// It is the one that was configured: it may see the client certificate.
    Shown,
    /// It is another one, which a redirect has led to.
    Hidden,
}

/// The way from an address through redirects.
#[derive(Clone, Debug)]
pub struct Trail {
    origin: Place,
    at: Address,
    redirects: usize,
}

impl Trail {
    /// The way begins here.
    pub fn new(address: &Address) -> Self {
        Self { origin: address.place(), at: address.clone(), redirects: 0 }
    }

    /// Where it has led so far.
    pub fn at(&self) -> &Address {
        &self.at
    }

    /// Whether who answers there may see who this device is: only where it began, by name, port and TLS.
    pub fn identity(&self) -> Identity {
        if self.at.place() == self.origin { Identity::Shown } else { Identity::Hidden }
    }

    /// Follows a redirect. An error says why nobody shall go there.
    pub fn follow(&mut self, location: &str) -> Result<(), String> {
        if self.redirects >= MAX_REDIRECTS {
            return Err(format!("the server sends on more than {MAX_REDIRECTS} times"));
        }
        let next = self.at.join(location);
        let next = next.map_err(|why| format!("the server sends on to `{}`, and {why}", shown(location)))?;
        if self.at.secure && !next.secure {
            return Err(format!("the server sends on from https to {next}, which is refused"));
        }
        self.redirects += 1;
        self.at = next;
        Ok(())
    }
}
