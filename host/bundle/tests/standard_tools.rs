//! Bundles open with tar, openssl, zstd and veritysetup alone, and one made with these tools is accepted. What is
//! run is the text of `docs/bundle-format.md` itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{images, input, read, recipe, sample};
use drydock_bundle::create::create;
use drydock_bundle::keys::{PrivateKey, read_public, write_public};
use drydock_fixtures::noise;
use drydock_format::{Bundle, Trusted};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The block of the documentation that is marked with this name.
fn documented(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/bundle-format.md");
    let text = fs::read_to_string(path).unwrap();
    let marked = text.split_once(&format!("<!-- test: {name} -->\n```sh\n")).expect("no such block").1;
    marked.split_once("\n```\n").unwrap().0.to_string()
}

/// Runs a script in `dir`, to its first command that fails.
fn bash(dir: &Path, script: &str, variables: &[(&str, &Path)]) -> Output {
    let tool = Path::new(env!("CARGO_BIN_EXE_drydock-bundle")).parent().unwrap();
    let path = format!("{}:{}:/usr/sbin", tool.display(), std::env::var("PATH").unwrap());
    Command::new("bash")
        .args(["-euo", "pipefail", "-c", script])
        .current_dir(dir)
        .env("PATH", path)
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

/// Runs a script that must succeed, and returns what it printed.
fn run(dir: &Path, script: &str, variables: &[(&str, &Path)]) -> String {
    let output = bash(dir, script, variables);
    assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A directory with a key pair.
fn with_keys() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let (private, public) = (dir.path().join("key.pem"), dir.path().join("key.pub.pem"));
    let key = PrivateKey::generate().unwrap();
    key.write(&private).unwrap();
    write_public(&key.public().unwrap(), &public).unwrap();
    (dir, private, public)
}

#[test]
fn a_bundle_opens_with_standard_tools() {
    let (dir, private, public) = with_keys();
    let bundle = dir.path().join("bundle");
    let mut inputs = Vec::new();
    for (name, image) in ["root", "boot"].into_iter().zip(images()) {
        let path = dir.path().join(name);
        fs::write(&path, image).unwrap();
        inputs.push(input(name, &path));
    }
    let keys = [PrivateKey::generate().unwrap(), PrivateKey::read(&private).unwrap()];
    for salt in ["", "00ff", &"ab".repeat(32)] {
        let mut recipe = recipe(inputs.clone());
        recipe.salt = salt.parse().unwrap();
        recipe.keys = keys.iter().map(clone).collect();
        create(&recipe, &bundle, |_, _, _| ()).unwrap();
        for (name, image) in ["root", "boot"].into_iter().zip(images()) {
            let variables = [("BUNDLE", &*bundle), ("PUBKEY", &*public), ("NAME", Path::new(name))];
            let said = run(dir.path(), &documented("open"), &variables);
            assert!(said.contains("Signature Verified Successfully"), "{said}");
            assert!(fs::read(dir.path().join(format!("{name}.img"))).unwrap() == image);
        }
    }
    // Further members are checked as documented, too.
    let later = sample().with_further(&[("root.delta", noise(5000, 9))]).signed(&[&keys[1]]);
    let variables = [("BUNDLE", &*bundle), ("PUBKEY", &*public), ("NAME", Path::new("root"))];
    fs::write(&bundle, later.bytes()).unwrap();
    run(dir.path(), &documented("open"), &variables);
    let mut damaged = later.clone();
    damaged.get("root.delta")[4711] ^= 1;
    fs::write(&bundle, damaged.bytes()).unwrap();
    assert!(!bash(dir.path(), &documented("open"), &variables).status.success());

    // The documented check can fail.
    let mut bytes = later.bytes();
    let at = bytes.windows(5).position(|window| window == b"2.0.1").unwrap();
    bytes[at] = b'3';
    fs::write(&bundle, bytes).unwrap();
    assert!(!bash(dir.path(), &documented("open"), &variables).status.success());
}

/// The same private key once more; only tests need two.
fn clone(key: &PrivateKey) -> PrivateKey {
    let dir = tempfile::tempdir().unwrap();
    key.write(&dir.path().join("key")).unwrap();
    PrivateKey::read(&dir.path().join("key")).unwrap()
}

#[test]
fn a_bundle_made_by_hand_is_accepted() {
    for len in [9_000_001, 70_000, 4 << 20, 1] {
        let (dir, private, public) = with_keys();
        let (image, bundle) = (dir.path().join("source"), dir.path().join("bundle"));
        let mut data = noise(len, 1);
        data[len / 3..].fill(0);
        fs::write(&image, &data).unwrap();
        let script = documented("make");
        run(dir.path(), &script, &[("IMAGE", &image), ("KEY", &private), ("BUNDLE", &bundle)]);
        let trusted = Trusted { keys: vec![read_public(&public).unwrap()], threshold: 1 };
        let opened = read(fs::read(&bundle).unwrap(), &trusted);
        if len <= 4096 {
            // The format has no images of one block, and says so.
            assert!(opened.unwrap_err().to_string().contains("size: 4096 is not"));
            continue;
        }
        data.resize(len.next_multiple_of(4096), 0);
        assert!(opened.unwrap() == [data.clone()]);

        // The same as the tool makes of it, but for the frames' encoding.
        let mut recipe = recipe(vec![input("root", &image)]);
        recipe.frame_size = 4 << 20;
        let made = create(&recipe, &dir.path().join("made"), |_, _, _| ()).unwrap();
        let by_hand = Bundle::open(fs::read(&bundle).unwrap(), &trusted).unwrap();
        assert_eq!(made.manifest.images, by_hand.manifest().images);
    }
}

#[test]
fn keys_go_to_openssl_and_come_from_it() {
    let (dir, private, public) = with_keys();
    let same = run(dir.path(), "openssl pkey -in key.pem -pubout", &[]);
    assert_eq!(same, fs::read_to_string(&public).unwrap());
    let id = run(dir.path(), "openssl pkey -pubin -in key.pub.pem -outform DER | sha256sum", &[]);
    assert_eq!(id[..64], read_public(&public).unwrap().id().to_string());
    assert_eq!(PrivateKey::read(&private).unwrap().public().unwrap(), read_public(&public).unwrap());

    let script =
        "openssl genpkey -algorithm ed25519 -out own.pem; openssl pkey -in own.pem -pubout -out own.pub.pem
        openssl genpkey -algorithm ed448 -out other.pem; openssl pkey -in other.pem -pubout -out other.pub.pem
        openssl pkey -in own.pem -aes256 -passout pass:x -out locked.pem";
    run(dir.path(), script, &[]);
    let file = |name: &str| dir.path().join(name);
    let own = PrivateKey::read(&file("own.pem")).unwrap();
    assert_eq!(own.public().unwrap(), read_public(&file("own.pub.pem")).unwrap());
    for name in ["other.pem", "locked.pem", "own.pub.pem"] {
        assert!(PrivateKey::read(&file(name)).is_err(), "{name}");
    }
    for name in ["other.pub.pem", "own.pem"] {
        assert!(read_public(&file(name)).is_err(), "{name}");
    }
    assert!(own.write(&private).is_err(), "a key file was replaced");
}

#[test]
fn a_key_in_an_hsm_signs() {
    let module = Path::new("/usr/lib/softhsm/libsofthsm2.so");
    let (dir, private, public) = with_keys();
    let (image, bundle) = (dir.path().join("image"), dir.path().join("bundle"));
    fs::write(&image, noise(10_000, 1)).unwrap();
    let mut recipe = recipe(vec![input("root", &image)]);
    recipe.keys = vec![PrivateKey::read(&private).unwrap()];
    create(&recipe, &bundle, |_, _, _| ()).unwrap();

    let conf = dir.path().join("softhsm2.conf");
    fs::create_dir(dir.path().join("tokens")).unwrap();
    fs::write(&conf, format!("directories.tokendir = {}/tokens\n", dir.path().display())).unwrap();
    let variables = [
        ("SOFTHSM2_CONF", &*conf),
        ("MODULE", module),
        ("PIN", Path::new("1234")),
        ("BUNDLE", &*bundle),
        ("PUBKEY", &*public),
    ];
    let token = "softhsm2-util --init-token --free --label drydock --pin 1234 --so-pin 5678
        pkcs11-tool --module $MODULE --login --pin $PIN --keypairgen --key-type EC:edwards25519 --id 01";
    run(dir.path(), token, &variables);
    run(dir.path(), "mkdir work", &[]);
    run(&dir.path().join("work"), &documented("hsm"), &variables);
    let check = "drydock-bundle verify $BUNDLE --key $PUBKEY --key work/key.pub.pem --threshold 2";
    run(dir.path(), check, &variables);

    // What was not made by that key over these bytes is not attached.
    let forged =
        "head -c 64 /dev/urandom > forged; ! drydock-bundle sign $BUNDLE --attach forged --pubkey $PUBKEY
        head -c 63 /dev/urandom > short; ! drydock-bundle sign $BUNDLE --attach short --pubkey $PUBKEY";
    run(dir.path(), forged, &variables);
    run(dir.path(), check, &variables);
}
