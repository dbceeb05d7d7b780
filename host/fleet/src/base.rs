//! Where the server is.

use crate::Error;
use drydock_transfer::Address;
use std::net::IpAddr;

/// Whether a password may go over a network that anyone can listen to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain {
    /// Only to this machine.
    Loopback,
    /// To anyone: `--insecure-http`.
    Anywhere,
}

/// The address of a server, without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    text: String,
    secure: bool,
    loopback: bool,
}

impl Base {
    /// Reads a URL. An error: it is none, or one without TLS that leads off this machine where that is not asked for.
    pub fn parse(text: &str, plain: Plain) -> Result<Self, Error> {
        let refused = |problem: String| Error::Input { what: format!("the server {text}"), problem };
        let address = Address::parse(text).map_err(|problem| refused(problem.to_string()))?;
        let place = address.place();
        let loopback = is_loopback(&place.host);
        if !place.secure && !loopback && plain == Plain::Loopback {
            let problem =
                "the password would go over the network in the clear; use https://, or say --insecure-http";
            return Err(refused(problem.into()));
        }
        let text = address.to_string();
        if text.contains('?') {
            return Err(refused("it has a part behind `?`".into()));
        }
        Ok(Self { text: text.trim_end_matches('/').into(), secure: place.secure, loopback })
    }

    /// Returns the URL of a path that begins with a slash.
    pub(crate) fn join(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }

    /// Returns the address for messages.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is reached by TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.secure
    }

    /// Whether it is on this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        self.loopback
    }
}

fn is_loopback(host: &str) -> bool {
    let inner = host.trim_matches(['[', ']']);
    host == "localhost" || inner.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_goes_in_the_clear_only_where_that_was_said() {
        for near in ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:80/x/", "https://h.example/"]
        {
            let base = Base::parse(near, Plain::Loopback).unwrap();
            assert!(!base.join("/rest").contains("//rest"), "{near}");
        }
        for far in ["http://h.example", "http://10.0.0.1", "http://localhost.example", "http://[::2]"] {
            assert!(Base::parse(far, Plain::Loopback).unwrap_err().to_string().contains("--insecure-http"));
            assert!(!Base::parse(far, Plain::Anywhere).unwrap().is_secure());
        }
        for none in ["", "h.example", "ftp://h", "https://h/?x", "https://user:x@h"] {
            assert!(Base::parse(none, Plain::Anywhere).is_err(), "{none}");
        }
    }
}
