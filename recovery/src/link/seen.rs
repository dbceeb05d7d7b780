//! The interfaces that the kernel has, and which of them the configuration means.

use drydock_config::Interface;
use drydock_lan::Mac;
use std::fs;
use std::path::Path;

const FOLDER: &str = "/sys/class/net";

/// An Ethernet interface as the kernel shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) name: String,
    pub(super) index: u32,
    pub(super) mac: Mac,
    /// Its path below `/sys/devices`.
    pub(super) path: String,
    pub(super) wireless: bool,
}

/// Returns every Ethernet interface, in the order in which the kernel has found them.
pub(super) fn all() -> Vec<Seen> {
    let entries = fs::read_dir(FOLDER).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut all: Vec<Seen> = Vec::new();
    for seen in names.filter_map(|name| look(&name)) {
        // There are a handful; the library's sorting would be a hundredth of the whole.
        let place = all.partition_point(|other| other.index < seen.index);
        all.insert(place, seen);
    }
    all
}

/// Returns the Ethernet interface of this name, if there is one.
pub(super) fn look(name: &str) -> Option<Seen> {
    const ETHERNET: &str = "1";
    let folder = Path::new(FOLDER).join(name);
    if attribute(name, "type")? != ETHERNET {
        return None;
    }
    Some(Seen {
        name: name.into(),
        index: attribute(name, "ifindex")?.parse().ok()?,
        mac: parse_mac(&attribute(name, "address")?)?,
        path: fs::canonicalize(&folder).ok()?.to_string_lossy().into_owned(),
        wireless: folder.join("phy80211").exists() || folder.join("wireless").exists(),
    })
}

/// Whether something is connected at the other end. An interface that is off has no carrier.
pub(super) fn has_carrier(name: &str) -> bool {
    attribute(name, "carrier").is_some_and(|carrier| carrier == "1")
}

/// Whether an interface is switched on.
pub(super) fn is_up(name: &str) -> bool {
    let flags = attribute(name, "flags");
    let flags = flags.and_then(|flags| u32::from_str_radix(flags.strip_prefix("0x")?, 16).ok());
    flags.is_some_and(|flags| flags & 1 != 0)
}

fn attribute(name: &str, attribute: &str) -> Option<String> {
    let text = fs::read_to_string(Path::new(FOLDER).join(name).join(attribute)).ok()?;
    Some(text.trim().to_owned())
}

/// Returns the place among the configured interfaces of the first one that means this one, with that tag.
pub(super) fn fitting(configured: &[Interface], seen: &Seen, vlan: Option<u16>) -> Option<usize> {
    configured.iter().position(|interface| interface.vlan == vlan && fits(interface, seen))
}

/// Whether an interface is meant. One that is no piece of hardware (a bridge, a tunnel) must be named.
fn fits(interface: &Interface, seen: &Seen) -> bool {
    let name = match &interface.name {
        Some(pattern) => fits_pattern(pattern.as_bytes(), seen.name.as_bytes()),
        None => !seen.path.starts_with("/sys/devices/virtual/"),
    };
    // Who asks for a wireless interface says so by any condition.
    let unasked =
        seen.wireless && interface.name.is_none() && interface.mac.is_none() && interface.bus.is_none();
    let mac = interface.mac.as_ref().is_none_or(|mac| parse_mac(mac) == Some(seen.mac));
    let bus = interface.bus.as_ref().is_none_or(|bus| seen.path.contains(bus.as_str()));
    name && mac && bus && !unasked
}

/// Whether a name fits a pattern, in which `*` stands for any characters.
pub(super) fn fits_pattern(pattern: &[u8], name: &[u8]) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some((b'*', rest)) => (0..=name.len()).any(|at| fits_pattern(rest, &name[at..])),
        Some((first, rest)) => {
            name.split_first().is_some_and(|(own, name)| own == first && fits_pattern(rest, name))
        }
    }
}

fn parse_mac(text: &str) -> Option<Mac> {
    let octets: Option<Vec<_>> = text.split(':').map(|part| u8::from_str_radix(part, 16).ok()).collect();
    octets?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(name: &str, path: &str) -> Seen {
        let path = format!("/sys/devices/{path}/net/{name}");
        Seen { name: name.into(), index: 2, mac: [2, 0, 0, 0, 0, 7], path, wireless: name.starts_with('w') }
    }

    fn named(name: &str) -> Interface {
        Interface { name: Some(name.into()), ..Interface::default() }
    }

    #[test]
    fn an_interface_is_meant_where_every_condition_holds() {
        let card = seen("eth0", "pci0000:00/0000:00:03.0/virtio0");
        for (pattern, fits_it) in
            [("eth0", true), ("e*", true), ("*0", true), ("*", true), ("eth", false), ("en*", false)]
        {
            assert_eq!(fits(&named(pattern), &card), fits_it, "{pattern}");
        }
        let mac = |mac: &str| Interface { mac: Some(mac.into()), ..Interface::default() };
        assert!(fits(&mac("02:00:00:00:00:07"), &card) && !fits(&mac("02:00:00:00:00:08"), &card));
        let bus = |bus: &str| Interface { bus: Some(bus.into()), ..Interface::default() };
        assert!(fits(&bus("0000:00:03.0"), &card) && !fits(&bus("0000:00:04.0"), &card));
        assert!(!fits(&Interface { bus: Some("0000:00:04.0".into()), ..named("eth0") }, &card));
    }

    #[test]
    fn without_a_condition_the_wired_hardware_is_meant() {
        let any = Interface::default();
        assert!(fits(&any, &seen("eth0", "pci0000:00/0000:00:03.0")));
        assert!(!fits(&any, &seen("docker0", "virtual")));
        assert!(!fits(&any, &seen("wlan0", "pci0000:00/0000:00:04.0")));
        assert!(fits(&named("wlan*"), &seen("wlan0", "pci0000:00/0000:00:04.0")));
        assert!(fits(&named("br0"), &seen("br0", "virtual")));
    }

    #[test]
    fn the_first_that_fits_decides_and_each_tag_is_an_interface_of_its_own() {
        let card = seen("eth0", "pci0000:00/0000:00:03.0");
        let tagged = Interface { vlan: Some(7), ..named("eth0") };
        let configured = [named("eth1"), tagged, named("eth*"), named("eth0")];
        assert_eq!(fitting(&configured, &card, None), Some(2));
        assert_eq!(fitting(&configured, &card, Some(7)), Some(1));
        assert_eq!(fitting(&configured, &card, Some(8)), None);
    }
}
