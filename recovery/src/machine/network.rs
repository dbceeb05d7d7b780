//! The network as somebody has set it up at a console, or else as the configuration says.

use super::{Hardware, lock};
use crate::answer::Result;
use crate::link;
use drydock_config::{Address, Interface, Ipv4, Ipv6, Network};
use drydock_engine::machine::ByHand;
use std::sync::Arc;

impl Hardware<'_> {
    /// The network that is up already: the one that was set up by hand, or that of the page.
    pub fn kept_network(&self) -> Option<Arc<link::Network>> {
        let by_hand = lock(&self.by_hand).as_ref().map(|(_, network)| Arc::clone(network));
        #[cfg(feature = "lan")]
        let by_hand = by_hand.or_else(|| lock(&self.page).as_ref().and_then(crate::lan::Beside::network));
        by_hand
    }

    /// Takes the network down that is up, and brings up what was set up by hand, which stays up from now on. A page is on it, or
    /// again on what the configuration says.
    pub(super) fn set_up(&self, by_hand: Option<ByHand>) -> Result<()> {
        self.take_network_down();
        let network = by_hand
            .as_ref()
            .map_or_else(|| self.config.network.clone(), |by_hand| over(by_hand, &self.config.network));
        let begin = || link::begin("*", &network, self.events).map(Arc::new);
        if let Some(by_hand) = by_hand {
            *lock(&self.by_hand) = Some((by_hand, begin()?));
        }
        #[cfg(feature = "lan")]
        if let Some(page) = &*lock(&self.page) {
            let kept = lock(&self.by_hand).as_ref().map(|(_, network)| Arc::clone(network));
            page.be_on(Some(kept.map_or_else(begin, Ok)?));
        }
        Ok(())
    }

    /// Nothing of it is up any more; what the next system's network begins from is what was there before.
    pub(super) fn take_network_down(&self) {
        #[cfg(feature = "lan")]
        if let Some(page) = &*lock(&self.page) {
            page.be_on(None);
        }
        drop(lock(&self.by_hand).take());
    }
}

/// The configuration with what was set up by hand in place of its interfaces.
fn over(by_hand: &ByHand, config: &Network) -> Network {
    let v4 = by_hand.address.map(|(ip, _)| ip.is_ipv4());
    let interface = Interface {
        name: Some(by_hand.link.clone()),
        ipv4: match v4 {
            None => Ipv4::Dhcp,
            Some(true) => Ipv4::Static,
            Some(false) => Ipv4::Off,
        },
        ipv6: match v4 {
            None => Ipv6::Auto,
            Some(true) => Ipv6::Off,
            Some(false) => Ipv6::Static,
        },
        addresses: by_hand.address.iter().map(|&(ip, prefix)| Address { ip, prefix }).collect(),
        gateways: by_hand.gateway.into_iter().collect(),
        ..Interface::default()
    };
    let dns = by_hand.dns.map_or_else(|| config.dns.clone(), |dns| vec![dns]);
    Network { interfaces: vec![interface], dns, ..config.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_by_hand_takes_the_place_of_the_configured_interfaces_and_of_nothing_else() {
        let config = Network {
            dns: vec!["10.0.0.53".parse().unwrap()],
            interfaces: vec![Interface::default(), Interface { vlan: Some(7), ..Interface::default() }],
            tries: 3,
            ..Network::default()
        };
        let lent = ByHand { link: "eth1".into(), address: None, gateway: None, dns: None };
        let network = over(&lent, &config);
        let only = Interface { name: Some("eth1".into()), ..Interface::default() };
        assert_eq!((&network.interfaces[..], network.tries), (&[only][..], 3));
        assert_eq!(network.dns, config.dns);
        for (ip, prefix, gateway, ipv4, ipv6) in [
            ("192.168.7.2", 24, "192.168.7.1", Ipv4::Static, Ipv6::Off),
            ("fd00::2", 64, "fd00::1", Ipv4::Off, Ipv6::Static),
        ] {
            let (ip, gateway) = (ip.parse().unwrap(), gateway.parse().unwrap());
            let typed = ByHand {
                address: Some((ip, prefix)),
                gateway: Some(gateway),
                dns: Some(gateway),
                ..lent.clone()
            };
            let network = over(&typed, &config);
            let [interface] = &network.interfaces[..] else { panic!("{network:?}") };
            assert_eq!((interface.ipv4, interface.ipv6), (ipv4, ipv6));
            assert_eq!(interface.addresses, [Address { ip, prefix }]);
            assert_eq!((&interface.gateways, network.dns), (&vec![gateway], vec![gateway]));
        }
    }
}
