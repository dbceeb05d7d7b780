//! Client certificates at a proxy in front of hawkBit, with the proxy's rules that its documentation asks for.

use crate::agent::{NAME, Site, usual};
use crate::certificates::{Authority, Certified, EC};
use crate::lab::Lab;
use drydock_config::Fleet;
use serde_json::json;

/// A server that believes nginx who a device is.
fn site(lab: &Lab) -> Site<'_> {
    let site = Site::with(lab, |authority| {
        let maps = format!(
            r#"map "$ssl_client_verify:$ssl_client_s_dn" $device {{
                 default ""; "~^SUCCESS:(?:.*,)?CN=(?<cn>[A-Za-z0-9._-]+)" $cn;
               }}
               map $ssl_client_verify $authority {{ default ""; SUCCESS {}; }}"#,
            authority.fingerprint()
        );
        let headers = r#"proxy_set_header X-Controller-Id $device; proxy_set_header X-Authority $authority;
            proxy_set_header X-Authority-0 ""; proxy_set_header X-Authority-1 "";"#;
        ["optional".into(), maps, headers.into()]
    });
    let fingerprint = site.authority.fingerprint();
    site.operator(move |operator| {
        operator.configure("authentication.header.enabled", json!(true));
        operator.configure("authentication.header.authority", json!(fingerprint));
    });
    site
}

/// One round of a device with this certificate and no token, once something was changed on `data`.
fn round(site: &Site<'_>, own: &Certified, change: &str) -> (bool, String) {
    let device = site.device(own, Fleet { token_file: None, ..usual() });
    device.on_data(change);
    device.drydock(&["agent", "--once"]).wait()
}

#[test]
fn a_device_is_known_by_its_certificate_and_fetches_with_it_though_the_links_are_of_http() {
    let lab = Lab::connected();
    let site = site(&lab);
    // Without TLS nobody would know the device.
    site.believes_no_proxy();
    let own = site.authority.certify(NAME, EC);
    let (ok, said) = round(&site, &own, "true");
    assert!(ok, "{said}");
    site.order();
    let device = site.device(&own, Fleet { token_file: None, ..usual() });
    let (ok, said) = device.drydock(&["agent", "--once"]).wait();
    assert!(ok && said.contains("restarts to install 3"), "{said}");
}

#[test]
fn whoever_has_no_certificate_of_this_device_is_not_served() {
    let lab = Lab::connected();
    let site = site(&lab);
    let other = Authority::new();
    for (own, why) in [
        (site.authority.certify("pump-8", EC), "401"),
        (other.certify(NAME, EC), "400"),
        (site.authority.certify_for_the_past(NAME, EC), "400"),
    ] {
        let (ok, said) = round(&site, &own, "true");
        assert!(!ok && said.contains(why), "{why}: {said}");
    }
    let own = site.authority.certify(NAME, EC);
    let (ok, said) = round(&site, &own, "rm keys/own.key");
    assert!(!ok && said.contains("keys/own.key"), "{said}");
    assert_eq!(site.operator(|operator| operator.find("controllerId==*")), Vec::<String>::new());
}

#[test]
fn nothing_is_sent_to_a_server_that_is_not_certified() {
    let lab = Lab::connected();
    let mut site = site(&lab);
    let own = site.authority.certify(NAME, EC);
    // What the device is told to believe.
    let _certifies = std::mem::replace(&mut site.authority, Authority::new());
    let device = site.device(&own, Fleet { token_file: None, ..usual() });
    let (ok, said) = device.drydock(&["agent", "--once"]).wait();
    assert!(!ok && said.contains("is by no authority that `network.ca` names"), "{said}");
    assert_eq!(site.requests(), 0);
}
