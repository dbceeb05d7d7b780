//! The server: connections, who may hand in reports, and how many.

use super::rate::Rates;
use super::request::{Bad, Until, read};
use super::store::Store;
use super::writer::Writer;
use crate::Error;
use drydock_channel::Report;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How many connections are answered at a time, and how many wait.
const WORKERS: usize = 64;
/// How long a connection may take from its first byte to the answer.
const TIME: Duration = Duration::from_secs(10);
/// When a device that is refused for now may come again, in seconds.
const RETRY_AFTER: u32 = 60;

/// What a server is to be like.
pub struct Settings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// What devices must know, if anything.
    pub token: Option<String>,
    /// How many reports a second it takes from all devices.
    pub rate: u32,
}

/// A server that listens.
pub struct Server {
    listener: TcpListener,
    shared: Arc<Shared>,
}

struct Shared {
    token: Option<String>,
    rates: Mutex<Rates>,
    writer: Writer,
}

impl Server {
    /// Opens the file and the socket.
    pub fn open(settings: &Settings, database: &Path) -> Result<Self, Error> {
        let store = Store::open(database)?;
        let failed = |error: std::io::Error| Error::Input {
            what: format!("listening on {}", settings.listen),
            problem: error.to_string(),
        };
        let listener = TcpListener::bind(settings.listen).map_err(failed)?;
        let rates = Mutex::new(Rates::new(settings.rate, Instant::now()));
        let shared = Shared { token: settings.token.clone(), rates, writer: Writer::start(store) };
        Ok(Self { listener, shared: Arc::new(shared) })
    }

    /// Returns where it listens.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listener.local_addr().ok()
    }

    /// Answers for as long as the process lives.
    pub fn run(self) {
        let (sender, waiting) = sync_channel::<TcpStream>(WORKERS);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..WORKERS {
            let (waiting, shared) = (Arc::clone(&waiting), Arc::clone(&self.shared));
            thread::spawn(move || work(&waiting, &shared));
        }
        for stream in self.listener.incoming() {
            match stream.map(|stream| sender.try_send(stream)) {
                Ok(Ok(())) => {}
                Ok(Err(TrySendError::Full(stream))) => answer(&stream, 503, ""),
                Ok(Err(TrySendError::Disconnected(_))) => return,
                // Out of descriptors: those that are open come to an end.
                Err(_) => thread::sleep(Duration::from_millis(50)),
            }
        }
    }
}

fn work(waiting: &Mutex<Receiver<TcpStream>>, shared: &Shared) {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(stream) = next else { return };
        let Ok(reader) = stream.try_clone() else { continue };
        let mut until = Until { stream: reader, deadline: Instant::now() + TIME };
        match take(&mut until, shared) {
            Ok(()) => answer(&stream, 204, ""),
            Err((Bad::Status(status), why)) => answer(&stream, status, &why),
            Err((Bad::Gone, _)) => {}
        }
    }
}

/// Takes one report. On return it is on stable storage.
fn take(from: &mut Until, shared: &Shared) -> Result<(), (Bad, String)> {
    let refused = |status, why: &str| Err((Bad::Status(status), why.to_owned()));
    let request = read(from).map_err(|bad| (bad, String::new()))?;
    if let Some(token) = &shared.token
        && !same(token, request.token.as_deref().unwrap_or_default())
    {
        return refused(401, "the token is missing or wrong");
    }
    let mut rates = shared.rates.lock().unwrap_or_else(PoisonError::into_inner);
    if !rates.any(Instant::now()) {
        return refused(429, "too many reports");
    }
    drop(rates);
    let report = Report::parse(&request.body).map_err(|error| (Bad::Status(400), error.to_string()))?;
    let mut rates = shared.rates.lock().unwrap_or_else(PoisonError::into_inner);
    if !rates.of(&report.device, Instant::now()) {
        return refused(429, "too many reports of this device");
    }
    drop(rates);
    match shared.writer.write(report) {
        true => Ok(()),
        false => refused(503, "it could not be written"),
    }
}

/// Compares all of both, however early they differ.
fn same(token: &str, given: &str) -> bool {
    let differences = token.bytes().zip(given.bytes()).fold(0, |all, (one, other)| all | (one ^ other));
    token.len() == given.len() && differences == 0
}

fn answer(mut stream: &TcpStream, status: u16, why: &str) {
    let text = match status {
        204 => "No Content",
        400 => "Bad Request",
        401 => "Unauthorized",
        405 => "Method Not Allowed",
        411 => "Length Required",
        413 => "Content Too Large",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        _ => "Service Unavailable",
    };
    let more = match status {
        204 => String::new(),
        401 => format!("WWW-Authenticate: Bearer\r\nContent-Length: {}\r\n", why.len()),
        405 => format!("Allow: POST\r\nContent-Length: {}\r\n", why.len()),
        429 | 503 => format!("Retry-After: {RETRY_AFTER}\r\nContent-Length: {}\r\n", why.len()),
        _ => format!("Content-Length: {}\r\n", why.len()),
    };
    let answer = format!("HTTP/1.1 {status} {text}\r\n{more}Connection: close\r\n\r\n{why}");
    // Who has gone away sends it again.
    let _ = stream.set_write_timeout(Some(TIME));
    let _ = stream.write_all(answer.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_compared_as_a_whole() {
        assert!(same("abc", "abc"));
        for given in ["", "ab", "abcd", "abd", "ABC"] {
            assert!(!same("abc", given), "{given}");
        }
    }
}
