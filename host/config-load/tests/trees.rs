//! What is wrong with `[[tree]]` is said at its place.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_config::{Config, Share};
use drydock_config_load::load;

/// What is said of a configuration with this at its beginning and at its end.
fn read(start: &str, end: &str) -> Result<Config, String> {
    read_with(start, "", end)
}

/// The same, with this in the class of the root.
fn read_with(start: &str, root: &str, end: &str) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key.pem"), "PEM").unwrap();
    let text = format!(
        r#"
compatible = "x"
signatures.keys = ["key.pem"]
layout.bootloader = "none"
{start}
[[slot]]
class = "root"
role = "root"
{root}
[[slot]]
class = "app"
role = "files"
{end}
"#
    );
    let path = folder.path().join("device.toml");
    std::fs::write(&path, text).unwrap();
    load(&path).map_err(|error| error.to_string())
}

const WITH_DATA: &str = "data.encrypted = false";

#[test]
fn a_tree_loads_and_survives_json() {
    let lines = r#"
        [[tree]]
        class = "app"
        only = ["bin", "lib/**/*.so"]
        except = ["etc/*.local"]
        share = "copy"
        required = false
        at = "/opt/app"
    "#;
    let config = read(WITH_DATA, lines).unwrap();
    let tree = config.tree("app");
    assert_eq!((tree.share, tree.required, tree.at.as_deref()), (Share::Copy, false, Some("/opt/app")));
    assert_eq!(Config::from_json(&config.to_json().unwrap()).unwrap().tree("app"), tree);
    let plain = read(WITH_DATA, "").unwrap().tree("app");
    assert!(plain.required && plain.only.is_empty() && plain.at.is_none());
}

#[test]
fn what_is_wrong_is_said() {
    for (lines, why) in [
        ("class = \"root\"", "no [[slot]] with the role `files` has the class `root`"),
        ("class = \"other\"", "no [[slot]] with the role `files` has the class `other`"),
        ("class = \"app\"\n[[tree]]\nclass = \"app\"", "there is a [[tree]] for this class already"),
        ("class = \"app\"\nat = \"opt\"", "must be an absolute path"),
        ("class = \"app\"\nat = \"/var/app\"", "must be an absolute path"),
        ("class = \"app\"\nat = \"/run\"", "must be an absolute path"),
        ("class = \"app\"\nat = \"/opt/../etc\"", "must be an absolute path"),
        ("class = \"app\"\nonly = [\"/etc\"]", "must be names separated by single slashes"),
        ("class = \"app\"\nexcept = [\"a**\"]", "must have `**` as a whole name only"),
        ("class = \"app\"\nshare = \"move\"", "unknown variant"),
        ("class = \"app\"\nmount = \"/srv\"", "there is no `partition`"),
        ("class = \"app\"\npartition = \"apps\"", "that nothing else is mounted at"),
        ("class = \"app\"\npartition = \"apps\"\nmount = \"/var/x\"", "that nothing else is mounted at"),
        ("class = \"app\"\npartition = \"data\"\nmount = \"/srv\"", "`data` has another purpose already"),
        ("class = \"app\"\npartition = \"root-a\"\nmount = \"/srv\"", "`root-a` has another purpose"),
        (
            "class = \"app\"\npartition = \"apps\"\nmount = \"/srv\"\nat = \"/srv/x\"",
            "must be an absolute path",
        ),
    ] {
        let said = read(WITH_DATA, &format!("[[tree]]\n{lines}")).unwrap_err();
        assert!(said.contains(why) && said.contains("device.toml:"), "{lines}: {said}");
    }
    let said = read("", "").unwrap_err();
    assert!(said.contains("there is no [data]"), "{said}");
    let own = "[[tree]]\nclass = \"app\"\npartition = \"apps\"\nmount = \"/srv/app\"";
    let volume = read("", own).unwrap().tree("app").volume().unwrap();
    assert_eq!((volume.label.as_str(), volume.mount.as_str(), volume.encrypted), ("apps", "/srv/app", false));
}

#[test]
fn what_is_carried_loads_and_survives_json() {
    let config = read_with(WITH_DATA, r#"carry = ["etc/machine-id", "etc/ssh/*"]"#, "").unwrap();
    let again = Config::from_json(&config.to_json().unwrap()).unwrap();
    for config in [config, again] {
        let carried: Vec<String> = config.slots[0].carry.iter().map(ToString::to_string).collect();
        assert_eq!(carried, ["etc/machine-id", "etc/ssh/*"]);
    }
}

#[test]
fn what_can_not_be_carried_is_said() {
    for (root, end, why) in [
        ("carry = [\"**\"]", "", "what starts the system"),
        ("carry = [\"sbin\"]", "", "what starts the system"),
        ("carry = [\"usr/bin/*\"]", "", "what starts the system"),
        ("carry = [\"var\"]", "", "something is mounted over"),
        ("carry = [\"/etc\"]", "", "must be names separated by single slashes"),
        ("", "carry = [\"etc\"]", "only the class of the role `root` can carry files"),
    ] {
        let said = read_with(WITH_DATA, root, end).unwrap_err();
        assert!(said.contains(why) && said.contains("device.toml:"), "{root} {end}: {said}");
    }
    let said = read_with("", "carry = [\"etc/machine-id\"]", "").unwrap_err();
    assert!(said.contains("what is carried is on the data volume"), "{said}");
}
