//! What is wrong with the servers of `[network]` is said at its place.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_config_load::load;

/// What is said of a configuration with these lines in `[network]`; the file `ca.pem` is there.
fn said(lines: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    for file in ["key.pem", "ca.pem"] {
        std::fs::write(folder.path().join(file), "PEM").unwrap();
    }
    std::fs::write(folder.path().join("big.pem"), vec![b'x'; (256 << 10) + 1]).unwrap();
    let text = format!(
        "compatible = \"x\"\nsignatures.keys = [\"key.pem\"]\nlayout.bootloader = \"none\"\ndata.encrypted = false\n[[slot]]\nclass = \"root\"\nrole = \"root\"\n[network]\n{lines}\n"
    );
    let path = folder.path().join("device.toml");
    std::fs::write(&path, text).unwrap();
    load(&path).map_or_else(|error| error.to_string(), |_| String::new())
}

#[test]
fn what_is_right_is_taken() {
    let lines = r#"
        ca = ["ca.pem"]
        client_certificate = "lib/acme/device.pem"
        client_key = "lib/acme/device.key"
        server_name = "updates.example"
        mirrors = ["https://b.example/m", "http://10.0.0.1:8080"]
        proxy = "http://proxy.example:3128"
        rate_limit_kib = 200
        pause_at_load = 2
    "#;
    assert_eq!(said(lines), "");
}

#[test]
fn what_is_wrong_is_said() {
    for (line, why) in [
        ("ca = [\"missing.pem\"]", "No such file"),
        ("ca = [\"big.pem\"]", "larger than such a file may be (262144 bytes)"),
        ("client_key = \"x\"", "belong together"),
        ("client_key = \"../x\"\nclient_certificate = \"x\"", "must be the path of a file"),
        ("server_name = \"a:443\"", "must be a name in lower case"),
        ("server_name = \"Updates.example\"", "must be a name in lower case"),
        ("mirrors = [\"b.example\"]", "is no address: it does not begin with https://"),
        ("mirrors = [\"https://b.example/?x\"]", "must not have a query"),
        ("proxy = \"https://proxy\"", "must be http://HOST:PORT"),
        ("proxy = \"http://proxy/path\"", "must be http://HOST:PORT"),
        ("tries = 0", "0 is out of range: 1 to 1000"),
        ("stall_seconds = 0", "0 is out of range: 1 to 3600"),
        ("speed = 1", "unknown field"),
    ] {
        let said = said(line);
        assert!(said.contains(why), "{line}: {said}");
    }
}
