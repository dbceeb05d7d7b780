//! What is taken for a request of our own page, and what is not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_page::{Answer, Ending, Guard, Head, Kind, MAX_HEAD, Refusal, Route, Token};
use proptest::prelude::*;

fn read(text: &str) -> Result<Head, Refusal> {
    let (head, length) = Head::read(text.as_bytes())?.expect("it is not whole");
    assert_eq!(length, text.find("\r\n\r\n").unwrap() + 4);
    Ok(head)
}

fn request(line: &str, fields: &[&str]) -> Result<Head, Refusal> {
    let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
    read(&format!("{line} HTTP/1.1\r\n{fields}\r\n"))
}

fn guard() -> Guard {
    Guard::new(vec!["cabinet-7.plant.example".into()], Token::new([1; 24]))
}

fn checked(line: &str, fields: &[&str]) -> Result<(), Refusal> {
    guard().check(&request(line, fields)?)
}

#[test]
fn a_browsers_requests_are_read() {
    let head = request(
        "PUT /bundle",
        &[
            "Host: 192.168.1.7",
            "Connection: keep-alive",
            "Content-Length: 123456789012",
            "Authorization: Bearer abc",
            "X-Drydock-Page:  t ",
            "Origin: https://192.168.1.7",
            "Sec-Fetch-Site: same-origin",
            "Accept: */*",
        ],
    )
    .unwrap();
    assert_eq!((head.route, head.length), (Route::Bundle, 123_456_789_012));
    assert_eq!((head.bearer.as_deref(), head.page.as_deref()), (Some("abc"), Some("t")));
    assert!(!head.waits && !head.last);
    let curl = ["Host: h", "Content-Length: 1", "Expect: 100-continue", "Connection: close"];
    let curl = request("PUT /bundle", &curl).unwrap();
    assert!(curl.waits && curl.last);
}

#[test]
fn what_is_malformed_or_too_large_is_refused() {
    let host = "Host: 10.0.0.1";
    let many = vec!["X: y"; 60];
    let long = format!("Cookie: {}", "x".repeat(MAX_HEAD));
    assert_eq!(request("GET /", &[&[host], &many[..]].concat()), Err(Refusal::HeadTooLarge));
    let flood = format!("GET / HTTP/1.1\r\n{host}\r\n{long}");
    assert_eq!(Head::read(flood.as_bytes()), Err(Refusal::HeadTooLarge));
    assert_eq!(Head::read(&vec![b'A'; MAX_HEAD]), Err(Refusal::HeadTooLarge));
    assert_eq!(request("GET /", &[]), Err(Refusal::Malformed), "a request without a Host");
    assert_eq!(request("GET /", &[host, host]), Err(Refusal::Malformed), "two of them");
    assert_eq!(read("GET / HTTP/1.0\r\nHost: x\r\n\r\n"), Err(Refusal::Version));
    assert_eq!(Head::read(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Err(Refusal::Version));
    assert_eq!(Head::read(b"\x16\x03\x01\x02\x00"), Err(Refusal::Malformed), "TLS within TLS");
    assert_eq!(request("GET / x", &[host]), Err(Refusal::Version));
    assert_eq!(request("POST /ask", &[host]), Err(Refusal::NoLength));
    assert_eq!(request("POST /ask", &[host, "Content-Length: 4097"]), Err(Refusal::BodyTooLarge));
    assert_eq!(request("GET /status", &[host, "Content-Length: 1"]), Err(Refusal::BodyTooLarge));
    for bad in ["-1", "+1", "0x10", "", "1,1", "1 1"] {
        let field = format!("Content-Length: {bad}");
        assert_eq!(request("PUT /bundle", &[host, &field]), Err(Refusal::Malformed), "{bad}");
    }
    let huge = "Content-Length: 99999999999999999999";
    assert_eq!(request("PUT /bundle", &[host, huge]), Err(Refusal::BodyTooLarge));
    let both = [host, "Content-Length: 4", "Transfer-Encoding: chunked"];
    assert_eq!(request("PUT /bundle", &both), Err(Refusal::NoLength), "two lengths that may differ");
    assert_eq!(request("OPTIONS /bundle", &[host]), Err(Refusal::Method), "a preflight is never answered");
}

#[test]
fn a_name_that_is_not_configured_does_not_lead_here() {
    for ours in [
        "10.0.0.1",
        "10.0.0.1:8443",
        "[fe80::1]",
        "[fd00::7]:443",
        "cabinet-7.plant.example",
        "CABINET-7.plant.example:443",
    ] {
        assert_eq!(checked("GET /status", &[&format!("Host: {ours}")]), Ok(()), "{ours}");
    }
    for foreign in [
        "evil.example",
        "10.0.0.1.evil.example",
        "localhost",
        "",
        "cabinet-7.plant.example.",
        "cabinet-7.plant.example.evil.example",
        "10.0.0.1:99999",
        "10.0.0.1:x",
        "[fe80::1]x",
        "[evil.example]",
        "fe80::1",
        "10.0.0.1@evil.example",
    ] {
        let host = format!("Host: {foreign}");
        assert_eq!(checked("GET /status", &[&host]), Err(Refusal::Misdirected), "{foreign}");
    }
}

#[test]
fn what_another_sites_page_sends_is_refused() {
    let host = "Host: 10.0.0.1:8443";
    let page = format!("X-Drydock-Page: {}", Token::new([1; 24]).as_str());
    let own =
        [host, "Content-Length: 9", &page, "Origin: https://10.0.0.1:8443", "Sec-Fetch-Site: same-origin"];
    assert_eq!(checked("POST /ask", &own), Ok(()));
    for origin in [
        "https://10.0.0.1",
        "http://10.0.0.1:8443",
        "https://evil.example",
        "null",
        "https://10.0.0.1:8443.evil.example",
    ] {
        let origin = format!("Origin: {origin}");
        let refused = checked("POST /ask", &[host, "Content-Length: 9", &page, &origin]);
        assert_eq!(refused, Err(Refusal::CrossSite), "{origin}");
    }
    for site in ["cross-site", "same-site"] {
        let site = format!("Sec-Fetch-Site: {site}");
        assert_eq!(checked("GET /status", &[host, &site]), Err(Refusal::CrossSite));
        assert_eq!(
            checked("GET /page.js", &[host, &site, "Sec-Fetch-Dest: script"]),
            Err(Refusal::CrossSite)
        );
        assert_eq!(checked("GET /", &[host, &site, "Sec-Fetch-Dest: iframe"]), Err(Refusal::CrossSite));
        assert_eq!(checked("GET /", &[host, &site, "Sec-Fetch-Dest: document"]), Ok(()), "a link to it");
    }
    for wrong in [None, Some("X-Drydock-Page: 0101"), Some("X-Drydock-Page:")] {
        let fields: Vec<_> = [host, "Content-Length: 9"].into_iter().chain(wrong).collect();
        assert_eq!(checked("POST /act", &fields), Err(Refusal::NotOurPage));
        assert_eq!(checked("PUT /bundle", &fields), Err(Refusal::NotOurPage));
    }
}

#[test]
fn every_answer_tells_browsers_what_to_keep_to() {
    for answer in [
        Answer::good(Kind::Json, b"{}".as_slice()),
        Answer::refusal(Refusal::CrossSite),
        Answer::declined("no"),
    ] {
        let text = String::from_utf8(answer.to_bytes(Ending::Close)).unwrap();
        for field in [
            "Cache-Control: no-store",
            "X-Content-Type-Options: nosniff",
            "frame-ancestors 'none'",
            "script-src 'self'",
            "Connection: close",
        ] {
            assert!(text.contains(field), "{field}: {text}");
        }
        assert!(
            !text.contains("unsafe-inline")
                && !text.contains("Strict-Transport")
                && !text.contains("Set-Cookie")
        );
    }
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(Some((head, length))) = Head::read(&bytes) {
            prop_assert!(length <= bytes.len());
            let _ = guard().check(&head);
        }
    }

    #[test]
    fn a_head_that_comes_in_pieces_is_read_as_if_it_came_at_once(cut in 0usize..200) {
        let whole = "POST /ask HTTP/1.1\r\nHost: 10.0.0.1\r\nContent-Length: 9\r\nSec-Fetch-Site: none\r\n\r\nroll-back";
        let cut = cut.min(whole.len());
        let end = whole.len() - 9;
        let read = Head::read(&whole.as_bytes()[..cut]).unwrap();
        prop_assert_eq!(read.map(|(_, length)| length), (cut >= end).then_some(end));
    }
}
