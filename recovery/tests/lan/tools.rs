//! `curl` and `openssl` as the other end.

use crate::bench::{WORKSHOP, site};
use crate::visitor::{admitted, wish};
use drydock_recovery::lan::Limits;
use std::fs;
use std::process::{Command, Output, Stdio};

fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn openssl_sees_the_certificate_whose_fingerprint_the_console_shows() {
    let site = site(Limits::default());
    let at = site.at.to_string();
    let folder = tempfile::tempdir().unwrap();
    let pem = folder.path().join("pem");
    let seen = run(Command::new("openssl").args(["s_client", "-showcerts", "-connect", &at]));
    let seen = text(&seen.stdout);
    assert!(
        seen.contains("TLSv1.3") && seen.contains("Verification error: self-signed certificate"),
        "{seen}"
    );
    let from = seen.find("-----BEGIN").unwrap();
    let to = seen.find("-----END CERTIFICATE-----").unwrap() + 26;
    fs::write(&pem, &seen[from..to]).unwrap();
    let x509 = |more: &[&str]| {
        text(&run(Command::new("openssl").args(["x509", "-noout", "-in"]).arg(&pem).args(more)).stdout)
    };
    let fingerprint = x509(&["-fingerprint", "-sha256"]);
    let fingerprint = fingerprint.trim().split('=').nth(1).unwrap().replace(':', "");
    assert_eq!(fingerprint, site.page.fingerprint.to_string().replace(' ', ""));
    let all = x509(&["-text"]);
    for part in [
        "Version: 3",
        "ecdsa-with-SHA256",
        "NIST CURVE: P-256",
        "Not Before: Jan  1 00:00:00 1970 GMT",
        "Not After : Dec 31 23:59:59 9999 GMT",
        "DNS:drydock, DNS:pump-7.example",
        "TLS Web Server Authentication",
    ] {
        assert!(all.contains(part), "{part}: {all}");
    }
    // Its own signature holds, and whoever was given it believes it.
    let verified = run(Command::new("openssl").args(["verify", "-CAfile"]).args([&pem, &pem]));
    assert!(verified.status.success(), "{verified:?}");
    let old = run(Command::new("openssl").args(["s_client", "-tls1_2", "-connect", &at]));
    assert!(!old.status.success());
}

#[test]
fn curl_brings_a_bundle_and_sees_what_became_of_it() {
    let site = site(Limits::default());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("update.drydock");
    let bundle = &WORKSHOP.version("3").bundle;
    fs::write(&file, &**bundle).unwrap();
    let base = format!("https://{}", site.at);
    let curl = |more: &[&str]| {
        let output = run(Command::new("curl").args(["-sS", "-k", "--http1.1"]).args(more));
        (text(&output.stdout), text(&output.stderr))
    };
    let (page, _) = curl(&["-i", &base]);
    assert!(page.contains("frame-ancestors 'none'") && page.contains("<title>drydock</title>"), "{page}");
    let page = page.split("content=\"").find(|part| part.find('"') == Some(48)).unwrap();
    let page = format!("X-Drydock-Page: {}", &page[..48]);
    let bearer = format!("Authorization: Bearer {}", admitted(&site, &wish(bundle)));
    // curl asks whether a body of this size is wanted before it sends it.
    let (told, trouble) = curl(&[
        "-T",
        file.to_str().unwrap(),
        "-H",
        &page,
        "-H",
        &bearer,
        "-H",
        "Expect: 100-continue",
        &format!("{base}/bundle"),
    ]);
    assert_eq!(told, "version 3 is staged, asked for by kim", "{trouble}");
    let (status, _) = curl(&[&format!("{base}/status")]);
    assert!(status.contains("\"good\":true"), "{status}");
    let (refused, _) = curl(&["-H", "Host: evil.example", &format!("{base}/status")]);
    assert!(refused.contains("not called that"), "{refused}");
}
