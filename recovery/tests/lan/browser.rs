//! The page in a real browser.

use crate::bench::{KEYS, Site, WORKSHOP, shut_site, site};
use crate::chromium::Chromium;
use drydock_fixtures::Parts;
use drydock_recovery::lan::Limits;
use drydock_simulator::device::End;
use drydock_state::SetName;
use serde_json::json;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

/// A phone that has loaded the page.
fn phone(site: &Site) -> Chromium {
    let mut chromium = Chromium::start();
    let screen = json!({ "width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": true });
    chromium.call("Emulation.setDeviceMetricsOverride", screen);
    chromium.call("Page.navigate", json!({ "url": format!("https://{}/", site.at) }));
    chromium.wait("document.querySelector('#where')?.textContent === 'recovery'");
    chromium
}

/// Answers what the page asks, with the key of `who`.
fn answer(chromium: &mut Chromium, who: &str) {
    chromium.wait("!document.querySelector('#door').hidden");
    let line = chromium.value("document.querySelector('#challenge').textContent");
    let answer = KEYS.sign(who, line.as_str().unwrap());
    chromium.value(&format!("document.querySelector('#answer').value = {}", json!(answer)));
    chromium.value("document.querySelector('#door button[type=submit]').click()");
}

fn file(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("..\u{202e}<img src=x>.drydock");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

#[test]
fn a_person_with_a_phone_and_a_key_installs_a_bundle() {
    let site = site(Limits::default());
    let mut chromium = phone(&site);
    // All is on the screen: nothing has to be moved sideways to be read.
    assert_eq!(chromium.value("document.documentElement.scrollWidth <= innerWidth"), json!(true));
    let small =
        "[...document.querySelectorAll('[data-act]')].every(act => act.hidden || act.offsetHeight >= 44)";
    assert_eq!(chromium.value(small), json!(true), "a finger is no pointer");
    // What the device says is text, whatever is in it.
    assert_eq!(chromium.value("document.querySelector('#device').textContent"), json!("pump-7 <b>\u{1b}[2J"));
    assert_eq!(chromium.value("document.querySelectorAll('h1 b, pre script').length"), json!(0));
    let bar = chromium.value("document.querySelector('#bar').value / document.querySelector('#bar').max");
    assert_eq!(bar, json!(0.25), "live progress");

    let (_folder, path) = file(&WORKSHOP.version("3").bundle);
    chromium.choose("#bundle", &path);
    chromium.wait("!document.querySelector('#door').hidden");
    assert_eq!(chromium.value("document.querySelector('#asked').textContent"), json!("Install 3"));
    // A key that the device does not trust.
    answer(&mut chromium, "eve");
    chromium.wait("document.querySelector('#message').textContent.includes('does not know')");
    answer(&mut chromium, "kim");
    chromium
        .wait("document.querySelector('#message').textContent === 'version 3 is staged, asked for by kim'");
    chromium.wait("document.querySelector('#status').textContent.includes('version 3 is staged')");
    assert_eq!(chromium.value("document.querySelector('#door').hidden"), json!(true));
    let device = site.bench.device.lock().unwrap();
    assert_eq!(device.run(), End::Up(SetName::A));
    assert_eq!(device.record().unwrap().sets.a.version, "3");
}

#[test]
fn the_browser_says_why_a_bundle_is_refused_while_it_is_still_sending_it() {
    let site = site(Limits::default());
    let mut chromium = phone(&site);
    let forged =
        Parts::of(&WORKSHOP.version("3").bundle).edit("\"version\":\"3\"", "\"version\":\"9\"").bytes();
    let (_folder, path) = file(&[&forged[..], &vec![7; 50 << 20]].concat());
    chromium.choose("#bundle", &path);
    answer(&mut chromium, "kim");
    chromium.wait("document.querySelector('#message').className === 'bad'");
    let why = chromium.value("document.querySelector('#message').textContent");
    assert!(why.as_str().unwrap().contains("sign"), "{why}");
    assert_eq!(site.bench.written.load(Ordering::Relaxed), 0);
    // What is no bundle at all is not even asked for.
    let (_other, path) = file(b"no bundle");
    chromium.choose("#bundle", &path);
    chromium.wait("document.querySelector('#message').textContent.includes('is no bundle')");
}

#[test]
fn the_buttons_do_what_they_say_after_an_answer_and_only_then() {
    let site = shut_site();
    let mut chromium = Chromium::start();
    chromium.call("Page.navigate", json!({ "url": format!("https://{}/", site.at) }));
    chromium.wait("document.querySelector('#where')?.textContent === 'locked'");
    assert_eq!(chromium.value("document.querySelector('#status').textContent"), json!(""));
    chromium.value("document.querySelector('[data-act=view]').click()");
    answer(&mut chromium, "kim");
    chromium.wait("document.querySelector('#status').textContent.includes('version 2')");
    for (act, done) in
        [("roll-back", "roll back"), ("power-off", "power off"), ("factory-reset", "factory reset")]
    {
        chromium.value(&format!("document.querySelector('[data-act={act}]').click()"));
        answer(&mut chromium, "kim");
        chromium
            .wait(&format!("document.querySelector('#message').textContent === '{done}, asked for by kim'"));
    }
    assert_eq!(site.bench.done.lock().unwrap().len(), 3);
}

#[test]
fn a_page_of_another_site_can_neither_show_it_nor_read_it_nor_make_it_do_anything() {
    let site = site(Limits::default());
    let mut chromium = Chromium::start();
    let base = format!("https://{}", site.at);
    // Another origin that the browser is on: the same address by another name is another site.
    let other = base.replace("127.0.0.1", "localhost");
    chromium.call("Page.navigate", json!({ "url": format!("{other}/") }));
    chromium.wait("document.body?.textContent.includes('not called that')");
    let tried = |chromium: &mut Chromium, code: &str| {
        chromium.value(&format!("fetch('{base}{code}).then(a => 'came ' + a.type, e => 'blocked')"))
    };
    assert_eq!(tried(&mut chromium, "/status'"), json!("blocked"));
    assert_eq!(tried(&mut chromium, "/act', {method: 'POST', body: 'roll-back'}"), json!("blocked"));
    let with_token = "/act', {method: 'POST', body: 'roll-back', headers: {'X-Drydock-Page': 'x'}}";
    assert_eq!(tried(&mut chromium, with_token), json!("blocked"));
    let blind = "/act', {method: 'POST', mode: 'no-cors', body: 'roll-back'}";
    assert_ne!(tried(&mut chromium, blind), json!(null));
    assert!(site.bench.done.lock().unwrap().is_empty());
}
