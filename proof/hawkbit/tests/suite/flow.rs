//! One update from the order to the device's last word, as a whole.

use crate::common::{Device, release};
use drydock_hawkbit::Kind;

#[test]
fn a_device_is_given_an_order_fetches_it_in_parts_and_closes_it() {
    let bytes: Vec<u8> = (0..5000).map(|number| (number % 251) as u8).collect();
    let device = Device::new();
    let release = release("a.drydock", &bytes);
    let action = device.order(release.set, Kind::Forced);
    assert_eq!(device.link("deploymentBase"), Some(format!("/deploymentBase/{action}")));
    let order = device.deployment(action).json();
    let artifact = &order["deployment"]["chunks"][0]["artifacts"][0];
    assert_eq!(artifact["size"], 5000);
    let href = artifact["_links"]["download-http"]["href"].as_str().unwrap();
    let path = href.split_once(&device.home()).unwrap().1;
    let part = device.send("GET", path, &[("Range", "bytes=10-19")], b"");
    assert_eq!((part.status, part.body.as_slice()), (206, &bytes[10..20]));
    let parts = device.send("GET", path, &[("Range", "bytes=10-19,30-39")], b"");
    assert_eq!(parts.status, 206);
    assert!(parts.header("Content-Type").unwrap().starts_with("multipart/byteranges"), "{}", parts.head);
    assert_eq!(device.feedback(action, "proceeding", "none").status, 200);
    assert_eq!(device.feedback(action, "closed", "success").status, 200);
    assert_eq!(device.state(action), "finished");
    assert_eq!(device.link("installedBase"), Some(format!("/installedBase/{action}")));
    assert_eq!(device.link("deploymentBase"), None);
}

#[test]
fn an_order_is_canceled_by_the_operator_and_given_up_by_the_device() {
    let device = Device::new();
    let action = device.order(release("a.drydock", b"abc").set, Kind::Soft);
    device.operator().cancel(&device.id, action);
    assert_eq!(device.link("cancelAction"), Some(format!("/cancelAction/{action}")));
    assert_eq!(device.answer_cancel(action, "closed", "success").status, 200);
    assert_eq!(device.state(action), "canceled");
    assert!(device.get("").json()["_links"]["cancelAction"].is_null());
}
