//! A data volume that has no room for what the real `drydock` fetches: before it begins, and in the middle.

use crate::certificates::{Authority, EC};
use crate::device::{Device, HOST, impatient};
use crate::lab::Lab;
use crate::nginx::Nginx;
use crate::setup::{MOMENTS, bundle};
use drydock_config::Network;

/// Leaves no room.
const FILL: &str = "head -c 99M /dev/zero > full || true";

#[test]
fn a_data_volume_that_is_full_is_told_before_or_in_the_middle_and_what_came_is_gone_on_with() {
    let (lab, authority) = (Lab::connected(), Authority::new());
    let own = authority.certify("device-7", EC);
    let server = Nginx::in_lab(&lab, &authority, &authority.certify(HOST, EC), "limit_rate 40k;");
    server.put("3.drydock", bundle());
    let url = format!("https://{HOST}/3.drydock");
    let network = Network { ca: vec![authority.pem()], ..impatient() };
    let device = Device::new(&lab, &MOMENTS.second, network, &own, 16 << 10);

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
