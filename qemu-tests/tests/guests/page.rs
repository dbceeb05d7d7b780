//! Somebody with a browser: the page of a recovery, from the fingerprint on the console to the new set.

#[path = "../../../recovery/tests/lan/chromium.rs"]
mod chromium;
#[path = "../../../recovery/tests/lan/door.rs"]
mod door;

use crate::device::{Device, LIMIT, config};
use chromium::Chromium;
use door::Keys;
use drydock_qemu_tests::{Exit, SmallSystem};
use serde_json::json;
use std::net::TcpListener;
use std::process::{Command, Stdio};

/// Has the page remember every step that it shows.
const WATCH: &str = "globalThis.steps = []; new MutationObserver(() => \
    steps.push(document.querySelector('#step').textContent)).observe(document.querySelector('#step'), \
    { childList: true, characterData: true, subtree: true })";

fn system(keys: &Keys) -> SmallSystem {
    let more = format!(
        "[service]\nidle_seconds = 600\n\n[[service.key]]\nname = \"kim\"\nkey = \"{}\"\n\n[lan]\nrecovery = true\n\n\
         [[network.interface]]\nname = \"eth0\"\n\n[layout]\n",
        keys.public("kim")
    );
    let config = config(&[
        ("[layout]\n", &more),
        ("menu_seconds = 0", "menu_seconds = 60"),
        ("\"erofs\"]", "\"erofs\", \"virtio_net\"]"),
    ]);
    SmallSystem::with_smaller_root("page", &config).unwrap()
}

/// Starts the set that is first without waiting for the menu, up to its end. Returns what was said.
fn start(device: &Device) -> String {
    let mut guest = device.start(None);
    guest.choose("Start").unwrap();
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::PowerOff);
    guest.said()
}

/// The SHA-256 of the certificate that somebody is shown who connects.
fn fingerprint(at: &str) -> String {
    let shown = Command::new("sh")
        .arg("-c")
        .arg(format!("openssl s_client -connect {at} | openssl x509 -noout -fingerprint -sha256"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    shown.trim().split('=').nth(1).unwrap_or_default().replace(':', "")
}

#[test]
fn a_bundle_is_installed_by_the_page_of_the_recovery_from_a_real_browser() {
    let keys = Keys::new();
    let device = Device::flashed("page", system(&keys));
    let v2 = device.system.release("2.0.0", 2).unwrap();
    // The first start makes `data`, where bundles go.
    start(&device);

    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let at = format!("127.0.0.1:{port}");
    let mut guest = device.machine(None).network().forward(port, 443).start().unwrap();
    guest.choose("Recovery").unwrap();
    guest.expect("SHA-256 of its certificate: ", LIMIT).unwrap();
    // Two lines end in eight groups of four digits each.
    let groups = |line: String| {
        let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        words[words.len() - 8..].concat()
    };
    let console = groups(guest.expect("\n", LIMIT).unwrap()) + &groups(guest.expect("\n", LIMIT).unwrap());
    assert_eq!(console.len(), 64, "{console}");
    assert_eq!(fingerprint(&at), console);

    let mut chromium = Chromium::start();
    chromium.call("Page.navigate", json!({ "url": format!("https://{at}/") }));
    chromium.wait("document.querySelector('#where')?.textContent === 'recovery'");
    chromium.wait("document.querySelector('#status').textContent.includes('good 1.0.0')");
    chromium.wait("!document.querySelector('[data-act=install]').hidden");
    chromium.value(WATCH);
    chromium.choose("#bundle", &v2.bundle);
    chromium.wait("!document.querySelector('#door').hidden");
    guest.expect("somebody at the page asks for: install 2.0.0", LIMIT).unwrap();
    let line = chromium.value("document.querySelector('#challenge').textContent");
    let answer = keys.sign("kim", line.as_str().unwrap());
    chromium.value(&format!("document.querySelector('#answer').value = {}", json!(answer)));
    chromium.value("document.querySelector('#door button[type=submit]').click()");
    guest.expect("at the page, by the key kim: a bundle is sent", LIMIT).unwrap();
    chromium
        .wait("document.querySelector('#message').textContent.includes('It is installed now, as intent')");
    chromium.wait("document.querySelector('#lines').textContent.includes('boot environment: done')");
    // What takes less than the second between two looks is among the lines only.
    let steps = chromium.value("steps.join('\\n')");
    assert!(steps.as_str().unwrap().contains("upload of 2.0.0: "), "{steps}");
    let lines = chromium.value("document.querySelector('#lines').textContent");
    for line in ["from the page", "is whole: done", "root-b: done"] {
        assert!(lines.as_str().unwrap().contains(line), "{line} is not in {lines}");
    }
    guest.expect("trailers, state and boot environment: done", LIMIT).unwrap();
    assert_eq!(guest.wait_exit(LIMIT).unwrap(), Exit::Reset);

    let said = start(&device);
    assert!(said.contains("DRYDOCK-TEST-UP set=b"), "{said}");
}
