//! Where a server's links lead.

use crate::Error;
use drydock_transfer::Address;
use serde_json::Value;
use std::fmt;

/// The longest tenant or device in an address, in bytes: what hawkBit takes of a device that registers itself.
const MAX_NAME: usize = 128;

/// The id of an order, as it stands in addresses: digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionId(pub u64);

impl fmt::Display for ActionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether links to other hosts are followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// None is.
    Refused,
    /// Those to these hosts are, over TLS: a place for artifacts.
    Allowed(Vec<String>),
}

/// Where a device asks: `SERVER/TENANT/controller/v1/DEVICE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    address: Address,
    foreign: Foreign,
}

impl Base {
    /// Puts it together. `None` where tenant or device have characters that are not `A-Z a-z 0-9 . _ -`, or too many.
    pub fn new(server: &Address, tenant: &str, device: &str, foreign: Foreign) -> Option<Self> {
        let good = |name: &str| {
            (1..=MAX_NAME).contains(&name.len())
                && !name.starts_with('.')
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        };
        if !good(tenant) || !good(device) {
            return None;
        }
        let server = server.to_string();
        let text = format!("{}/{tenant}/controller/v1/{device}", server.trim_end_matches('/'));
        Some(Self { address: Address::parse(&text).ok()?, foreign })
    }

    /// The address that is polled.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The address of a resource below it, without a slash in front: `deploymentBase/7/feedback`.
    pub fn below(&self, path: &str) -> Result<Address, Error> {
        let text = format!("{}/{path}", self.address);
        Address::parse(&text).map_err(|why| Error::Link { href: text, why: why.to_string() })
    }

    /// Where a link leads that the server has given. Of one to the server itself only the path counts: behind a proxy it often
    /// says `http` where the device has come by `https`, and a device never goes to a weaker scheme.
    pub fn follow(&self, href: &str) -> Result<Address, Error> {
        let link = |why: String| Error::Link { href: href.chars().take(200).collect(), why };
        let to = self.address.join(href).map_err(|why| link(why.to_string()))?;
        let (place, own) = (to.place(), self.address.place());
        if place.host == own.host {
            // Put together as a whole: a path that itself begins with a slash would be taken for another host.
            let (own, to) = (self.address.to_string(), to.to_string());
            let root: Vec<&str> = own.splitn(4, '/').take(3).collect();
            let path = to.splitn(4, '/').nth(3).unwrap_or_default();
            let text = format!("{}/{path}", root.join("/"));
            return Address::parse(&text).map_err(|why| link(why.to_string()));
        }
        match &self.foreign {
            Foreign::Allowed(hosts) if place.secure && hosts.contains(&place.host) => Ok(to),
            _ => Err(link(format!("it leads to {}, which the configuration does not allow", place.host))),
        }
    }
}

/// The link of this relation in an object, if there is one: `_links` has an object for each in JSON, and `links` a list in CBOR.
pub(crate) fn href<'v>(object: &'v Value, relation: &str) -> Option<&'v str> {
    let plain = || object.get("_links")?.get(relation)?.get("href")?.as_str();
    let listed = || {
        let links = object.get("links")?.as_array()?;
        let link = links.iter().find(|link| link.get("rel").and_then(Value::as_str) == Some(relation))?;
        link.get("href")?.as_str()
    };
    plain().or_else(listed)
}

/// The id of an order in the path of a link to it; what follows as a query changes, and says nothing.
pub(crate) fn action(href: &str, resource: &str) -> Result<ActionId, Error> {
    let path = href.split(['?', '#']).next().unwrap_or_default();
    let after = path.rsplit_once(&format!("/{resource}/")).map(|(_, after)| after);
    let id = after.filter(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()));
    id.and_then(|id| id.parse().ok()).map(ActionId).ok_or_else(|| Error::Link {
        href: href.chars().take(200).collect(),
        why: format!("it has no number behind {resource}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(foreign: Foreign) -> Base {
        Base::new(&Address::parse("https://fleet.example:8443").unwrap(), "DEFAULT", "pump-7", foreign)
            .unwrap()
    }

    #[test]
    fn a_device_asks_below_its_tenant() {
        assert_eq!(
            base(Foreign::Refused).below("configData").unwrap().to_string(),
            "https://fleet.example:8443/DEFAULT/controller/v1/pump-7/configData"
        );
        let server = Address::parse("https://a.example").unwrap();
        for name in ["", "a b", "a/b", "..", "ä", &"x".repeat(129)] {
            assert_eq!(Base::new(&server, "DEFAULT", name, Foreign::Refused), None, "{name}");
        }
    }

    #[test]
    fn of_a_link_to_the_server_only_the_path_counts() {
        let base = base(Foreign::Refused);
        for href in ["http://fleet.example/x/1?c=7", "https://FLEET.example:8443/x/1?c=7", "/x/1?c=7"] {
            assert_eq!(base.follow(href).unwrap().to_string(), "https://fleet.example:8443/x/1?c=7");
        }
    }

    #[test]
    fn a_path_that_looks_like_a_host_is_a_path() {
        for href in ["https://fleet.example//evil.example/x", "http://fleet.example:8443///evil.example/x"] {
            let to = base(Foreign::Refused).follow(href).unwrap();
            assert_eq!(to.place(), base(Foreign::Refused).address().place(), "{to}");
        }
    }

    #[test]
    fn a_link_to_another_host_is_followed_where_that_is_allowed_and_over_tls() {
        let allowed = Foreign::Allowed(vec!["cdn.example".into()]);
        assert!(base(allowed.clone()).follow("https://cdn.example/a").is_ok());
        for href in
            ["http://cdn.example/a", "https://evil.example/a", "//evil.example/a", "ftp://cdn.example/a"]
        {
            assert!(base(allowed.clone()).follow(href).is_err(), "{href}");
        }
        assert!(base(Foreign::Refused).follow("https://cdn.example/a").is_err());
    }

    #[test]
    fn an_orders_id_is_in_the_path() {
        let id = |href| action(href, "deploymentBase");
        assert_eq!(id("http://h/D/controller/v1/x/deploymentBase/12?c=-1234"), Ok(ActionId(12)));
        for href in [
            "http://h/deploymentBase/",
            "http://h/deploymentBase/1a",
            "http://h/x/1",
            "/deploymentBase/99999999999999999999",
        ] {
            assert!(id(href).is_err(), "{href}");
        }
    }
}
