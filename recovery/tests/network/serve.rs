//! `drydock serve` as a process: it serves, takes a bundle in little memory, says that its port is taken, and ends when it is told to.

use crate::certificates::{Authority, EC};
use crate::device::{Device, impatient};
use crate::lab::{Lab, Running};
use crate::setup::bundle;
use drydock_config::{Lan, Service};
use drydock_format::Bundle;
use nix::sys::signal::Signal;
use std::time::Duration;

/// What the server may have at most of memory that is its own while a bundle comes, in KiB. A debug build takes more than the one
/// that ships.
const MOST_KIB: u64 = 24 << 10;

/// What curl gets there, with this on its command line.
fn curl(lab: &Lab, what: &str, more: &[&str]) -> String {
    let running = start_curl(lab, what, more);
    let (ok, said) = running.wait();
    assert!(ok, "{said}");
    said
}

fn start_curl(lab: &Lab, what: &str, more: &[&str]) -> Running {
    let mut command = lab.exec(&lab.client(), "curl");
    command.args(["-sSk", &format!("https://127.0.0.1/{what}")]).args(more);
    lab.start(command)
}

#[test]
fn a_process_serves_until_it_is_ended_and_a_second_one_says_that_the_port_is_taken() {
    let (lab, authority) = (Lab::connected(), Authority::new());
    lab.on_client("link set lo up");
    let own = authority.certify("device-7", EC);
    let device = Device::with(&lab, impatient(), &own, |config| {
        config.service = Some(Service::open());
        config.lan = Some(Lan { listen: vec!["127.0.0.1".into()], ..Lan::default() });
    });
    let mut first = device.drydock(&["serve"]);
    first.expect("SHA-256 of its certificate: ");
    assert!(first.said().contains("the page is at 127.0.0.1:443"), "{}", first.said());
    let (ok, said) = device.drydock(&["serve"]).wait();
    assert!(!ok && said.contains("listening at 127.0.0.1:443"), "{said}");
    assert!(said.contains("in use") && said.contains("nothing else listens there"), "{said}");

    let page = curl(&lab, "", &[]);
    let page = page.split("drydock-page\" content=\"").nth(1).unwrap().split('"').next().unwrap();
    let page = format!("X-Drydock-Page: {page}");
    let whole = Bundle::open_unverified(bundle().to_vec()).unwrap();
    let wish = format!("install {} {}", whole.manifest().version, whole.manifest_digest());
    let granted = curl(&lab, "ask", &["-H", &page, "-d", &wish]);
    let bearer = format!("Authorization: Bearer {}", granted.split('"').nth(3).unwrap());
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bundle()).unwrap();
    let rate = (bundle().len() / 3).to_string();
    // Names that a client gives things lead nowhere.
    let name = "Content-Disposition: attachment; filename=\"../../evil\"";
    let other = "X-File-Name: /srv/evil";
    let sends = [
        "-H",
        name,
        "-H",
        other,
        "-H",
        &page,
        "-H",
        &bearer,
        "--limit-rate",
        &rate,
        "-T",
        file.path().to_str().unwrap(),
    ];
    let sending = start_curl(&lab, "bundle", &sends);
    while device
        .on_data("wc -c lib/drydock/sent-1.drydock || true")
        .starts_with(|c: char| !c.is_ascii_digit())
    {
        std::thread::sleep(Duration::from_millis(50));
    }
    let kib = first.memory_kib();
    assert!((1..MOST_KIB).contains(&kib), "{kib} KiB");
    let (ok, said) = sending.wait();
    assert!(ok && said.contains("version 3 is staged as intent"), "{said}");
    assert!(curl(&lab, "status", &[]).contains("\"good\":true"));
    assert_eq!(device.on_data("ls lib/drydock; find . -name '*evil*'"), "sent-1.drydock\n");

    first.signal(Signal::SIGTERM);
    let (_, said) = first.wait();
    assert!(!said.contains("panicked"), "{said}");
    let mut again = device.drydock(&["serve"]);
    again.expect("SHA-256 of its certificate: ");
    assert!(curl(&lab, "status", &[]).contains("intent"));
}
