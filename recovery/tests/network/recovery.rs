//! A recovery that reads its bundle from the real nginx, by TLS and with a client certificate, while it writes: what is on the
//! network fails, and the device comes up with the old system and the reason in its history.
//!
//! The device is simulated, the network and the client are not.

use crate::certificates::{Authority, EC};
use crate::lab::Lab;
use crate::nginx::Nginx;
use crate::setup::{Setup, Watch, bundle, device};
use drydock_engine::fetch::Stream;
use drydock_simulator::device::End;
use drydock_state::{Outcome, Record, SetName, Source};
use std::sync::Arc;
use std::time::Duration;

const SERVER: &str = "10.99.0.1";
const URL: &str = "https://10.99.0.1/3.drydock";
/// A pace at which all of it takes some seconds.
const SLOW: &str = "limit_rate 60k;";
/// So many bytes, and part of the set is written.
const MIDDLE: u64 = 150_000;

struct Trust {
    lab: Lab,
    authority: Authority,
}

impl Trust {
    fn new() -> Self {
        Self { lab: Lab::connected(), authority: Authority::new() }
    }

    fn nginx(&self, more: &str) -> Nginx {
        let server = Nginx::in_lab(&self.lab, &self.authority, &self.authority.certify(SERVER, EC), more);
        server.put("3.drydock", bundle());
        server
    }

    /// Lets a device that runs version 2 stage version 3 from the server, and start its recovery. In the middle of that
    /// `fault` happens; it gets what is told. Returns which set is up then, and what the device remembers.
    fn update(&self, fault: impl FnOnce(&Watch)) -> (SetName, Record) {
        let own = self.authority.certify("device-7", EC);
        let setup = Setup::new(URL.into()).by(&self.authority, Some(&own));
        let watch = setup.watch.clone();
        let device = self.lab.inside_of(&self.lab.client(), move || {
            let stream = Stream::open(setup.session().unwrap()).unwrap();
            let mut device = device();
            device.bundles.insert(URL.into(), Arc::new(stream));
            device.stage_from(Source::Network { url: URL.into() });
            (device.run(), device)
        });
        self.lab.await_received("e0", MIDDLE);
        fault(&watch);
        let (end, device) = device.join().unwrap();
        assert_eq!(device.violations(), Vec::<String>::new());
        let End::Up(set) = end else { panic!("{end:?}") };
        (set, device.record().unwrap())
    }

    /// The same, where that fails. Returns why.
    fn fails(&self, fault: impl FnOnce(&Watch)) -> String {
        let (set, record) = self.update(fault);
        assert_eq!((set, record.intent, record.last_good), (SetName::B, None, Some(SetName::B)));
        assert_eq!(record.sets.b.version, "2");
        let failed = record.history.iter().find(|entry| entry.outcome == Outcome::Failed).unwrap();
        failed.reason.clone()
    }
}

/// Waits until the transfer has come upon the fault.
fn await_trouble(watch: &Watch) {
    while !watch.told().iter().any(|told| told.contains("nothing came from 10.99.0.1 for 2 s; trying again"))
    {
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_link_that_is_lost_for_good_leaves_the_old_system_with_the_reason() {
    let trust = Trust::new();
    let _server = trust.nginx(SLOW);
    let why = trust.fails(|watch| {
        trust.lab.on_server("link set s0 down");
        await_trouble(watch);
    });
    let gone = ["could not be connected to", "No route to host"];
    assert!(why.contains(URL) && gone.iter().any(|gone| why.contains(gone)), "{why}");
    assert!(why.contains("check the network and the server") && !why.contains("medium"), "{why}");
}

#[test]
fn a_captive_portal_that_comes_up_in_the_middle_leaves_the_old_system_with_the_reason() {
    let trust = Trust::new();
    let server = trust.nginx(SLOW);
    let portals = Authority::new();
    let mut portal = None;
    let why = trust.fails(|_| {
        // While the link is down, so that nobody sees that there is no server for a moment.
        trust.lab.on_server("link set s0 down");
        drop(server);
        let page = "default_type text/html; location / { return 200 '<html>Room number?</html>'; }";
        portal = Some(Nginx::in_lab(&trust.lab, &portals, &portals.certify("portal.example", EC), page));
        trust.lab.on_server("link set s0 up");
    });
    assert!(why.contains("the certificate of 10.99.0.1 is by no authority that `network.ca` names"), "{why}");
    assert!(why.contains("whether a captive portal or a proxy answers in its place"), "{why}");
}

#[test]
fn a_link_that_is_lost_and_comes_back_is_gone_on_over() {
    let trust = Trust::new();
    let server = trust.nginx(SLOW);
    let (set, record) = trust.update(|watch| {
        trust.lab.on_server("link set s0 down");
        await_trouble(watch);
        trust.lab.on_server("link set s0 up");
    });
    assert_eq!((set, record.sets.a.version.as_str()), (SetName::A, "3"));
    assert!(server.log().len() > 2);
}
