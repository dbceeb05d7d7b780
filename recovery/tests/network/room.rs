//! Room on the data volume, with the real `drydock`: none for what is fetched, before it begins or in the middle; and what is
//! given back.

use crate::certificates::{Authority, EC};
use crate::device::{Device, HOST, impatient};
use crate::lab::Lab;
use crate::nginx::Nginx;
use crate::setup::{WORKSHOP, bundle};
use drydock_config::Network;

/// Leaves no room.
const FILL: &str = "head -c 99M /dev/zero > full || true";

#[test]
fn a_data_volume_that_is_full_is_told_before_or_in_the_middle_and_helps_itself_once_there_is_room() {
    let (lab, authority) = (Lab::connected(), Authority::new());
    let own = authority.certify("device-7", EC);
    let server = Nginx::in_lab(&lab, &authority, &authority.certify(HOST, EC), "limit_rate 40k;");
    server.put("3.drydock", bundle());
    let url = format!("https://{HOST}/3.drydock");
    let network = Network { ca: vec![authority.pem()], ..impatient() };
    let device = Device::new(&lab, network, &own);

    device.on_data(&format!("{FILL}; truncate -s -150K full"));
    let said = device.refuses(&url);
    assert!(said.contains("takes 3") && said.contains(" KiB where it is kept, and there are 1"), "{said}");
    assert!(said.contains("delete what nobody needs there"), "{said}");

    device.on_data("rm full");
    let drydock = device.drydock(&["stage", &url]);
    lab.await_received("e0", 150_000);
    device.on_data(FILL);
    let (ok, said) = drydock.wait();
    assert!(!ok && said.contains("No space left on device"), "{said}");
    assert!(said.contains("see that there is room on the data volume, and try again"), "{said}");

    device.on_data("rm full");
    let (ok, said) = device.drydock(&["stage", &url]).wait();
    assert!(ok && said.contains("version 3 is staged as intent 2"), "{said}");
}

#[test]
fn what_was_fetched_goes_when_its_set_is_marked_good_and_stays_until_then() {
    let (lab, authority) = (Lab::connected(), Authority::new());
    let own = authority.certify("device-7", EC);
    let server = Nginx::in_lab(&lab, &authority, &authority.certify(HOST, EC), "");
    let device = Device::new(&lab, Network { ca: vec![authority.pem()], ..impatient() }, &own);
    // Version 2 runs and is good, version 3 is still to come.
    for (version, left) in [("2", ""), ("3", "fetched.drydock\nfetched.drydock.claim\n")] {
        server.put("u.drydock", &WORKSHOP.version(version).bundle);
        let (ok, said) = device.drydock(&["fetch", &format!("https://{HOST}/u.drydock")]).wait();
        assert!(
            ok && said.contains(&format!("version {version} is in /srv/lib/drydock/fetched.drydock")),
            "{said}"
        );
        assert_eq!(device.on_data("ls lib/drydock"), "fetched.drydock\nfetched.drydock.claim\n");
        let (ok, said) = device.drydock(&["mark-good"]).wait();
        assert!(ok && said.contains("set b (2) is good, as before"), "{said}");
        assert_eq!(device.on_data("ls lib/drydock"), left);
    }
}
