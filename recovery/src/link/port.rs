//! One interface: switched on, watched for its carrier, given addresses and routes, and left as it was.

use super::advertised::{self, Advertised};
use super::lending::{Change, Lending};
use super::netlink::{Netlink, Route};
use super::seen::{self, Seen};
use super::settings::Settings;
use super::view;
use crate::answer::{Answer, Result};
use drydock_config::{Address, Interface, Ipv4, Ipv6};
use drydock_engine::Error;
use drydock_lan::dhcp::Lease;
use drydock_lan::dns;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// What the kernel was told, and is told to forget again.
#[derive(Clone, Debug)]
enum Told {
    Address(Address),
    Route(Route),
}

/// One interface that is used.
#[derive(Debug)]
pub(super) struct Port {
    pub(super) seen: Seen,
    /// The interface whose tagged packets these are.
    pub(super) parent: Option<Seen>,
    interface: Interface,
    /// The metric of its routes: of two interfaces the one with the lower one is used.
    pub(super) metric: u32,
    /// The interface that was off before.
    switched: Option<u32>,
    /// They come back when it is closed.
    settings: Vec<Settings>,
    carrier: bool,
    lending: Option<Lending>,
    advertised: Option<Advertised>,
    /// What IPv4 was lent, or named by the configuration.
    told: Vec<Told>,
    lease: Option<Lease>,
    /// What went wrong last.
    trouble: Option<String>,
}

impl Port {
    /// Switches an interface on; with a tag it is made first.
    pub(super) fn open(
        netlink: &mut Netlink,
        seen: &Seen,
        interface: &Interface,
        metric: u32,
    ) -> Result<Self> {
        let (ipv6, auto) = (interface.ipv6 != Ipv6::Off, interface.ipv6 == Ipv6::Auto);
        let was_up = seen::is_up(&seen.name);
        // Before it is switched on: what it must not have it never gets. Packets without a tag are not asked for.
        let settings = match interface.vlan {
            Some(_) if was_up => Settings::default(),
            Some(_) => Settings::apply(&seen.name, false, false, metric),
            None => Settings::apply(&seen.name, ipv6, auto, metric),
        };
        let mut port = Self {
            seen: seen.clone(),
            parent: None,
            interface: interface.clone(),
            metric,
            switched: None,
            settings: vec![settings],
            carrier: false,
            lending: None,
            advertised: None,
            told: vec![],
            lease: None,
            trouble: None,
        };
        match port.switch_on(netlink, was_up) {
            Ok(()) => Ok(port),
            Err(error) => {
                port.close(netlink);
                Err(error)
            }
        }
    }

    fn switch_on(&mut self, netlink: &mut Netlink, was_up: bool) -> Result<()> {
        if !was_up {
            netlink.set_up(self.seen.index, true)?;
            self.switched = Some(self.seen.index);
        }
        let Some(id) = self.interface.vlan else { return Ok(()) };
        let name = format!("{}.{id}", self.seen.name);
        netlink.add_vlan(self.seen.index, &name, id)?;
        let made = seen::look(&name).ok_or_else(|| Error::Missing {
            what: format!("the interface {name}"),
            advice: "it was made a moment ago: is /sys mounted?".into(),
        })?;
        self.parent = Some(std::mem::replace(&mut self.seen, made));
        let (ipv6, auto) = (self.interface.ipv6 != Ipv6::Off, self.interface.ipv6 == Ipv6::Auto);
        self.settings.push(Settings::apply(&name, ipv6, auto, self.metric));
        netlink.set_up(self.seen.index, true)
    }

    /// Returns the tag of its packets.
    pub(super) fn tag(&self) -> Option<u16> {
        self.interface.vlan
    }

    /// Returns when it wants to be called next.
    pub(super) fn wake(&self) -> Duration {
        let lending = self.lending.as_ref().map(Lending::wake);
        let advertised = self.advertised.as_ref().map(Advertised::wake);
        lending.into_iter().chain(advertised).min().unwrap_or(Duration::MAX)
    }

    /// Returns what is to be waited on.
    pub(super) fn sockets(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let lending = self.lending.iter().flat_map(Lending::sockets);
        lending.chain(self.advertised.as_ref().map(Advertised::socket))
    }

    /// Takes in what has come and does what is due. Returns what is worth telling.
    pub(super) fn go_on(&mut self, netlink: &mut Netlink, now: Duration) -> Vec<String> {
        let mut news = Vec::new();
        let carrier = seen::has_carrier(&self.seen.name);
        if carrier != self.carrier {
            self.carrier = carrier;
            if carrier {
                self.connect(netlink, now);
            } else {
                self.disconnect(netlink);
                news.push(format!("{}: the carrier is gone", self.seen.name));
            }
        }
        let mut changes = Vec::new();
        if let Some(lending) = &mut self.lending {
            changes.extend(lending.receive(now));
            changes.extend(lending.time(now));
        }
        if let Some(advertised) = &mut self.advertised {
            advertised.receive(now);
            advertised.time(now);
        }
        for change in changes {
            match change {
                Change::Use(lease) => self.use_lease(netlink, lease),
                Change::Drop(loss) => {
                    if self.lease.take().is_some() {
                        self.forget(netlink);
                    }
                    news.push(format!("{}: {loss}", self.seen.name));
                    self.trouble = Some(loss.to_string());
                }
            }
        }
        news
    }

    /// Something is connected at the other end.
    fn connect(&mut self, netlink: &mut Netlink, now: Duration) {
        self.trouble = None;
        match self.interface.ipv4 {
            Ipv4::Dhcp => {
                let lending = Lending::start(&self.seen, now);
                self.lending = lending.map_err(|error| self.trouble = Some(error.to_string())).ok();
            }
            Ipv4::Static | Ipv4::Off => {}
        }
        if self.interface.ipv6 == Ipv6::Auto {
            let advertised = Advertised::start(&self.seen, now);
            self.advertised = advertised.map_err(|error| self.trouble = Some(error.to_string())).ok();
        }
        for address in self.interface.addresses.clone() {
            self.tell(netlink, Told::Address(address));
        }
        for gateway in self.interface.gateways.clone() {
            let everywhere = match gateway {
                IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            };
            let route = Route {
                to: everywhere,
                prefix: 0,
                via: Some(gateway),
                onlink: false,
                from: None,
                metric: self.metric,
            };
            self.tell(netlink, Told::Route(route));
        }
    }

    fn disconnect(&mut self, netlink: &mut Netlink) {
        self.forget(netlink);
        (self.lending, self.advertised, self.lease) = (None, None, None);
    }

    /// Connections outlive a renewal that changes nothing of what the kernel knows.
    fn use_lease(&mut self, netlink: &mut Netlink, lease: Lease) {
        self.trouble = None;
        let known = |held: &Lease| {
            (held.address, held.prefix, &held.routes) == (lease.address, lease.prefix, &lease.routes)
        };
        if self.lease.as_ref().is_none_or(|held| !known(held)) {
            self.forget(netlink);
            self.tell_lease(netlink, &lease);
        }
        self.lease = Some(lease);
    }

    fn tell_lease(&mut self, netlink: &mut Netlink, lease: &Lease) {
        self.tell(netlink, Told::Address(Address { ip: lease.address.into(), prefix: lease.prefix }));
        // A router that is not in the network itself is reached by a route of its own, which must be there first.
        let (near, far): (Vec<_>, Vec<_>) = lease.routes.iter().partition(|route| route.via.is_none());
        for route in near.into_iter().chain(far) {
            let route = Route {
                to: route.to.into(),
                prefix: route.prefix,
                via: route.via.map(IpAddr::V4),
                onlink: route.via.is_some_and(|via| !lease.is_near(via)),
                from: Some(lease.address.into()),
                metric: self.metric,
            };
            self.tell(netlink, Told::Route(route));
        }
    }

    /// What is there already is somebody else's, and stays.
    fn tell(&mut self, netlink: &mut Netlink, told: Told) {
        let done = match &told {
            Told::Address(address) => netlink.add_address(self.seen.index, address),
            Told::Route(route) => netlink.add_route(self.seen.index, route),
        };
        match done {
            Ok(()) => self.told.push(told),
            Err(error) if error.is(nix::libc::EEXIST) => {}
            Err(error) => self.trouble = Some(error.to_string()),
        }
    }

    /// Takes addresses and routes back, the last one first.
    fn forget(&mut self, netlink: &mut Netlink) {
        for told in self.told.drain(..).rev() {
            // A route may have gone with its address.
            let _ = match told {
                Told::Address(address) => netlink.delete_address(self.seen.index, &address),
                Told::Route(route) => netlink.delete_route(self.seen.index, &route),
            };
        }
    }

    /// Returns what it is at the moment.
    pub(super) fn view(&self) -> view::Port {
        let mut addresses = Vec::new();
        let mut servers = Vec::new();
        if self.carrier {
            let own = self.interface.addresses.iter().filter(|address| address.ip.is_ipv4());
            addresses.extend(own.copied());
            if let Some(lease) = &self.lease {
                addresses.push(Address { ip: lease.address.into(), prefix: lease.prefix });
                let dns = lease.dns.iter().map(|&server| SocketAddr::from((server, dns::PORT)));
                servers.extend(dns);
            }
            addresses.extend(advertised::addresses(&self.seen.name));
            servers.extend(self.advertised.iter().flat_map(Advertised::servers));
        }
        let by_lease = self.lease.as_ref().is_some_and(Lease::has_way_out);
        let by_router = self.advertised.as_ref().is_some_and(Advertised::has_way_out);
        view::Port {
            name: self.seen.name.clone(),
            has_way_out: by_lease || by_router || !self.interface.gateways.is_empty(),
            lacks: if addresses.is_empty() { self.lacks() } else { String::new() },
            addresses,
            dns: servers,
        }
    }

    fn lacks(&self) -> String {
        if !self.carrier {
            return "no carrier: is the cable in, and the other end on?".into();
        }
        let lending = self.lending.as_ref().map(|lending| {
            if lending.has_been_answered() {
                "a DHCP server has lent nothing yet"
            } else {
                "no DHCP server answers"
            }
        });
        let advertised = self.advertised.as_ref().map(Advertised::lacks);
        let parts = [self.trouble.as_deref(), lending, advertised];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    /// Leaves the interface as it was.
    pub(super) fn close(mut self, netlink: &mut Netlink) {
        self.disconnect(netlink);
        if self.parent.is_some() {
            let _ = netlink.delete_link(self.seen.index);
        }
        if let Some(index) = self.switched {
            let _ = netlink.set_up(index, false);
        }
    }
}
