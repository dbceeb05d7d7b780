//! What can go wrong on the way: each ends well, or with a reason that a person can use.

use crate::faulty::{Answer, Asked, Faulty, Then, answer, right, with_boundary};
use crate::setup::{Setup, WORKSHOP, bundle, claimed, installs, place};
use drydock_config::Seconds;
use std::sync::atomic::Ordering;

/// Fetches from such a server, which must end well. Returns what was told.
fn ends_well(script: impl Fn(usize, &Asked) -> Answer + Send + Sync + 'static) -> (Faulty, Vec<String>) {
    let server = Faulty::start(script);
    let setup = Setup::new(server.url());
    let watch = setup.watch.clone();
    let (_folder, path) = place();
    let fetched = setup.fetch(&path).unwrap_or_else(|error| panic!("{error}: {:?}", watch.told()));
    assert_eq!(claimed(&path), fetched.there);
    installs(&path);
    (server, watch.told())
}

/// Fetches from such a server, which must fail. Returns why.
fn fails(script: impl Fn(usize, &Asked) -> Answer + Send + Sync + 'static) -> String {
    let server = Faulty::start(script);
    let (_folder, path) = place();
    let error = Setup::new(server.url()).fetch(&path).unwrap_err().to_string();
    if path.exists() {
        claimed(&path);
    }
    assert!(error.contains(&server.url()), "{error}");
    error
}

fn close(bytes: Vec<u8>) -> Answer {
    (bytes, Then::Close)
}

fn good(asked: &Asked) -> Answer {
    close(right(bundle(), asked))
}

#[test]
fn a_server_that_closes_after_each_few_bytes_brings_all_of_it() {
    for few in [3000, 9000, 60_000] {
        let (server, told) = ends_well(move |_, asked| {
            let mut bytes = right(bundle(), asked);
            bytes.truncate(few);
            close(bytes)
        });
        assert!(server.requests() > bundle().len() / few, "{few}: {}", server.requests());
        assert!(told.iter().any(|told| told.contains("trying again")), "{told:?}");
        // Whoever goes on says which file is meant.
        assert!(server.asked().iter().skip(1).all(|asked| asked.if_range.as_deref() == Some("\"1\"")));
    }
}

#[test]
fn a_server_that_stalls_in_the_middle_or_before_it_answers_is_asked_again() {
    let (server, told) = ends_well(|number, asked| {
        let mut bytes = right(bundle(), asked);
        match number {
            1 => bytes.truncate(5000),
            3 => bytes.truncate(10),
            4 => bytes.clear(),
            _ => return close(bytes),
        }
        (bytes, Then::Stall)
    });
    assert!(server.requests() > 5);
    assert!(told.iter().any(|told| told.contains("nothing came from 127.0.0.1 for 2 s")), "{told:?}");
    assert!(told.iter().any(|told| told.contains("did not answer within 2 s")), "{told:?}");
    let why = fails(|_, _| (Vec::new(), Then::Stall));
    assert!(why.contains("did not answer within 2 s") && why.contains("goes on where it was"), "{why}");
}

#[test]
fn the_whole_file_in_place_of_a_range_will_do() {
    let whole = || {
        let lines = format!("ETag: \"1\"\r\nContent-Length: {}\r\n", bundle().len());
        close(answer("200 OK", &lines, bundle()))
    };
    ends_well(move |_, _| whole());
    // And even if it breaks each time, as long as it gets further.
    ends_well(move |number, _| {
        let (mut bytes, then) = whole();
        bytes.truncate(100_000 + 60_000 * number);
        (bytes, then)
    });
}

#[test]
fn another_file_under_the_same_name_is_noticed() {
    let other = || -> &'static [u8] { &WORKSHOP.version("4").bundle };
    let why = fails(move |number, asked| match number {
        0..2 => good(asked),
        _ => close(right(other(), asked)),
    });
    assert!(why.contains("another one than before") && why.contains("stage it again"), "{why}");
    // It is gone in the middle, or has become shorter.
    let why = fails(|number, asked| match number {
        0..2 => good(asked),
        _ => close(answer("404 Not Found", "Content-Length: 0\r\n", b"")),
    });
    assert!(why.contains("404 (there is no such file)") && why.contains("check the address"), "{why}");
    let why = fails(|number, asked| match number {
        0..2 => good(asked),
        _ => close(answer(
            "416 Range Not Satisfiable",
            "Content-Range: bytes */5\r\nContent-Length: 0\r\n",
            b"",
        )),
    });
    assert!(why.contains("another one than before"), "{why}");
}

#[test]
fn lies_bring_nothing_and_are_told() {
    let lie = |from: &'static str, to: &'static str| {
        move |number: usize, asked: &Asked| {
            let bytes = right(bundle(), asked);
            if number < 2 {
                return close(bytes);
            }
            let at = bytes.windows(from.len()).position(|window| window == from.as_bytes());
            let at = at.unwrap_or_else(|| panic!("{from} is not in the answer"));
            close([&bytes[..at], to.as_bytes(), &bytes[at + from.len()..]].concat())
        }
    };
    // Another range than was asked for, none at all, a coding.
    for (from, to) in [
        ("Content-Range: bytes ", "Content-Range: bytes 1"),
        ("Content-Range", "X-Range"),
        ("ETag: \"1\"\r\n", "ETag: \"1\"\r\nContent-Encoding: gzip\r\n"),
    ] {
        let why = fails(lie(from, to));
        assert!(why.contains("makes no sense"), "{from}: {why}");
    }
    let longer = format!("/{}\r\n", bundle().len() + 1);
    let said: &'static str = format!("/{}\r\n", bundle().len()).leak();
    let why = fails(lie(said, longer.leak()));
    assert!(why.contains("another one than before"), "{why}");
    // A length that is a lie: the connection ends before.
    let why = fails(|number, asked| {
        let bytes = right(bundle(), asked);
        let text = String::from_utf8_lossy(&bytes);
        let length = text.lines().find(|line| line.starts_with("Content-Length: ")).unwrap().to_owned();
        let at = bytes.windows(length.len()).position(|window| window == length.as_bytes()).unwrap();
        let more = format!("{length}0");
        match number {
            0..2 => close(bytes),
            _ => close([&bytes[..at], more.as_bytes(), &bytes[at + length.len()..]].concat()),
        }
    });
    assert!(why.contains("127.0.0.1"), "{why}");
}

/// Asks for three ranges at once, of which not all are right. Returns why that fails.
fn fails_by_parts(script: impl Fn(&Asked) -> Vec<u8> + Send + Sync + 'static) -> String {
    let server = Faulty::start(move |number, asked| match number {
        0 => good(asked),
        _ => close(script(asked)),
    });
    let mut session = Setup::new(server.url()).session().unwrap();
    let wanted = [5000..6000, 8000..9000, 20_000..30_000].into_iter().collect();
    let got = session.get(&wanted, &mut |offset, bytes| {
        assert!(bytes == &bundle()[offset as usize..][..bytes.len()]);
        Ok(())
    });
    got.unwrap_err().to_string()
}

#[test]
fn parts_that_are_not_what_they_say_bring_nothing_wrong() {
    let boundary = fails_by_parts(|asked| with_boundary(bundle(), asked, "b0", "b1"));
    assert!(boundary.contains("ends before its end") || boundary.contains("makes no sense"), "{boundary}");
    for (from, to) in [
        ("boundary=", "nothing="),
        ("bytes 20000-29999", "bytes 20000-29998"),
        ("bytes 20000", "bytes 40000"),
    ] {
        let why = fails_by_parts(move |asked| {
            let bytes = right(bundle(), asked);
            let at = bytes.windows(from.len()).position(|window| window == from.as_bytes());
            // A later try asks for what the first one did not bring.
            let Some(at) = at else { return answer("500 Broken", "Content-Length: 0\r\n", b"") };
            [&bytes[..at], to.as_bytes(), &bytes[at + from.len()..]].concat()
        });
        assert!(why.contains("makes no sense") || why.contains("500"), "{from}: {why}");
    }
}

#[test]
fn a_captive_portal_is_told_from_a_bundle() {
    let page = b"<html><body>Please log in</body></html>";
    let portal = move || {
        let lines = format!("Content-Type: text/html\r\nContent-Length: {}\r\n", page.len());
        close(answer("200 OK", &lines, page))
    };
    let why = fails(move |_, _| portal());
    assert!(why.contains("a web page; a captive portal may want somebody to log in"), "{why}");
    // One that lets the device through after a while is only waited for.
    ends_well(move |number, asked| if number < 3 { portal() } else { good(asked) });
    // One that calls its page something else is found out by its first bytes.
    let server = Faulty::start(move |_, _| {
        close(answer("200 OK", &format!("Content-Length: {}\r\n", page.len()), page))
    });
    let (_folder, path) = place();
    let why = Setup::new(server.url()).fetch(&path).unwrap_err().to_string();
    assert!(why.contains("truncated") || why.contains("not a bundle"), "{why}");
    assert!(!path.exists());
}

#[test]
fn a_server_that_asks_for_patience_gets_it() {
    let server = Faulty::start(|number, asked| match number {
        0 => close(answer("503 Service Unavailable", "Retry-After: 120\r\nContent-Length: 0\r\n", b"")),
        1 => close(answer(
            "429 Too Many Requests",
            "Retry-After: Fri, 15 Jan 2027 08:05:00 GMT\r\nContent-Length: 0\r\n",
            b"",
        )),
        _ => good(asked),
    });
    let setup = Setup::new(server.url());
    let watch = setup.watch.clone();
    let (_folder, path) = place();
    setup.fetch(&path).unwrap();
    // 120 s, and until five minutes after what the clock says, which is 08:00.
    assert_eq!(watch.waited.load(Ordering::Relaxed), 120 + 300, "{:?}", watch.told());
    let why = fails(|_, _| close(answer("503 Service Unavailable", "Content-Length: 0\r\n", b"")));
    assert!(why.contains("503 (it has a fault of its own)"), "{why}");
}

#[test]
fn a_server_that_is_gone_is_replaced_by_a_mirror() {
    let gone = Faulty::start(|number, asked| match number {
        0..2 => good(asked),
        _ => close(Vec::new()),
    });
    let mirror = Faulty::start(|_, asked| good(asked));
    let mut setup = Setup::new(gone.url());
    setup.urls.push(mirror.url());
    setup.network.connect_seconds = Seconds(1);
    let watch = setup.watch.clone();
    let (_folder, path) = place();
    setup.fetch(&path).unwrap();
    assert!(mirror.requests() > 0 && watch.told().iter().any(|told| told.contains("going on with")));
    installs(&path);
    let nobody = Setup::new(format!("http://127.0.0.1:{}/u", crate::nginx::free_port()));
    let (_folder, path) = place();
    let why = nobody.fetch(&path).unwrap_err().to_string();
    assert!(why.contains("the connection to 127.0.0.1 failed: Connection refused"), "{why}");
}
