//! A network that is set up at the console, on a device whose configuration has none.

use crate::device::{Device, LIMIT, config};
use drydock_qemu_tests::{Exit, Guest, Server, SmallSystem};
use std::net::TcpListener;
use std::time::Duration;

/// So long a screen may take to come on a busy host.
const SCREEN: Duration = Duration::from_secs(90);

/// Types an entry, and returns the screen that follows, up to its prompt.
fn enter(guest: &mut Guest, entry: &str, shown: &str) -> String {
    guest.send(&format!("{entry}\r")).unwrap();
    let before = guest.expect(shown, SCREEN).unwrap();
    before + &guest.expect("> ", SCREEN).unwrap()
}

#[test]
fn a_technician_sets_the_network_up_by_hand() {
    let menu = "[service]\naccess = \"open\"\nidle_seconds = 600\n\n[layout]\n";
    let changes = [
        ("[layout]\n", menu),
        ("menu_seconds = 0", "menu_seconds = 60"),
        ("\"erofs\"]", "\"erofs\", \"virtio_net\"]"),
    ];
    let system = SmallSystem::with_smaller_root("by-hand", &config(&changes)).unwrap();
    let device = Device::flashed("by-hand", system);
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = format!("{}:{}", Server::HOST, server.local_addr().unwrap().port());

    let mut guest = device.machine(None).network().start().unwrap();
    guest.choose("Recovery").unwrap();
    guest.expect("Goes on by itself in 600 s.", LIMIT).unwrap();
    guest.expect("> ", SCREEN).unwrap();
    enter(&mut guest, "9", "Network, as the configuration says");
    enter(&mut guest, "1", "the configuration has no [[network.interface]]");
    enter(&mut guest, "0", "13 restart");

    guest.cable(false).unwrap();
    enter(&mut guest, "9", "Network, as the configuration says");
    let links = enter(&mut guest, "3", "Interfaces;");
    assert!(links.contains(" 1 eth0") && links.contains("nothing connected"), "{links}");
    guest.cable(true).unwrap();
    enter(&mut guest, "0", "13 restart");
    enter(&mut guest, "9", "Network, as the configuration says");
    let links = enter(&mut guest, "3", "Interfaces;");
    assert!(links.contains(" 1 eth0") && !links.contains("nothing connected"), "{links}");
    enter(&mut guest, "1", "Network over eth0");
    enter(&mut guest, "2", "Address and length");
    enter(&mut guest, "10.0.2.99/24", "Gateway:");
    enter(&mut guest, "10.0.2.2", "DNS server:");
    enter(&mut guest, "-", "It works. eth0: 10.0.2.99/24");
    enter(&mut guest, "0", "13 restart");
    enter(&mut guest, "9", "Network by hand: eth0 10.0.2.99/24 via 10.0.2.2");
    enter(&mut guest, "2", "Server");
    enter(&mut guest, &place, &format!("{place} answers"));
    let (_, from) = server.accept().unwrap();
    assert!(from.ip().is_loopback());
    enter(&mut guest, "0", "13 restart");

    enter(&mut guest, "9", "Network by hand");
    enter(&mut guest, "3", "Interfaces;");
    enter(&mut guest, "1", "Network over eth0");
    let lent = enter(&mut guest, "1", "It works. eth0: 10.0.2.15/24");
    assert!(lent.contains("DNS 10.0.2.3"), "{lent}");
    enter(&mut guest, "0", "13 restart");
    enter(&mut guest, "9", "Network by hand: eth0 dhcp");
    enter(&mut guest, "4", "as the configuration says again");
    enter(&mut guest, "0", "13 restart");
    enter(&mut guest, "9", "Network, as the configuration says");
    enter(&mut guest, "1", "the configuration has no [[network.interface]]");
    enter(&mut guest, "0", "13 restart");
    guest.send("0\r").unwrap();
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);
    // Nothing of it was kept.
    let said = device.run(None, Exit::PowerOff);
    assert!(said.contains("DRYDOCK-TEST-UP set=a"), "{said}");
}
