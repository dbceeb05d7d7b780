//! Servers that are not what they should be, in the face of the real `drydock`: the reason is one that a technician
//! understands, and nothing has become of the device. The real nginx is the server.

use crate::certificates::{Authority, EC};
use crate::device::{Device, HOST, impatient};
use crate::lab::Lab;
use crate::nginx::Nginx;
use crate::setup::bundle;
use drydock_config::Network;

fn https() -> String {
    format!("https://{HOST}/3.drydock")
}

fn http() -> String {
    format!("http://{HOST}/3.drydock")
}

#[test]
fn certificates_that_do_not_fit_are_refused_and_the_reason_says_which_and_why() {
    let lab = Lab::connected();
    let (authority, other) = (Authority::new(), Authority::new());
    let own = authority.certify("device-7", EC);
    let network = || Network { ca: vec![authority.pem()], ..impatient() };
    let device = Device::new(&lab, network(), &own);
    for (certified, reason) in [
        (
            authority.certify_for_the_past(HOST, EC),
            "the certificate of updates.example expired on 2020-02-01",
        ),
        (
            authority.certify("elsewhere.example", EC),
            "is not for updates.example, but for DnsName(\"elsewhere",
        ),
        (other.certify(HOST, EC), "is by no authority that `network.ca` names"),
    ] {
        let server = Nginx::in_lab(&lab, &authority, &certified, "");
        server.put("3.drydock", bundle());
        let said = device.refuses(&https());
        assert!(said.contains(reason) && said.contains("the device's clock"), "{said}");
        // Nobody who is not believed is asked again, or is told who this is.
        assert!(!said.contains("trying again") && server.log().is_empty(), "{said}");
    }
    let stranger = Device::new(&lab, network(), &other.certify("device-8", EC));
    let server = Nginx::in_lab(&lab, &authority, &authority.certify(HOST, EC), "");
    server.put("3.drydock", bundle());
    let said = stranger.refuses(&https());
    assert!(said.contains("400 (it finds fault with the request, or wants a client certificate"), "{said}");
    assert!(server.log().iter().all(|line| line.verified.starts_with("FAILED")));
}

#[test]
fn a_captive_portal_that_answers_everything_with_a_page_is_called_one() {
    let lab = Lab::connected();
    let (authority, portals) = (Authority::new(), Authority::new());
    let own = authority.certify("device-7", EC);
    let page = "default_type text/html; location / { return 200 '<html>Room number?</html>'; }";
    let server = Nginx::in_lab(&lab, &portals, &portals.certify("portal.example", EC), page);
    let network = Network { ca: vec![authority.pem()], tries: 2, ..impatient() };
    let device = Device::new(&lab, network, &own);
    let said = device.refuses(&http());
    assert!(said.contains("a web page; a captive portal may want somebody to log in"), "{said}");
    let said = device.refuses(&https());
    assert!(said.contains("is by no authority that `network.ca` names"), "{said}");
    assert!(said.contains("whether a captive portal or a proxy answers in its place"), "{said}");
    drop(server);
    // Most send on to their page, wherever that is.
    let away = "location / { return 302 http://10.99.0.1/login; }
        location /login { default_type text/html; return 200 '<html>Room number?</html>'; }";
    let _server = Nginx::in_lab(&lab, &portals, &portals.certify("portal.example", EC), away);
    let said = device.refuses(&http());
    assert!(said.contains("a web page; a captive portal may want somebody to log in"), "{said}");
}

#[test]
fn a_name_that_nobody_knows_at_first_is_asked_for_until_somebody_does() {
    let lab = Lab::connected();
    let authority = Authority::new();
    let own = authority.certify("device-7", EC);
    let server = Nginx::in_lab(&lab, &authority, &authority.certify(HOST, EC), "");
    server.put("3.drydock", bundle());
    let network = Network { ca: vec![authority.pem()], ..impatient() };
    let device = Device::new(&lab, network, &own).without_known_hosts();
    let mut drydock = device.drydock(&["stage", &https()]);
    drydock.expect("the name updates.example");
    drydock.expect("trying again");
    let _names = lab.dnsmasq(&[&format!("--host-record={HOST},10.99.0.1")]);
    let (ok, said) = drydock.wait();
    assert!(ok && said.contains("version 3 is staged as intent 2"), "{said}");
}
