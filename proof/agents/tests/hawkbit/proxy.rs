//! A proxy that stands between agents and a server, and does to requests what networks and servers do to them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What is done to a request.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// It is answered by this, and the server never has it.
    Answer(u16, &'static str, &'static str),
    /// The same with a header.
    Later(u16, &'static str),
    /// The server has it, and the answer is cut off after so many bytes.
    Cut(usize),
    /// The connection is closed at once.
    Closed,
    /// Nothing comes for so long.
    Slow(Duration),
    /// In the server's answer this is put in place of that.
    Replaced(&'static str, String),
}

type Script = Box<dyn FnMut(&str) -> Fault + Send>;

/// The proxy. It ends when it is dropped.
pub(crate) struct Proxy {
    port: u16,
    script: Arc<Mutex<Script>>,
    seen: Arc<Mutex<Vec<String>>>,
    statuses: Arc<Mutex<Vec<u16>>>,
    ends: Arc<AtomicBool>,
}

impl Proxy {
    /// A proxy to this server, `http://HOST:PORT`.
    pub(crate) fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = server.strip_prefix("http://").unwrap().to_owned();
        let proxy = Self {
            port,
            script: Arc::new(Mutex::new(Box::new(|_| Fault::None))),
            seen: Arc::default(),
            statuses: Arc::default(),
            ends: Arc::default(),
        };
        let (script, seen, ends) = (proxy.script.clone(), proxy.seen.clone(), proxy.ends.clone());
        let statuses = proxy.statuses.clone();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if ends.load(Ordering::Relaxed) {
                    return;
                }
                let (script, seen, server) = (script.clone(), seen.clone(), server.clone());
                let statuses = statuses.clone();
                thread::spawn(move || pass(client, &server, &script, (&seen, &statuses)));
            }
        });
        proxy
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// From now on this is done to requests; it is given the method and the path.
    pub(crate) fn does(&self, script: impl FnMut(&str) -> Fault + Send + 'static) {
        *self.script.lock().unwrap() = Box::new(script);
    }

    /// The statuses of what was passed on unharmed.
    pub(crate) fn statuses(&self) -> Vec<u16> {
        self.statuses.lock().unwrap().clone()
    }

    /// The requests so far, by method and path.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// One connection, one request.
fn pass(
    client: TcpStream,
    server: &str,
    script: &Mutex<Script>,
    (seen, statuses): (&Mutex<Vec<String>>, &Mutex<Vec<u16>>),
) -> Option<()> {
    let mut reader = BufReader::new(client.try_clone().ok()?);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.to_ascii_lowercase().starts_with("connection:") {
            continue;
        }
        if line == "\r\n" {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut words = head.split(' ');
    let request = format!("{} {}", words.next()?, words.next()?);
    seen.lock().unwrap().push(request.clone());
    let fault = (*script.lock().unwrap())(&request);
    let mut client = client;
    let answer = |code: u16, kind: &str, more: &str, text: &str| {
        format!(
            "HTTP/1.1 {code} X\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n{more}Connection: close\r\n\r\n{text}",
            text.len()
        )
    };
    match fault {
        Fault::Answer(code, kind, text) => client.write_all(answer(code, kind, "", text).as_bytes()).ok(),
        Fault::Later(code, after) => {
            let more = format!("Retry-After: {after}\r\n");
            client.write_all(answer(code, "text/plain", &more, "").as_bytes()).ok()
        }
        Fault::Closed => client.shutdown(Shutdown::Both).ok(),
        Fault::Slow(time) => {
            thread::sleep(time);
            client.shutdown(Shutdown::Both).ok()
        }
        Fault::None => {
            let whole = forward(server, &head, &body)?;
            let status = std::str::from_utf8(whole.get(9..12)?).ok()?;
            statuses.lock().unwrap().push(status.parse().ok()?);
            client.write_all(&whole).ok()
        }
        Fault::Cut(after) => {
            let whole = forward(server, &head, &body)?;
            client.write_all(whole.get(..after).unwrap_or(&whole)).ok()
        }
        Fault::Replaced(old, new) => {
            let whole = forward(server, &head, &body)?;
            let text = String::from_utf8_lossy(&whole).into_owned();
            let (_, body) = text.split_once("\r\n\r\n")?;
            let body = body.replace(old, &new);
            client.write_all(answer(200, "application/hal+json", "", &body).as_bytes()).ok()
        }
    }
}

fn forward(server: &str, head: &str, body: &[u8]) -> Option<Vec<u8>> {
    let mut server = TcpStream::connect(server).ok()?;
    server.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes()).ok()?;
    server.write_all(body).ok()?;
    let mut whole = Vec::new();
    server.read_to_end(&mut whole).ok()?;
    Some(whole)
}
