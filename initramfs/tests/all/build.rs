//! What goes into an initramfs, and what is refused.

use crate::fake::{Fake, VERSION, elf};
use drydock_fixtures::public_pem;
use drydock_initramfs::{Built, build};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// Unpacks with `zstd` and `cpio`, as anybody could.
fn unpack(built: &Built, into: &Path) -> Vec<String> {
    let image = into.join("image.zst");
    std::fs::write(&image, &built.initramfs).unwrap();
    let mut zstd = Command::new("zstd").arg("-dcq").arg(&image).stdout(Stdio::piped()).spawn().unwrap();
    let root = into.join("root");
    std::fs::create_dir(&root).unwrap();
    let cpio = Command::new("cpio")
        .args(["-idv", "--quiet", "--no-absolute-filenames"])
        .current_dir(&root)
        .stdin(zstd.stdout.take().unwrap())
        .output()
        .unwrap();
    assert!(zstd.wait().unwrap().success());
    assert!(cpio.status.success(), "{}", String::from_utf8_lossy(&cpio.stderr));
    String::from_utf8(cpio.stderr).unwrap().lines().map(str::to_owned).collect()
}

fn refusal(fake: &Fake) -> String {
    build(&fake.inputs()).expect_err("must be refused").to_string()
}

#[test]
fn the_standard_tools_see_what_the_builder_put_in() {
    let fake = Fake::new();
    let built = build(&fake.inputs()).unwrap();
    let into = tempfile::tempdir().unwrap();
    let listed = unpack(&built, into.path());
    let ours: Vec<_> = built.tree.list().into_iter().map(|listed| listed.path).collect();
    assert_eq!(listed, ours);
    let root = into.path().join("root");
    for folder in ["dev", "proc", "sys", "run"] {
        assert!(root.join(folder).is_dir(), "{folder}");
    }
    assert_eq!(std::fs::read(root.join("init")).unwrap(), elf());

    let json = std::fs::read(root.join("etc/drydock/config.json")).unwrap();
    let config = drydock_config::Config::from_json(&json).unwrap();
    let key = &config.signatures.keys[0];
    assert_eq!(config.signatures.keys.len(), 1);
    // RFC 8032's key generation of 32 bytes of 1.
    assert_eq!(key, "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c");
}

#[test]
fn modules_come_with_what_they_need_in_loading_order() {
    let fake = Fake::new();
    let built = build(&fake.inputs()).unwrap();
    let into = tempfile::tempdir().unwrap();
    unpack(&built, into.path());
    let root = into.path().join("root");
    let order = std::fs::read_to_string(root.join("etc/drydock/modules")).unwrap();
    let order: Vec<_> = order.lines().collect();
    let at = |module: &str| format!("/lib/modules/{VERSION}/kernel/{module}.ko");
    let expected = [
        "lib/reed_solomon",
        "md/dm-mod",
        "md/dm-bufio",
        "md/dm-verity",
        "crypto/crc32c-fast",
        "lib/libcrc32c",
        "fs/erofs",
    ];
    assert_eq!(
        order,
        expected.map(at),
        "ext4 is built in; crc32c is a soft dependency, by alias, in a circle"
    );
    for path in order {
        assert!(root.join(&path[1..]).is_file(), "{path}");
    }

    let aliases = std::fs::read_to_string(root.join("etc/drydock/aliases")).unwrap();
    let paths = format!("{},{}", at("net/phy"), at("net/net_card"));
    let expected = format!("pci:v00001AF4d00001000sv*sd*bc*sc*i* {paths}\nvirtio:d00000001v* {paths}\n");
    assert_eq!(aliases, expected);
    let module = std::fs::read(root.join(&at("net/net_card")[1..])).unwrap();
    assert!(module.starts_with(b"\x7fELF"), "the module must be unpacked");
    assert!(!root.join(&at("net/old")[1..]).exists());
}

#[test]
fn modules_and_firmware_come_in_plain_however_they_are_packed() {
    let fake = Fake::new();
    fake.edit("\"net-card\"", "\"net-card\", \"old\", \"older\"");
    let built = build(&fake.inputs()).unwrap();
    let into = tempfile::tempdir().unwrap();
    unpack(&built, into.path());
    let root = into.path().join("root");
    for module in ["net_card", "old", "older"] {
        let path = format!("lib/modules/{VERSION}/kernel/net/{module}.ko");
        let content = std::fs::read(root.join(&path)).unwrap();
        assert!(content.starts_with(b"\x7fELF"), "{module}");
        let aliases = std::fs::read_to_string(root.join("etc/drydock/aliases")).unwrap();
        assert!(aliases.contains(&format!("/{path}\n")), "{aliases}");
    }
    assert_eq!(std::fs::read(root.join("lib/firmware/old.fw")).unwrap(), b"firmware of old");
    assert_eq!(std::fs::read(root.join("lib/firmware/older.fw")).unwrap(), b"firmware of older");
}

#[test]
fn firmware_comes_along_and_is_missed() {
    let fake = Fake::new();
    fake.edit("[initramfs]", "[initramfs]\nfirmware = [\"net_card.fw\"]");
    let built = build(&fake.inputs()).unwrap();
    let into = tempfile::tempdir().unwrap();
    unpack(&built, into.path());
    let firmware = into.path().join("root/lib/firmware");
    assert_eq!(std::fs::read(firmware.join("dm-mod.fw")).unwrap(), b"firmware of dm-mod");
    assert_eq!(std::fs::read(firmware.join("net_card.fw")).unwrap(), b"firmware of net_card");
    assert!(built.warnings.iter().any(|w| w.contains("erofs.fw") && w.contains("module erofs")));
    assert!(!built.warnings.iter().any(|w| w.contains("dm-mod.fw") || w.contains("net_card.fw")));

    fake.edit("net_card.fw", "gone.fw");
    let message = refusal(&fake);
    assert!(message.contains("device.toml:11:13: there is no firmware file gone.fw"), "{message}");
}

#[test]
fn the_same_inputs_give_the_same_bytes() {
    let first = build(&Fake::new().inputs()).unwrap();
    let second = build(&Fake::new().inputs()).unwrap();
    assert_eq!(first.initramfs, second.initramfs, "the folder's name and the files' dates must not matter");
    let fake = Fake::new();
    fake.edit("acme-pump", "acme-pumps");
    assert_ne!(build(&fake.inputs()).unwrap().initramfs, first.initramfs);
    assert!(first.sizes.without_modules < first.sizes.whole);
    assert_eq!(first.sizes.whole, first.initramfs.len() as u64);
    assert_eq!(first.sizes.binary, elf().len() as u64);
}

#[test]
fn mistakes_point_at_the_line() {
    let fake = Fake::new();
    fake.edit("erofs", "eroffs");
    let message = refusal(&fake);
    assert!(message.contains("device.toml:11:25: the kernel 6.1.0-test has no module `eroffs`"), "{message}");
    assert!(message.contains("11 | modules = [\"dm-verity\", \"eroffs\", \"ext4\"]"), "{message}");

    let fake = Fake::new();
    fake.write("one.pem", b"-----BEGIN CERTIFICATE-----\n");
    let message = refusal(&fake);
    assert!(
        message.contains("device.toml:9:9:") && message.contains("not an Ed25519 public key"),
        "{message}"
    );

    let fake = Fake::new();
    fake.edit("\"one.pem\"", "\"one.pem\", \"two.pem\"");
    fake.write("two.pem", public_pem(1).as_bytes());
    let message = refusal(&fake);
    assert!(message.contains("device.toml:9:20:") && message.contains("listed already"), "{message}");
}

#[test]
fn unusable_inputs_are_refused_with_the_way_out() {
    let fake = Fake::new();
    fake.edit("net-card", "old");
    fake.write(&format!("kernel/lib/modules/{VERSION}/kernel/net/old.ko.xz"), b"no xz");
    let message = refusal(&fake);
    assert!(message.contains("old.ko.xz: can't be unpacked"), "{message}");

    let fake = Fake::new();
    let odd = fake.path("kernel/lib/modules").join(OsStr::from_bytes(b"6.1\xff"));
    std::fs::rename(fake.inputs().modules.unwrap(), &odd).unwrap();
    let message = build(&drydock_initramfs::Inputs { modules: Some(odd), ..fake.inputs() }).unwrap_err();
    assert!(message.to_string().contains("not named after a kernel's version"), "{message}");

    let fake = Fake::new();
    std::fs::remove_file(fake.inputs().modules.unwrap().join("modules.dep")).unwrap();
    let message = refusal(&fake);
    let command = format!("kernel {VERSION}");
    assert!(message.contains("depmod -b ") && message.contains(&command), "{message}");

    let fake = Fake::new();
    fake.write("drydock", b"#!/bin/sh\n");
    assert!(refusal(&fake).contains("not an ELF executable"));

    let fake = Fake::new();
    let of = |machine: u8| {
        let mut file = elf();
        file[18] = machine;
        file
    };
    let module = format!("kernel/lib/modules/{VERSION}/kernel/fs/erofs.ko");
    fake.write("drydock", &of(62));
    fake.write(&module, &of(183));
    let message = refusal(&fake);
    let words = format!(
        "drydock: is for x86_64, but the kernel is for aarch64 (its module /lib/modules/{VERSION}/kernel/fs/erofs.ko)"
    );
    assert!(message.contains(&words), "{message}");
    fake.write(&module, &of(62));
    let warned =
        |fake: &Fake| build(&fake.inputs()).unwrap().warnings.join("\n").contains("layout.architecture");
    assert!(!warned(&fake));
    fake.write("drydock", &of(183));
    fake.write(&module, &of(183));
    assert!(warned(&fake), "the configuration is for another processor");

    let fake = Fake::new();
    let message =
        build(&drydock_initramfs::Inputs { modules: None, ..fake.inputs() }).unwrap_err().to_string();
    assert!(message.contains("device.toml:11:11:") && message.contains("--modules-dir"), "{message}");
}

#[test]
fn a_kernel_root_must_hold_one_kernel() {
    let fake = Fake::new();
    let mut inputs = fake.inputs();
    let expected = inputs.modules.take().unwrap();
    inputs.add_kernel_root(&fake.path("kernel")).unwrap();
    assert_eq!(inputs.modules.as_ref(), Some(&expected));
    std::fs::create_dir(fake.path("kernel/lib/modules/6.2")).unwrap();
    let message = inputs.add_kernel_root(&fake.path("kernel")).unwrap_err().to_string();
    assert!(message.contains("2 folders"), "{message}");
}

#[test]
fn a_binary_without_a_network_is_refused_where_the_configuration_has_one() {
    let fake = Fake::new();
    let without = [&elf()[..], drydock_config::WITHOUT_NETWORK.as_bytes()].concat();
    fake.write("drydock", &without);
    build(&fake.inputs()).unwrap();
    fake.edit("[initramfs]", "[[network.interface]]\nname = \"eth0\"\n[initramfs]");
    let why = refusal(&fake);
    assert!(
        why.contains("built without the feature `network`") && why.contains("leave `[network]` out"),
        "{why}"
    );
    assert!(why.contains("device.toml:10:3"), "{why}");
    fake.write("drydock", &elf());
    build(&fake.inputs()).unwrap();
}

#[test]
fn a_binary_without_an_agent_is_refused_where_the_configuration_has_a_fleet() {
    let fake = Fake::new();
    let without = [&elf()[..], drydock_config::WITHOUT_FLEET.as_bytes()].concat();
    fake.write("drydock", &without);
    build(&fake.inputs()).unwrap();
    fake.edit(
        "[initramfs]",
        "[data]\nencrypted = false\n[fleet]\nserver = \"http://10.0.0.1:8080\"\n[initramfs]",
    );
    let why = refusal(&fake);
    assert!(
        why.contains("built without the feature `fleet`") && why.contains("leave `[fleet]` out"),
        "{why}"
    );
    assert!(why.contains("device.toml:12:1"), "{why}");
    fake.write("drydock", &elf());
    build(&fake.inputs()).unwrap();
}

#[test]
fn a_binary_without_field_service_is_refused_where_the_configuration_has_it() {
    let fake = Fake::new();
    let without = [&elf()[..], drydock_config::WITHOUT_SERVICE.as_bytes()].concat();
    fake.write("drydock", &without);
    build(&fake.inputs()).unwrap();
    fake.edit("[initramfs]", "[service]\naccess = \"open\"\n[initramfs]");
    let why = refusal(&fake);
    assert!(
        why.contains("built without the feature `service`") && why.contains("leave `[service]` out"),
        "{why}"
    );
    fake.write("drydock", &elf());
    build(&fake.inputs()).unwrap();
}

#[test]
fn a_binary_without_hooks_is_refused_where_the_configuration_has_some_or_a_gate() {
    let fake = Fake::new();
    let without = [&elf()[..], drydock_config::WITHOUT_HOOKS.as_bytes()].concat();
    fake.write("drydock", &without);
    build(&fake.inputs()).unwrap();
    fake.edit("[initramfs]", "[[gate]]\nname = \"power\"\nrequire = { supply = {} }\n[initramfs]");
    let why = refusal(&fake);
    assert!(why.contains("built without the feature `hooks`") && why.contains("leave `[[hook]]`"), "{why}");
    fake.write("drydock", &elf());
    build(&fake.inputs()).unwrap();
}

#[test]
fn technicians_keys_become_their_lines_from_whatever_they_were() {
    let pem = public_pem(1);
    let line = |seed| drydock_access::to_key_line(&drydock_fixtures::key(seed).public().unwrap());
    let with = |first: &str, second: &str| {
        let fake = Fake::new();
        fake.write("anna.pub", format!("{} anna@acme\n", line(2)).as_bytes());
        fake.write("ben.pem", pem.as_bytes());
        fake.write("id", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n");
        let key = |name: &str, key: &str| format!("[[service.key]]\nname = \"{name}\"\nkey = \"{key}\"\n");
        fake.edit("[initramfs]", &format!("{}{}[initramfs]", key("anna", first), key("ben", second)));
        fake
    };
    let fake = with("anna.pub", "ben.pem");
    let into = tempfile::tempdir().unwrap();
    unpack(&build(&fake.inputs()).unwrap(), into.path());
    let json = std::fs::read(into.path().join("root/etc/drydock/config.json")).unwrap();
    let config = drydock_config::Config::from_json(&json).unwrap();
    let keys: Vec<_> = config.service.unwrap().keys.into_iter().map(|key| key.key).collect();
    assert_eq!(keys, [line(2), line(1)]);
    for (first, second, why) in [
        ("anna.pub", "anna.pub", "listed already"),
        ("ben.pem", &line(1), "listed already"),
        ("id", "ben.pem", "is a private key"),
        ("one.pem", "device.toml", "more than one line"),
    ] {
        assert!(refusal(&with(first, second)).contains(why), "{first}: {}", refusal(&with(first, second)));
    }
}

#[test]
fn a_binary_without_the_page_is_refused_where_the_configuration_has_one() {
    let fake = Fake::new();
    let without = [&elf()[..], drydock_config::WITHOUT_LAN.as_bytes()].concat();
    fake.write("drydock", &without);
    build(&fake.inputs()).unwrap();
    fake.edit("[initramfs]", "[service]\naccess = \"open\"\n[lan]\n[initramfs]");
    let why = refusal(&fake);
    assert!(why.contains("built without the feature `lan`") && why.contains("leave `[lan]` out"), "{why}");
    fake.write("drydock", &elf());
    build(&fake.inputs()).unwrap();
}

#[test]
fn a_binary_without_trees_is_refused_where_the_configuration_has_a_class_of_files() {
    let fake = Fake::new();
    let without = [&elf()[..], drydock_config::WITHOUT_FILES.as_bytes()].concat();
    fake.write("drydock", &without);
    build(&fake.inputs()).unwrap();
    fake.edit(
        "[initramfs]",
        "[data]\nencrypted = false\n[[slot]]\nclass = \"app\"\nrole = \"files\"\n[initramfs]",
    );
    let why = refusal(&fake);
    assert!(why.contains("built without the feature `files`"), "{why}");
    fake.write("drydock", &elf());
    build(&fake.inputs()).unwrap();
}

#[test]
fn the_program_of_a_hook_goes_along_if_it_is_static() {
    let fake = Fake::new();
    fake.write("check", &elf());
    let hook = "[[hook]]\nname = \"check\"\nat = \"before-write\"\nbuiltin = \"check\"\n[initramfs]";
    fake.edit("[initramfs]", hook);
    let built = build(&fake.inputs()).unwrap();
    let archive = String::from_utf8_lossy(&built.tree.to_cpio()).into_owned();
    assert!(built.tree.list().iter().any(|listed| listed.path == "etc/drydock/hooks/check"));
    assert!(archive.contains("\"builtin\":\"/etc/drydock/hooks/check\""));
    fake.write("check", b"#!/bin/sh");
    assert!(refusal(&fake).contains("check"));
}
