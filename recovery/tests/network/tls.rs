//! Who is believed, and who gets to see who this device is.

use crate::certificates::{Authority, EC, RSA};
use crate::nginx::Nginx;
use crate::setup::{Setup, bundle, place};
use drydock_engine::Error;
use drydock_recovery::net::Names;
use drydock_state::UnixTime;
use drydock_transfer::Trouble;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// What is said where a fetch ends at once, because a server can't be believed.
fn untrusted(setup: Setup) -> String {
    let watch = setup.watch.clone();
    let (_folder, path) = place();
    match setup.fetch(&path) {
        Err(error @ Error::Transfer { trouble: Trouble::Untrusted(_), .. }) => {
            assert!(!watch.told().iter().any(|told| told.contains("trying again")), "{:?}", watch.told());
            assert!(!path.exists());
            error.to_string()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_unknown_authority_and_a_wrong_name_are_refused() {
    let (authority, other) = (Authority::new(), Authority::new());
    let own = authority.certify("device-7", EC);
    let server = Nginx::usual(&authority, "");
    server.put("u", bundle());
    let said = untrusted(Setup::new(server.url("u")).by(&other, Some(&own)));
    assert!(said.contains("by no authority that `network.ca` names"), "{said}");

    let elsewhere = Nginx::start(&authority, &authority.certify("updates.example", EC), "");
    elsewhere.put("u", bundle());
    let setup = || Setup::new(elsewhere.url("u")).by(&authority, Some(&own));
    let said = untrusted(setup());
    assert!(said.contains("is not for 127.0.0.1") && said.contains("updates.example"), "{said}");
    // Pinned, it is the right one, whatever the address says.
    let (_folder, path) = place();
    Setup { pinned: Some("updates.example"), ..setup() }.fetch(&path).unwrap();
}

#[test]
fn an_expired_certificate_names_both_times() {
    let authority = Authority::new();
    let own = authority.certify("device-7", EC);
    let server = Nginx::usual(&authority, "");
    server.put("u", bundle());
    let mut setup = Setup::new(server.url("u")).by(&authority, Some(&own));
    // What the device remembers is later than what its clock says: the year 2061.
    setup.record.history.push(
        drydock_state::transition::flashed(Default::default(), UnixTime(2_871_763_200)).history.remove(0),
    );
    let said = untrusted(setup);
    assert!(said.contains("expired on 20") && said.contains("clock says 2061-01-01 00:00:00"), "{said}");
    assert!(said.contains("the device's clock with the time"), "{said}");
}

#[test]
fn a_device_without_a_certificate_of_the_authority_is_told_so() {
    let (authority, other) = (Authority::new(), Authority::new());
    let server = Nginx::usual(&authority, "");
    server.put("u", bundle());
    for own in [None, Some(other.certify("device-8", EC))] {
        let (_folder, path) = place();
        let setup = Setup::new(server.url("u")).by(&authority, own.as_ref());
        let error = setup.fetch(&path).unwrap_err().to_string();
        // nginx answers 400 by itself.
        assert!(error.contains("400") && error.contains("client certificate"), "{error}");
    }
    // One that ends it in the handshake.
    let strict = Nginx::usual(&authority, "ssl_verify_depth 0; ssl_protocols TLSv1.2;");
    strict.put("u", bundle());
    let (_folder, path) = place();
    let own = other.certify("device-9", EC);
    assert!(Setup::new(strict.url("u")).by(&authority, Some(&own)).fetch(&path).is_err());
}

#[test]
fn both_versions_of_tls_and_both_kinds_of_keys_will_do() {
    let authority = Authority::new();
    for (kind, more, version) in [
        (EC, "ssl_protocols TLSv1.2;", "TLSv1.2"),
        (RSA, "ssl_protocols TLSv1.3;", "TLSv1.3"),
        (RSA, "ssl_protocols TLSv1.2;", "TLSv1.2"),
    ] {
        let own = authority.certify("device-7", kind);
        let server = Nginx::start(&authority, &authority.certify("127.0.0.1", kind), more);
        server.put("u", bundle());
        let (_folder, path) = place();
        Setup::new(server.url("u")).by(&authority, Some(&own)).fetch(&path).unwrap();
        assert!(server.log().iter().all(|line| line.protocol == version && line.verified == "SUCCESS"));
    }
    let old = Nginx::usual(&authority, "ssl_protocols TLSv1 TLSv1.1; ssl_ciphers ALL:@SECLEVEL=0;");
    let (_folder, path) = place();
    let own = authority.certify("device-7", EC);
    assert!(Setup::new(old.url("u")).by(&authority, Some(&own)).fetch(&path).is_err());
}

#[test]
fn a_redirect_never_leads_down_to_http_nor_shows_the_certificate_to_another_place() {
    let authority = Authority::new();
    let own = authority.certify("device-7", EC);
    let other = Nginx::usual(&authority, "");
    other.put("u", bundle());
    let open =
        Nginx::start(&authority, &authority.certify("127.0.0.1", EC), "location /x { return 302 /u; }");
    open.put("u", bundle());
    // Within one place it is followed, and the certificate is shown.
    let (_folder, path) = place();
    Setup::new(open.url("x")).by(&authority, Some(&own)).fetch(&path).unwrap();
    assert!(open.log().iter().all(|line| line.verified == "SUCCESS"));
    // To another place without it: this one wants one, and gets none.
    let away = format!("location /x {{ return 307 {}; }}", other.url("u"));
    let sends_on = Nginx::usual(&authority, &away);
    let (_folder, path) = place();
    let error = Setup::new(sends_on.url("x")).by(&authority, Some(&own)).fetch(&path).unwrap_err();
    assert!(error.to_string().contains("400"), "{error}");
    let log = other.log();
    assert!(!log.is_empty() && log.iter().all(|line| line.verified == "NONE"), "{log:?}");
    // Down to http, never.
    let down = Nginx::usual(&authority, "location /x { return 301 http://127.0.0.1:1/u; }");
    let (_folder, path) = place();
    let error = Setup::new(down.url("x")).by(&authority, Some(&own)).fetch(&path).unwrap_err().to_string();
    assert!(error.contains("from https to http://127.0.0.1:1/u"), "{error}");
    let round = Nginx::usual(&authority, "location /x { return 302 /x; }");
    let (_folder, path) = place();
    let error = Setup::new(round.url("x")).by(&authority, Some(&own)).fetch(&path).unwrap_err().to_string();
    assert!(error.contains("sends on more than 5 times"), "{error}");
    assert_eq!(round.log().len(), 6);
}

/// Names that can't be resolved at first.
#[derive(Debug)]
struct Late(AtomicUsize);

impl Names for Late {
    fn addresses(&self, host: &str, _: Duration) -> io::Result<Vec<IpAddr>> {
        assert_eq!(host, "updates.example");
        match self.0.fetch_add(1, Ordering::Relaxed) {
            0..3 => Err(io::ErrorKind::TimedOut.into()),
            _ => Ok(vec!["127.0.0.1".parse().unwrap()]),
        }
    }
}

#[test]
fn a_name_that_can_not_be_resolved_at_first_is_asked_for_again() {
    let authority = Authority::new();
    let own = authority.certify("device-7", EC);
    let server = Nginx::start(&authority, &authority.certify("updates.example", EC), "");
    server.put("u", bundle());
    let url = format!("https://updates.example:{}/u", server.port);
    let mut setup = Setup::new(url).by(&authority, Some(&own));
    setup.names = Arc::new(Late(AtomicUsize::new(0)));
    let watch = setup.watch.clone();
    let (_folder, path) = place();
    setup.fetch(&path).unwrap();
    let told = watch.told();
    let retries = told.iter().filter(|told| told.contains("the name updates.example can't be resolved"));
    assert_eq!(retries.count(), 3, "{told:?}");
    // One, two and four seconds.
    assert_eq!(watch.waited.load(Ordering::Relaxed), 7);
}
