//! A push whose connection is cut, at every place that differs.

use crate::common::{Desk, operator, server};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// A way to the server that ends after so many bytes in one direction.
struct Way {
    url: String,
    /// How many more may go to the server, and come from it.
    left: [Arc<AtomicI64>; 2],
}

impl Way {
    fn new(to_server: i64, to_tool: i64) -> Self {
        let target = server().url().trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let left = [to_server, to_tool].map(|bytes| Arc::new(AtomicI64::new(bytes)));
        let theirs = left.clone();
        std::thread::spawn(move || {
            for from in listener.incoming().flatten() {
                let to = TcpStream::connect(&target).unwrap();
                let [up, down] = theirs.clone();
                let (back_from, back_to) = (to.try_clone().unwrap(), from.try_clone().unwrap());
                std::thread::spawn(move || carry(from, to, &up));
                std::thread::spawn(move || carry(back_from, back_to, &down));
            }
        });
        Self { url, left }
    }
}

/// Carries bytes until there are no more, or too many; then both connections end.
fn carry(mut from: TcpStream, mut to: TcpStream, left: &AtomicI64) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let may = left.fetch_sub(count as i64, Ordering::SeqCst).clamp(0, count as i64) as usize;
        if to.write_all(&buffer[..may]).is_err() || may < count {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

/// How many bytes go each way when nothing is cut.
fn whole() -> [i64; 2] {
    const PLENTY: i64 = 1 << 40;
    let desk = Desk::new();
    let bundle = desk.bundle("1.0.0", 1);
    let way = Way::new(PLENTY, PLENTY);
    desk.done(&["push", &bundle, "--server", &way.url]);
    way.left.map(|left| PLENTY - left.load(Ordering::SeqCst))
}

/// The server has the release once, and whole.
fn is_whole(desk: &Desk, said: &Value) {
    let get = |path: String| operator().request("GET", &path, None).json();
    let set = get(format!("/distributionsets/{}", said["set"]));
    assert_eq!(set["modules"].as_array().unwrap().len(), 1, "{set}");
    assert_eq!(set["modules"][0]["id"], said["module"]);
    let files = get(format!("/softwaremodules/{}/artifacts", said["module"]));
    assert_eq!(
        (files.as_array().unwrap().len(), &files[0]["hashes"]["sha256"]),
        (1, &said["sha256"]),
        "{files}"
    );
    let metadata = get(format!("/softwaremodules/{}/metadata", said["module"]));
    assert_eq!(metadata["content"].as_array().unwrap().len(), 6, "{metadata}");
    let query = format!("name=={}", desk.compatible);
    let of_kind = |kind: &str| get(format!("/{kind}?q={query}"))["content"].as_array().unwrap().len();
    assert_eq!(of_kind("softwaremodules"), of_kind("distributionsets"));
}

#[test]
fn a_push_that_is_cut_anywhere_is_whole_after_the_next_one() {
    let desk = Desk::new();
    let [up, down] = whole();
    // The bundle's own bytes are all alike; what is before and behind them is not.
    let dense =
        |all: i64, step: i64| (0..all).step_by(step as usize).filter(move |at| *at < 4000 || all - at < 3000);
    let cuts = dense(up, 150).map(|at| (at, i64::MAX)).chain(dense(down, 150).map(|at| (i64::MAX, at)));
    let cuts: Vec<(i64, i64)> =
        cuts.chain((4000..up - 3000).step_by(20_000).map(|at| (at, i64::MAX))).collect();
    let (mut cut, mut ended) = (0, 0);
    for (number, (to_server, to_tool)) in cuts.iter().enumerate() {
        let bundle = desk.bundle(&format!("1.0.{number}"), 1);
        let (said, code) = desk.json(&["push", &bundle, "--server", &Way::new(*to_server, *to_tool).url]);
        match code {
            0 => ended += 1,
            5 => cut += 1,
            _ => panic!("{to_server}, {to_tool}: {said}"),
        }
        is_whole(&desk, &desk.done(&["push", &bundle]));
    }
    println!("{cut} pushes cut, {ended} came through");
    assert!(cut > 50 && ended < 10, "{cut} cut, {ended} not");
}
