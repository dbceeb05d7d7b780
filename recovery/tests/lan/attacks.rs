//! Clients that want to hold the page up, or to get in.

use crate::bench::{KEYS, Site, WORKSHOP, shut_site, site};
use crate::visitor::{Visitor, admitted, ask, challenge, post, request, wish};
use drydock_recovery::lan::Limits;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

fn short(milliseconds: u64) -> Limits {
    let time = Duration::from_millis(milliseconds);
    Limits { handshake: time, idle: time, head: time, slice_time: time, linger: time, ..Limits::default() }
}

fn status(site: &Site, request: &str) -> u16 {
    ask(site, request).status
}

fn works(site: &Site) {
    let got = ask(site, "GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    assert_eq!(got.status, 200, "{got:?}");
}

#[test]
fn whoever_sends_a_head_byte_by_byte_is_cut_off_and_holds_nobody_up() {
    let site = site(short(700));
    let mut slow = Visitor::enter(&site).unwrap();
    let flood =
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ".bytes().chain(std::iter::repeat_n(b'z', 4000));
    let mut sent = 0;
    for byte in flood {
        if slow.say(&[byte]).is_err() {
            break;
        }
        sent += 1;
        if sent == 20 {
            works(&site);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(sent < 4000, "it could go on for ever");
}

#[test]
fn whoever_sends_a_body_byte_by_byte_is_cut_off_and_holds_nobody_up() {
    let site = site(short(700));
    for (line, token) in
        [("POST /ask", None), ("PUT /bundle", Some(admitted(&site, &wish(&WORKSHOP.version("3").bundle))))]
    {
        let mut slow = Visitor::enter(&site).unwrap();
        slow.say(request(&site, line, token.as_deref(), 4000).as_bytes()).unwrap();
        let sent = std::iter::repeat_n(b'z', 4000).take_while(|byte| {
            std::thread::sleep(Duration::from_millis(10));
            slow.say(&[*byte]).is_ok()
        });
        let sent = sent.count();
        assert!(sent < 4000, "{line}: it could go on for ever");
        works(&site);
    }
    assert_eq!(site.bench.written.load(std::sync::atomic::Ordering::Relaxed), 0);
}

#[test]
fn whoever_says_nothing_is_cut_off() {
    let site = site(short(300));
    // Before the handshake, after it, and within a head.
    let mut dumb = TcpStream::connect(site.at).unwrap();
    assert_eq!(dumb.read(&mut [0; 16]).unwrap_or(0), 0);
    let mut idle = Visitor::enter(&site).unwrap();
    assert!(idle.hear().is_none());
    let mut half = Visitor::enter(&site).unwrap();
    assert_eq!(half.ask("GET / HTT").status, 408);
    let mut bodiless = Visitor::enter(&site).unwrap();
    let head = request(&site, "POST /ask", None, 9);
    assert_eq!(bodiless.ask(&head).status, 408);
    works(&site);
}

#[test]
fn one_address_gets_no_more_connections_than_a_browser_needs() {
    let site = site(Limits::default());
    let mut inside: Vec<_> = (0..6).map(|_| Visitor::enter(&site).unwrap()).collect();
    for _ in 0..50 {
        assert!(Visitor::enter(&site).is_none());
    }
    for visitor in &mut inside {
        assert_eq!(visitor.ask("GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").status, 200);
    }
    // A place is free as soon as one of them leaves.
    assert_eq!(
        inside[0].ask("GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").status,
        200
    );
    assert!(inside[0].hear().is_none());
    drop(inside.remove(0));
    let found = (0..500).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        Visitor::enter(&site).is_some()
    });
    assert!(found, "the place was not given back");
}

#[test]
fn what_is_no_tls_ends_at_once_and_harms_nobody() {
    let site = site(Limits::default());
    for garbage in [
        &b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"[..],
        &[0x16, 3, 1, 0xff, 0xff],
        &[0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0],
        &[0xff; 20_000],
        b"SSH-2.0-x\r\n",
    ] {
        let mut stream = TcpStream::connect(site.at).unwrap();
        let _ = stream.write_all(garbage);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.len() < 100 && !answer.starts_with(b"HTTP"), "{answer:?}");
    }
    works(&site);
}

#[test]
fn floods_of_header_fields_and_paths_that_lead_elsewhere_are_refused() {
    let site = site(Limits::default());
    let get = |target: &str, more: &str| {
        status(&site, &format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n{more}\r\n"))
    };
    assert_eq!(get("/", &"X: y\r\n".repeat(60)), 431);
    assert_eq!(get("/", &format!("Cookie: {}\r\n", "x".repeat(9000))), 431);
    for path in [
        "/../../etc/shadow",
        "/..%2f..%2fetc/shadow",
        "/page.js/../../x",
        "//etc/passwd",
        "/status?file=/etc/passwd",
        "/.",
        "/favicon.ico",
        "file:///etc/passwd",
    ] {
        assert_eq!(get(path, ""), 404, "{path}");
    }
    assert_eq!(status(&site, "GET / HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n"), 505);
    assert_eq!(status(&site, "\r\n\r\n\0\r\n\r\n"), 400);
    assert_eq!(status(&site, "OPTIONS /bundle HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"), 405);
    works(&site);
}

#[test]
fn other_names_and_other_sites_lead_nowhere() {
    let site = site(Limits::default());
    let get = |fields: &str| status(&site, &format!("GET /status HTTP/1.1\r\n{fields}\r\n"));
    assert_eq!(get("Host: pump-7.example\r\n"), 200);
    assert_eq!(get("Host: rebound.evil.example\r\n"), 421);
    assert_eq!(get("Host: 127.0.0.1\r\nOrigin: https://evil.example\r\n"), 403);
    assert_eq!(get("Host: 127.0.0.1\r\nSec-Fetch-Site: cross-site\r\n"), 403);
    let form = "POST /act HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nroll-back";
    assert_eq!(status(&site, form), 403, "a form of another site's has no token of the page's");
    let honest =
        request(&site, "POST /act", None, 9).replace("\r\n\r\n", "\r\nOrigin: https://evil.example\r\n\r\n");
    assert_eq!(status(&site, &(honest + "roll-back")), 403);
    assert!(site.bench.done.lock().unwrap().is_empty());
}

#[test]
fn nothing_is_done_without_an_answer_that_is_for_this_and_it_is_done_once() {
    let site = site(Limits::default());
    assert_eq!(post(&site, "/act", None, "roll-back").status, 401);
    assert_eq!(post(&site, "/act", Some(&"0".repeat(48)), "roll-back").status, 401);
    let line = challenge(&site, "roll-back");
    let answer = |text: &str| post(&site, "/answer", None, &format!("roll-back\n{text}"));
    let signed = |line: &str| KEYS.sign("kim", line);
    for wrong in [String::new(), "x".repeat(3000), signed("x"), signed("y"), signed("z")] {
        assert_eq!(answer(&wrong).status, 409);
    }
    assert_eq!(answer(&"x".repeat(5000)).status, 413);
    assert_eq!(post(&site, "/answer", None, "roll-back").status, 400);
    let good = KEYS.sign("kim", &line);
    // Wrong answers make whoever gave them wait.
    assert!(answer(&good).body.contains("is looked at in"), "a pause");
    let token = admitted(&site, "roll-back");
    assert_eq!(answer(&good).status, 409, "a replayed answer, to a challenge of before");
    assert_eq!(post(&site, "/act", Some(&token), "factory-reset").status, 401, "another verb");
    assert_eq!(post(&site, "/act", Some(&token), "power-off").status, 401);
    assert_eq!(post(&site, "/act", Some(&token), "roll-back").status, 200);
    assert_eq!(post(&site, "/act", Some(&token), "roll-back").status, 401, "once");
    assert_eq!(*site.bench.done.lock().unwrap(), ["roll back, asked for by kim"]);
    let history = site.bench.device.lock().unwrap().record().unwrap().history;
    assert!(history.iter().any(|entry| entry.reason.contains("roll-back, by the key `kim`")), "{history:?}");
}

#[test]
fn a_key_that_is_not_for_it_and_one_that_nobody_knows_open_nothing() {
    let site = site(Limits::default());
    for (who, wish, why) in
        [("eve", "restart", "does not know"), ("lee", "roll-back", "may not be used for roll-back")]
    {
        let signed = KEYS.sign(who, &challenge(&site, wish));
        let got = post(&site, "/answer", None, &format!("{wish}\n{signed}"));
        assert!(
            got.status == 409 && (got.body.contains(why) || got.body.contains("looked at in")),
            "{got:?}"
        );
    }
    // An answer to one thing is none to another.
    let signed = KEYS.sign("kim", &challenge(&site, "power-off"));
    assert_eq!(post(&site, "/answer", None, &format!("factory-reset\n{signed}")).status, 409);
}

#[test]
fn where_looking_is_not_free_it_takes_an_answer_too() {
    let site = shut_site();
    assert_eq!(status(&site, "GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"), 401);
    let token = admitted(&site, "view");
    let look = format!("GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n");
    assert_eq!(status(&site, &look), 200);
    assert_eq!(status(&site, &look), 200, "as often as one likes");
    assert_eq!(post(&site, "/act", Some(&token), "view").status, 401);
}
