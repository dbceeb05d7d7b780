//! A web server with a channel, bundles, and a place for reports.

use drydock_channel::Report;
use drydock_format::sha256;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

/// What it has, and what it was told.
#[derive(Default)]
pub(crate) struct Shelf {
    pub(crate) files: BTreeMap<String, Arc<Vec<u8>>>,
    pub(crate) reports: Vec<Report>,
    /// Whether reports are turned away.
    pub(crate) deaf: bool,
    /// What was asked, and the status that was answered.
    pub(crate) answers: Vec<(String, u16)>,
}

/// The server. It ends when it is dropped.
pub(crate) struct Web {
    port: u16,
    shelf: Arc<Mutex<Shelf>>,
    ends: Arc<AtomicBool>,
}

impl Web {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let web = Self { port, shelf: Arc::default(), ends: Arc::default() };
        let (shelf, ends) = (web.shelf.clone(), web.ends.clone());
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if ends.load(Ordering::Relaxed) {
                    return;
                }
                let shelf = shelf.clone();
                thread::spawn(move || answer(client, &shelf));
            }
        });
        web
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap()
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// One connection, one request.
fn answer(client: TcpStream, shelf: &Mutex<Shelf>) -> Option<()> {
    let mut reader = BufReader::new(client.try_clone().ok()?);
    let (mut first, mut headers) = (String::new(), BTreeMap::new());
    reader.read_line(&mut first).ok()?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|count| *count > 2)?;
        if let Some((name, value)) = line.trim().split_once(':') {
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        if reader.buffer().starts_with(b"\r\n") {
            reader.read_line(&mut line).ok()?;
            break;
        }
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut words = first.split(' ');
    let (method, path) = (words.next()?, words.next()?);
    let mut shelf = shelf.lock().unwrap();
    let (status, more, bytes) = match (method, shelf.files.get(path)) {
        ("POST", _) if shelf.deaf => (503, String::new(), vec![]),
        ("POST", _) => {
            shelf.reports.push(Report::parse(&body).unwrap());
            (204, String::new(), vec![])
        }
        (_, None) => (404, String::new(), vec![]),
        (_, Some(file)) => file_answer(file, &headers),
    };
    shelf.answers.push((format!("{method} {path}"), status));
    drop(shelf);
    let mut client = client;
    let head =
        format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n{more}Connection: close\r\n\r\n", bytes.len());
    client.write_all(head.as_bytes()).ok()?;
    client.write_all(&bytes).ok()
}

fn file_answer(file: &Arc<Vec<u8>>, headers: &BTreeMap<String, String>) -> (u16, String, Vec<u8>) {
    let etag = format!("\"{}\"", sha256(file));
    let mut more = format!("ETag: {etag}\r\n");
    if headers.get("if-none-match") == Some(&etag) {
        return (304, more, vec![]);
    }
    let range = headers.get("range").and_then(|range| {
        let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
        let (from, to): (usize, usize) = (from.parse().ok()?, to.parse().ok()?);
        Some(from..(to + 1).min(file.len()))
    });
    match range {
        Some(range) => {
            more += &format!("Content-Range: bytes {}-{}/{}\r\n", range.start, range.end - 1, file.len());
            (206, more, file[range].to_vec())
        }
        None => (200, more, file.to_vec()),
    }
}
