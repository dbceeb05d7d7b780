//! A server that does on demand what no real one does.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// What a request asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) ranges: Vec<Range<usize>>,
    pub(crate) if_range: Option<String>,
}

/// What becomes of the connection behind an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// It is closed.
    Close,
    /// Nothing more comes, and it stays open.
    Stall,
}

/// The bytes of an answer, and what follows them.
pub(crate) type Answer = (Vec<u8>, Then);

/// A server on a port of its own. Its thread ends with the test.
pub(crate) struct Faulty {
    pub(crate) port: u16,
    requests: Arc<AtomicUsize>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Faulty {
    /// Answers the request of each number, from 0, as the script says.
    pub(crate) fn start(script: impl Fn(usize, &Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (requests, asked) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
        let (script, count, seen) = (Arc::new(script), requests.clone(), asked.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (script, count, seen) = (script.clone(), count.clone(), seen.clone());
                thread::spawn(move || serve(stream, &*script, &count, &seen));
            }
        });
        Self { port, requests, asked }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/u", self.port)
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(
    mut stream: TcpStream,
    script: &(impl Fn(usize, &Asked) -> Answer + ?Sized),
    count: &AtomicUsize,
    seen: &Mutex<Vec<Asked>>,
) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let asked = parse(&String::from_utf8(head).unwrap());
    seen.lock().unwrap().push(asked.clone());
    let (bytes, then) = script(count.fetch_add(1, Ordering::Relaxed), &asked);
    // Who asked may have heard enough.
    let _ = stream.write_all(&bytes);
    if then == Then::Stall {
        // Until the client is tired of it.
        let _ = stream.read(&mut byte);
    }
}

fn parse(head: &str) -> Asked {
    let mut asked = Asked::default();
    for line in head.lines().skip(1) {
        let Some((name, value)) = line.split_once(": ") else { continue };
        match name.to_ascii_lowercase().as_str() {
            "range" => {
                let ranges = value.strip_prefix("bytes=").unwrap().split(',');
                let range = |range: &str| {
                    let (first, last) = range.split_once('-').unwrap();
                    first.parse().unwrap()..last.parse::<usize>().unwrap() + 1
                };
                asked.ranges = ranges.map(range).collect();
            }
            "if-range" => asked.if_range = Some(value.into()),
            _ => {}
        }
    }
    asked
}

/// An answer of this status, with these header lines and this body.
pub(crate) fn answer(status: &str, lines: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n{lines}\r\n");
    [head.as_bytes(), body].concat()
}

/// The right answer, from this file.
pub(crate) fn right(file: &[u8], asked: &Asked) -> Vec<u8> {
    with_boundary(file, asked, "b0", "b0")
}

/// The same, where the boundary that is said is not the one that is used.
pub(crate) fn with_boundary(file: &[u8], asked: &Asked, said: &str, used: &str) -> Vec<u8> {
    let length = file.len();
    let named =
        |range: &Range<usize>| format!("Content-Range: bytes {}-{}/{length}\r\n", range.start, range.end - 1);
    let ranges: Vec<_> = asked.ranges.iter().map(|range| range.start..range.end.min(length)).collect();
    if let [range] = &ranges[..] {
        let lines = format!("ETag: \"1\"\r\nContent-Length: {}\r\n{}", range.len(), named(range));
        return answer("206 Partial Content", &lines, &file[range.clone()]);
    }
    let mut body = Vec::new();
    for range in ranges {
        body.extend(format!("\r\n--{used}\r\n{}\r\n", named(&range)).bytes());
        body.extend(&file[range]);
    }
    body.extend(format!("\r\n--{used}--\r\n").bytes());
    let lines = format!(
        "ETag: \"1\"\r\nContent-Length: {}\r\nContent-Type: multipart/byteranges; boundary={said}\r\n",
        body.len()
    );
    answer("206 Partial Content", &lines, &body)
}
