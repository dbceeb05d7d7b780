//! A bundle becomes a release, once.

use crate::common::{Desk, Device, operator, signed_again};
use serde_json::{Value, json};
use std::fs;

fn content(path: &str) -> Vec<Value> {
    let said = operator().request("GET", path, None).json();
    said["content"].as_array().or(said.as_array()).unwrap().clone()
}

/// The metadata of a module as pairs of key and value, where devices see it.
fn visible(module: u64) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let entries = content(&format!("/softwaremodules/{module}/metadata"));
    let mut pairs: Vec<_> = entries
        .iter()
        .filter(|entry| entry["targetVisible"] == true)
        .map(|entry| (text(&entry["key"]), text(&entry["value"])))
        .collect();
    pairs.sort();
    pairs
}

#[test]
fn a_bundle_becomes_a_set_that_devices_can_tell_the_facts_of() {
    let desk = Desk::new();
    let bundle = desk.bundle("1.4.0+rc~1", 1);
    let said = desk.done(&["push", &bundle, "--key", "1.pem"]);
    assert_eq!((&said["done"], &said["same_bytes"]), (&json!("new"), &json!(true)));
    assert_eq!(said["signed_by"].as_array().unwrap().len(), 1);
    assert_eq!(said["file"], format!("{}-1.4.0_rc_1.drydock", desk.compatible));
    let (set, module) = (said["set"].as_u64().unwrap(), said["module"].as_u64().unwrap());

    let made = operator().request("GET", &format!("/distributionsets/{set}"), None).json();
    assert_eq!((&made["name"], &made["version"]), (&json!(desk.compatible), &json!("1.4.0+rc~1")));
    assert_eq!((&made["type"], &made["modules"][0]["id"]), (&json!("os"), &json!(module)));
    let size = fs::metadata(desk.path(&bundle)).unwrap().len();
    let artifacts = content(&format!("/softwaremodules/{module}/artifacts"));
    assert_eq!(artifacts.len(), 1);
    assert_eq!((&artifacts[0]["size"], &artifacts[0]["hashes"]["sha256"]), (&json!(size), &said["sha256"]));
    let open = drydock_format::Bundle::open_unverified(fs::read(desk.path(&bundle)).unwrap()).unwrap();
    let (manifest, size) = (open.manifest_digest().to_string(), size.to_string());
    let sha256 = drydock_format::sha256(&fs::read(desk.path(&bundle)).unwrap()).to_string();
    let expected = [
        ("compatible", desk.compatible.as_str()),
        ("manifest", &manifest),
        ("security_version", "7"),
        ("sha256", &sha256),
        ("size", &size),
        ("version", "1.4.0+rc~1"),
    ];
    assert_eq!(visible(module), expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
}

#[test]
fn what_is_there_is_not_uploaded_again_and_never_replaced() {
    let desk = Desk::new();
    let bundle = desk.bundle("1.0.0", 1);
    let first = desk.done(&["push", &bundle]);
    let again = desk.done(&["push", &bundle]);
    assert_eq!(
        (&again["done"], &again["set"], &again["module"]),
        (&json!("there"), &first["set"], &first["module"])
    );
    assert!(again["requests"].as_u64() < Some(6), "{again}");

    signed_again(&desk.path(&bundle), &desk.path("more.drydock"));
    let resigned = desk.done(&["push", "more.drydock", "--key", "2.pem"]);
    assert_eq!((&resigned["done"], &resigned["same_bytes"]), (&json!("there"), &json!(false)));

    let other = desk.bundle("1.0.0", 2);
    desk.fails(&["push", &other], 6, "another bundle under that version");
    let files = content(&format!("/softwaremodules/{}/artifacts", first["module"]));
    assert_eq!((files.len(), &files[0]["hashes"]["sha256"]), (1, &first["sha256"]));
    // Under another name it is another release.
    let named = desk.done(&["push", &other, "--name", &format!("{} of the lab", desk.compatible)]);
    assert_eq!(named["done"], "new");
    assert!(named["file"].as_str().unwrap().ends_with("_of_the_lab-1.0.0.drydock"), "{named}");
    desk.fails(&["push", &other, "--name", "a*"], 1, "asterisk");
}

#[test]
fn a_push_that_ended_anywhere_is_gone_on_with() {
    let desk = Desk::new();
    let compatible = desk.compatible.as_str();
    let digest = |bundle: &str| {
        let open = drydock_format::Bundle::open_unverified(fs::read(desk.path(bundle)).unwrap()).unwrap();
        open.manifest_digest().to_string()
    };
    // What is there when it goes on: a module; what names the release; the file; all but the set; a set without the module.
    for stage in 0..5 {
        let version = format!("2.0.{stage}");
        let bundle = desk.bundle(&version, 1);
        let operator = operator();
        if stage < 4 {
            let module = operator.module(compatible, &version);
            if stage > 0 {
                operator.module_metadata(module, "manifest", &digest(&bundle), true);
            }
            if stage > 1 {
                operator.upload(module, "by-hand.drydock", &fs::read(desk.path(&bundle)).unwrap());
            }
        } else {
            operator.distribution_set(compatible, &version, &[]);
        }
        let said = desk.done(&["push", &bundle]);
        assert_eq!(said["done"], if stage < 4 { "mended" } else { "new" }, "{stage}: {said}");
        let module = said["module"].as_u64().unwrap();
        assert_eq!(visible(module).len(), 6, "{stage}");
        assert_eq!(content(&format!("/softwaremodules/{module}/artifacts")).len(), 1, "{stage}");
        let set = operator.request("GET", &format!("/distributionsets/{}", said["set"]), None).json();
        assert_eq!(set["modules"][0]["id"], module, "{stage}");
        assert_eq!(desk.done(&["push", &bundle])["done"], "there", "{stage}");
    }
}

#[test]
fn what_another_has_put_there_stays() {
    let desk = Desk::new();
    let operator = operator();
    let bundle = desk.bundle("3.0.0", 1);
    let module = operator.module(&desk.compatible, "3.0.0");
    operator.upload(module, "theirs.bin", b"something else");
    desk.fails(&["push", &bundle], 6, "theirs.bin");
    assert!(visible(module).is_empty());

    // What names our release is there, and a file that it is not.
    let bundle = desk.bundle("3.0.1", 1);
    let open = drydock_format::Bundle::open_unverified(fs::read(desk.path(&bundle)).unwrap()).unwrap();
    let module = operator.module(&desk.compatible, "3.0.1");
    operator.module_metadata(module, "manifest", &open.manifest_digest().to_string(), true);
    operator.upload(module, "theirs.bin", b"something else");
    desk.fails(&["push", &bundle], 6, "theirs.bin");

    let bundle = desk.bundle("3.1.0", 1);
    let theirs = operator.module(&format!("{}-app", desk.compatible), "9");
    operator.distribution_set(&desk.compatible, "3.1.0", &[theirs]);
    desk.fails(&["push", &bundle], 6, "other software");
}

/// hawkBit keeps a version that devices were given, and hides it.
#[test]
fn a_version_that_was_deleted_stays_taken() {
    let desk = Desk::new();
    let said = desk.release("4.0.0");
    let device = Device::new(&[]);
    desk.done(&["assign", "4.0.0", &device.0, "--name", &desk.compatible]);
    let path = format!("/distributionsets/{}", said["set"]);
    assert!(operator().request("DELETE", &path, None).status < 300);
    desk.fails(&["assign", "4.0.0", &device.0, "--name", &desk.compatible], 1, "no such release");
    desk.fails(&["push", "4.0.0.drydock"], 6, "stays taken when it is deleted");
}

#[test]
fn a_bundle_is_looked_at_before_the_server_is() {
    // Nobody answers there.
    let desk = Desk::at("http://127.0.0.1:9");
    let bundle = desk.bundle("1.0.0", 1);
    desk.fails(&["push", "nothing.drydock"], 1, "No such file");
    desk.fails(&["push", &bundle, "--key", "2.pem"], 4, "unknown keys");
    desk.fails(
        &["push", &bundle, "--key", "1.pem", "--key", "2.pem", "--threshold", "2"],
        4,
        "1 of the 2 keys",
    );
    let bytes = fs::read(desk.path(&bundle)).unwrap();
    fs::write(desk.path("short.drydock"), &bytes[..9000]).unwrap();
    desk.fails(&["push", "short.drydock"], 3, "truncated");
    desk.fails(&["push", &bundle], 5, "127.0.0.1:9");
}
