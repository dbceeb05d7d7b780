//! Reports from their sending to the tables: the receiver is a process of its own, and `curl` and `sqlite3` are the others.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Bench, documented};
use drydock_channel::{Outcome, Report};
use drydock_fixtures::output;
use drydock_format::sha256;
use drydock_state::UnixTime;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

/// A receiver that listens until it is dropped.
struct Receiver {
    process: Child,
    address: String,
}

impl Receiver {
    fn start(bench: &Bench, arguments: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_drydock-fleet"))
            .args(["collect", "--listen", "127.0.0.1:0", "--database"])
            .arg(bench.path("reports.sqlite"))
            .args(arguments)
            .current_dir(bench.path(""))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").expect("it says where it listens").into();
        Self { process, address }
    }

    /// Sends bytes as they are, and returns the answer.
    fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(bytes).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Sends a report, and returns the status.
    fn post(&self, report: &Report, header: &str) -> u16 {
        let body = report.to_json();
        let length = body.len();
        let answer = self.raw(
            format!("POST /report HTTP/1.1\r\nHost: h\r\n{header}Content-Length: {length}\r\n\r\n{body}")
                .as_bytes(),
        );
        answer.split(' ').nth(1).unwrap().parse().unwrap()
    }

    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn report(device: &str, id: &str, version: &str, outcome: Outcome) -> Report {
    Report {
        id: id.into(),
        device: device.into(),
        channel: "stable".into(),
        sequence: 7,
        version: version.into(),
        manifest: sha256(version.as_bytes()),
        outcome,
        reason: "because".into(),
        time: UnixTime(1_795_411_199),
        attributes: BTreeMap::from([("region".to_owned(), "eu".to_owned())]),
    }
}

fn show(bench: &Bench) -> Value {
    let said = bench.good("drydock-fleet --json collect --show --database reports.sqlite");
    serde_json::from_str(&said).unwrap()
}

#[test]
fn what_was_taken_is_there_after_a_kill_and_once() {
    let bench = Bench::new();
    let receiver = Receiver::start(&bench, &[]);
    for round in 0..2 {
        for number in 0..10 {
            let device = format!("pump-{number}");
            assert_eq!(
                receiver.post(&report(&device, "1", "2.0", Outcome::Good), ""),
                204,
                "{round} {number}"
            );
        }
    }
    receiver.kill();
    let other = output(
        &bench.path(""),
        "sqlite3 reports.sqlite 'SELECT count(*), min(time), max(attributes) FROM report'",
    );
    assert_eq!(String::from_utf8(other.stdout).unwrap().trim(), r#"10|1795411199|{"region":"eu"}"#);
    let receiver = Receiver::start(&bench, &[]);
    assert_eq!(receiver.post(&report("pump-3", "2", "2.0", Outcome::RolledBack), ""), 204);
    let said = show(&bench);
    assert_eq!(said["releases"][0]["outcomes"], serde_json::json!({"good": 9, "rolled-back": 1}));
    assert_eq!(said["devices"][3]["outcome"], "rolled-back");
    let text = bench.good("drydock-fleet collect --show --database reports.sqlite");
    assert!(text.contains("9 good, 1 rolled-back") && text.contains("pump-3  2.0 "), "{text}");
}

#[test]
fn curl_can_send_one_and_a_later_versions_word_is_kept() {
    let bench = Bench::new();
    let receiver = Receiver::start(&bench, &[]);
    let later = Outcome::Other("put-off".into());
    fs::write(bench.path("report"), report("pump-1", "1", "2.0", later).to_json()).unwrap();
    let send = format!(
        "curl -s -o /dev/null -w '%{{http_code}}' -H 'Content-Type: application/json' --data-binary @report http://{}/r",
        receiver.address
    );
    assert_eq!(bench.good(&send), "204");
    assert_eq!(show(&bench)["devices"][0]["outcome"], "put-off");
}

#[test]
fn only_who_knows_the_token_is_heard() {
    let bench = Bench::new();
    fs::write(bench.path("token"), "secret\n").unwrap();
    bench.refused(
        "chmod 644 token; drydock-fleet collect --listen 127.0.0.1:0 --database reports.sqlite --token-file token",
        1,
        "others can read this token",
    );
    fs::set_permissions(bench.path("token"), Permissions::from_mode(0o600)).unwrap();
    let receiver = Receiver::start(&bench, &["--token-file", "token"]);
    let one = report("pump-1", "1", "2.0", Outcome::Good);
    for (header, status) in [
        ("", 401),
        ("Authorization: Bearer secre\r\n", 401),
        ("Authorization: secret\r\n", 401),
        ("Authorization: Bearer secret\r\n", 204),
        ("authorization: GatewayToken secret\r\n", 204),
    ] {
        assert_eq!(receiver.post(&one, header), status, "{header}");
    }
    assert_eq!(show(&bench)["devices"].as_array().unwrap().len(), 1);
}

#[test]
fn what_is_no_report_is_refused_and_the_others_are_taken() {
    let bench = Bench::new();
    let receiver = Receiver::start(&bench, &[]);
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n", "405"),
        ("POST / HTTP/1.1\r\n\r\n", "411"),
        ("POST / HTTP/1.1\r\nContent-Length: 99999\r\n\r\n", "413"),
        ("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", "400"),
        ("\u{16}\u{3}\u{1}", "400"),
    ] {
        assert_eq!(receiver.raw(request.as_bytes()).split(' ').nth(1), Some(status), "{request}");
    }
    // Who connects and says nothing takes a place for ten seconds, and no more than one.
    let _silent: Vec<_> = (0..40).map(|_| TcpStream::connect(&receiver.address).unwrap()).collect();
    assert_eq!(receiver.post(&report("pump-1", "1", "2.0", Outcome::Good), ""), 204);
    assert_eq!(show(&bench)["devices"].as_array().unwrap().len(), 1);
}

#[test]
fn too_many_are_asked_to_come_again() {
    let bench = Bench::new();
    let receiver = Receiver::start(&bench, &[]);
    let many: Vec<u16> = (0..30)
        .map(|number| receiver.post(&report("pump-1", &number.to_string(), "2.0", Outcome::Good), ""))
        .collect();
    assert!(many.starts_with(&[204; 20]) && many.ends_with(&[429; 5]), "{many:?}");
    assert_eq!(receiver.post(&report("pump-2", "1", "2.0", Outcome::Good), ""), 204);
    let body = report("pump-1", "x", "2.0", Outcome::Good).to_json();
    let answer =
        receiver.raw(format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    assert!(answer.contains("Retry-After: 60\r\n"), "{answer}");
}

#[test]
fn the_commands_of_the_document_collect() {
    let bench = Bench::new();
    bench.good("echo secret > token; chmod 600 token");
    let script = documented("collect")
        .replace("8480", "0")
        .replace(" &\n", " > listening &\n until grep -q . listening; do sleep 0.05; done\n");
    let said = bench.good(&format!("{script}\nkill %1"));
    assert_eq!(said, "no reports yet\n");
}
