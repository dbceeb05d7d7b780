//! Where may be gone to, and who may see who this device is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_transfer::{Address, Identity, MAX_REDIRECTS, Place, Trail};

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

#[test]
fn addresses_are_read_and_written_back() {
    for (text, host, port) in [
        ("https://updates.example/v2.drydock", "updates.example", 443),
        ("http://10.0.0.1:8080/a?b=c", "10.0.0.1", 8080),
        ("https://[fe80::1]:8443/x", "[fe80::1]", 8443),
        ("https://[::1]/x", "[::1]", 443),
    ] {
        let read = address(text);
        assert_eq!(read.to_string(), text);
        assert_eq!(read.place(), Place { secure: text.starts_with("https"), host: host.into(), port });
    }
    assert_eq!(address("HTTPS://Example.ORG").to_string(), "https://example.org/");
}

#[test]
fn what_is_no_address_is_refused() {
    for wrong in [
        "",
        "updates.example/v2",
        "ftp://example/x",
        "https:///x",
        "https://a b/x",
        "https://user:secret@example/x",
        "https://example/x#part",
        "https://example:0/x",
        "https://example:99999/x",
        "https://example:12a/x",
        "https://exa mple/x",
        "https://[::g]/x",
        "https://example/\u{fc}",
        "https://a%41/x",
    ] {
        assert!(Address::parse(wrong).is_err(), "{wrong}");
    }
    assert!(Address::parse(&format!("https://example/{}", "x".repeat(2000))).is_err());
}

#[test]
fn redirects_are_followed_so_far_and_never_down_to_http() {
    let mut trail = Trail::new(&address("https://a.example/dir/file?x=y/z"));
    trail.follow("other").unwrap();
    assert_eq!(trail.at().to_string(), "https://a.example/dir/other");
    trail.follow("/top").unwrap();
    assert_eq!(trail.at().to_string(), "https://a.example/top");
    trail.follow("//b.example/x").unwrap();
    assert_eq!(trail.at().to_string(), "https://b.example/x");
    assert!(trail.follow("http://b.example/x").unwrap_err().contains("from https to http://b.example/x"));
    assert!(trail.follow("").is_err() && trail.follow("https://u@c/").is_err());
    assert!(trail.follow("javascript://x").is_err());
    trail.follow("https://a.example/4").unwrap();
    trail.follow("5").unwrap();
    assert_eq!(trail.follow("6"), Err(format!("the server sends on more than {MAX_REDIRECTS} times")));
    // What was not protected to begin with may be led to where it is.
    Trail::new(&address("http://a/x")).follow("https://a/x").unwrap();
}

#[test]
fn only_the_configured_place_sees_who_this_device_is() {
    let mut trail = Trail::new(&address("https://a.example/x"));
    assert_eq!(trail.identity(), Identity::Shown);
    trail.follow("https://a.example:443/y").unwrap();
    assert_eq!(trail.identity(), Identity::Shown);
    for elsewhere in ["https://a.example:444/x", "https://b.example/x"] {
        let mut trail = trail.clone();
        trail.follow(elsewhere).unwrap();
        assert_eq!(trail.identity(), Identity::Hidden, "{elsewhere}");
    }
}
