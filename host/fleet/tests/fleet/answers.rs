//! What a server, or something in its place, can answer.

use crate::common::Desk;
use drydock_fleet::{Base, Client, Credentials, Plain, sets};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A server that says these things, one for each connection, and what it was asked.
struct Scripted {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

fn says(answers: &[&str]) -> Scripted {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let (theirs, answers) = (asked.clone(), answers.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>());
    std::thread::spawn(move || {
        for answer in answers {
            let Ok((mut stream, _)) = listener.accept() else { return };
            let mut head = vec![0; 16 << 10];
            let count = stream.read(&mut head).unwrap_or_default();
            theirs.lock().unwrap().push(String::from_utf8_lossy(&head[..count]).into_owned());
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    Scripted { url, asked }
}

fn answer(status: &str, head: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nConnection: close\r\n{head}Content-Length: {length}\r\n\r\n{body}")
}

const NONE: &str = r#"{"content":[],"total":0,"size":0}"#;

#[test]
fn every_answer_that_is_no_answer_says_what_it_is() {
    let html = "<html>500 sorry</html>";
    for (given, code, text) in [
        (
            answer("200 OK", "Content-Type: text/html\r\n", html),
            5,
            "not what hawkBit's Management API answers",
        ),
        (answer("200 OK", "", r#"{"content":{},"total":"x"}"#), 5, "not what hawkBit"),
        (answer("200 OK", "", "\u{0}\u{1}"), 5, "not what hawkBit"),
        (
            answer("301 Moved", "Location: https://elsewhere.example/\r\n", ""),
            5,
            "leads on to https://elsewhere.example/",
        ),
        (answer("401 Unauthorized", "", ""), 5, "the user or the password"),
        (answer("403 Forbidden", "", ""), 5, "may not do that"),
        (answer("404 Not Found", "", html), 5, "is this a hawkBit"),
        (answer("500 Sorry", "", html), 5, "says nothing about why"),
        (
            answer("400 Bad", "", "{\"message\":\"no\\u001b[2J\",\"errorCode\":\"hawkbit.x\"}"),
            5,
            "no [2J (hawkbit.x)",
        ),
        (
            answer("400 Bad", "", r#"{"errorCode":"hawkbit.server.error.rest.param.rsqlParamSyntax"}"#),
            5,
            "that query",
        ),
        (answer("409 Conflict", "", r#"{"errorCode":"exists"}"#), 6, "exists"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"cont".into(), 5, "http://127.0.0.1"),
        ("nonsense\r\n\r\n".into(), 5, "http://127.0.0.1"),
        (String::new(), 5, "http://127.0.0.1"),
    ] {
        let server = says(&[&given]);
        Desk::at(&server.url).fails(&["rollouts"], code, text);
        assert_eq!(server.asked.lock().unwrap().len(), 1, "{given}");
    }
}

#[test]
fn the_password_goes_in_one_header_and_to_one_place() {
    let server = says(&[&answer("200 OK", "", NONE)]);
    let desk = Desk::at(&server.url);
    assert_eq!(desk.done(&["rollouts"])["rollouts"].as_array().unwrap().len(), 0);
    let asked = server.asked.lock().unwrap().join("");
    assert!(asked.to_lowercase().contains("authorization: basic ywrtaw46ywrtaw4=\r\n"), "{asked}");
    assert!(!asked.lines().next().unwrap().contains("admin"), "{asked}");
    // Without one, or where others can read it, or without TLS, nobody is asked.
    desk.password("admin:admin", 0o640);
    desk.fails(&["rollouts"], 1, "chmod 600");
    desk.fails(&["rollouts", "--server", "http://192.0.2.1"], 1, "--insecure-http");
    desk.fails(&["rollouts", "--server", "nonsense"], 1, "nonsense");
    assert_eq!(server.asked.lock().unwrap().len(), 1);
}

#[test]
fn a_user_of_another_tenant_does_nothing() {
    let info = answer("200 OK", "", r#"{"tenant":"ACME","username":"admin"}"#);
    let server = says(&[&info, &info, &answer("200 OK", "", NONE)]);
    let desk = Desk::at(&server.url);
    desk.fails(&["rollouts", "--tenant", "other"], 1, "the user belongs to \"ACME\"");
    desk.done(&["rollouts", "--tenant", "acme"]);
}

/// 429 with a quota's words is final; without words it is the limit of requests a second.
#[test]
fn too_many_requests_are_made_again_and_a_quota_is_not() {
    let client = |url: &str| {
        let base = Base::parse(url, Plain::Loopback).unwrap();
        let client = Client::new(base, &Credentials::new("a", "b").unwrap(), None).unwrap();
        client.with_pause(Duration::ZERO)
    };
    let version = drydock_fleet::Name::new("the version", "1").unwrap();
    let busy = answer("429 Too Many", "", "");
    let server = says(&[&busy, &busy, &answer("200 OK", "", NONE)]);
    let told = sets::find(&client(&server.url), &version, None).unwrap_err().to_string();
    assert!(told.contains("no such release"), "{told}");
    assert_eq!(server.asked.lock().unwrap().len(), 3);

    let server = says(&[busy.as_str(); 9]);
    let told = sets::find(&client(&server.url), &version, None).unwrap_err().to_string();
    assert!(told.contains("429: too many requests a second"), "{told}");
    assert_eq!(server.asked.lock().unwrap().len(), 7);

    let quota = answer("429 Too Many", "", r#"{"errorCode":"hawkbit.server.error.quota.tooManyEntries"}"#);
    let server = says(&[&quota, &quota]);
    let told = sets::find(&client(&server.url), &version, None).unwrap_err().to_string();
    assert!(told.contains("quota.tooManyEntries"), "{told}");
    assert_eq!(server.asked.lock().unwrap().len(), 1);
}
