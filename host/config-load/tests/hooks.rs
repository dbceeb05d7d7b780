//! `[[hook]]` and `[[gate]]`: what can't work is refused on the build host, at its place.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_config::{Condition, HookPlace};
use drydock_config_load::{Error, load};

/// Loads a config with this in it; a fault is returned with its line.
fn with(text: &str) -> Result<drydock_config::Config, String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("k"), "PEM").unwrap();
    std::fs::write(folder.path().join("program"), "ELF").unwrap();
    let path = folder.path().join("device.toml");
    let rest = "compatible = \"x\"\nsignatures.keys = [\"k\"]\nlayout.bootloader = \"none\"\n[[slot]]\nclass = \"root\"\nrole = \"root\"\n";
    std::fs::write(&path, format!("{rest}{text}")).unwrap();
    load(&path).map_err(|error| match error {
        Error::Invalid(faults) => {
            assert!(faults.iter().all(|fault| fault.place.is_some()), "{faults:?}");
            faults.into_iter().map(|fault| format!("{} | {}\n", fault.line, fault.message)).collect()
        }
        other => panic!("{other}"),
    })
}

fn hook(keys: &str) -> String {
    format!("[[hook]]\nname = \"h\"\n{keys}\n")
}

fn gate(require: &str) -> String {
    format!("[[gate]]\nname = \"g\"\nrequire = {{ {require} }}\n")
}

#[test]
fn hooks_and_gates_are_read_with_their_defaults() {
    let text =
        hook("at = \"before-write\"\nbuiltin = \"program\"") + &gate("battery = { at_least_percent = 30 }");
    let config = with(&text).unwrap();
    assert!(config.has_hooks());
    let [hook] = &config.hooks[..] else { panic!("{:?}", config.hooks) };
    assert_eq!(
        (hook.at, hook.time_limit_seconds.0, hook.memory_mib.0, hook.network),
        (HookPlace::BeforeWrite, 60, 64, false)
    );
    assert!(hook.builtin.as_ref().unwrap().ends_with("/program"));
    assert_eq!(config.gates[0].require, Condition::Battery { name: None, at_least_percent: 30 });
    assert_eq!(config.gates[0].before.len(), 3);
    // A device reads what the build host has read.
    let again = drydock_config::Config::from_json(&config.to_json().unwrap()).unwrap();
    assert_eq!((again.hooks, again.gates), (config.hooks, config.gates));
    assert!(!with("").unwrap().has_hooks());
}

#[test]
fn what_can_not_work_is_refused_at_its_place() {
    for (text, why) in [
        (hook("at = \"after-write\""), "give either `file`"),
        (hook("at = \"after-write\"\nfile = \"/x\"\nbuiltin = \"program\""), "give either `file`"),
        (hook("at = \"first-good\"\nbuiltin = \"program\""), "the initramfs is gone"),
        (hook("at = \"after-write\"\nbuiltin = \"missing\""), "missing"),
        (hook("at = \"after-write\"\nfile = \"x\""), "file = \"x\" | must be an absolute path"),
        (hook("at = \"after-write\"\nfile = \"/a/../b\""), "must be an absolute path"),
        (hook("at = \"sometimes\"\nfile = \"/x\""), "unknown variant"),
        (hook("at = \"after-write\"\nfile = \"/x\"").repeat(2), "there is another one called `h`"),
        (gate("battery = { at_least_percent = 0 }"), "0 is out of range: 1 to 100"),
        (gate("temperature = { chip = \"c\" }"), "needs `at_least_celsius`"),
        (
            gate("temperature = { chip = \"c\", at_least_celsius = 60, at_most_celsius = 20 }"),
            "no temperature",
        ),
        (gate("temperature = { chip = \"../c\", at_most_celsius = 20 }"), "must be 1 to 64 characters"),
        (gate("free-space = { at_least_mib = 8 }"), "no [data]"),
        (gate("file = { path = \"/etc/passwd\", is = \"x\" }"), "below /sys or /proc"),
        (gate("file = { path = \"/sys/../etc/passwd\", is = \"x\" }"), "below /sys or /proc"),
        (gate("boot-reason = { not = [] }"), "must name a reason"),
        (gate("clock = { not_before = \"yesterday\" }"), "must be a day"),
        (gate("window = { utc = \"always\" }"), "two times of a day"),
        (gate("moon = {}"), "unknown variant"),
        (gate("supply = {}") + "before = []\n", "must name a job"),
    ] {
        let said = with(&text).unwrap_err();
        assert!(said.contains(why), "{text}: {said}");
    }
}
