//! The server's threads: one that accepts, and one for each connection.

use super::body::Refused;
use super::request::Request;
use super::response::Response;
use std::collections::HashMap;
use std::io::{self, BufReader, BufWriter, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// What answers requests.
pub(crate) type Handler = dyn Fn(&Request) -> Response + Send + Sync;

/// A connection's thread needs little.
const STACK: usize = 512 << 10;

/// A server on a free port of loopback. It ends when it is dropped, with all of its threads.
pub(crate) struct Listener {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    handler: Box<Handler>,
    ended: AtomicBool,
    open: Mutex<HashMap<u64, TcpStream>>,
}

impl Listener {
    /// Starts one.
    pub(crate) fn start(handler: Box<Handler>) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let shared =
            Arc::new(Shared { handler, ended: AtomicBool::new(false), open: Mutex::new(HashMap::new()) });
        let theirs = shared.clone();
        let accepting =
            thread::Builder::new().name("accept".into()).spawn(move || accept(&listener, &theirs))?;
        Ok(Self { address, shared, accepting: Some(accepting) })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

/// Takes connections until the end, and then ends all of them.
fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut threads: Vec<JoinHandle<()>> = vec![];
    for (number, stream) in (0..).zip(listener.incoming()) {
        if shared.ended.load(Ordering::SeqCst) {
            break;
        }
        threads.retain(|thread| !thread.is_finished());
        let Ok(stream) = stream else { continue };
        let Ok(ours) = stream.try_clone() else { continue };
        open(shared).insert(number, ours);
        let theirs = shared.clone();
        let serving = thread::Builder::new().name("connection".into()).stack_size(STACK).spawn(move || {
            let _ = serve(&stream, &theirs);
            let _ = stream.shutdown(Shutdown::Both);
            open(&theirs).remove(&number);
        });
        threads.extend(serving);
    }
    for stream in open(shared).values() {
        let _ = stream.shutdown(Shutdown::Both);
    }
    for thread in threads {
        let _ = thread.join();
    }
}

fn open(shared: &Shared) -> std::sync::MutexGuard<'_, HashMap<u64, TcpStream>> {
    shared.open.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers one request after the other.
fn serve(stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut from = BufReader::new(stream);
    let mut to = BufWriter::new(stream);
    while !shared.ended.load(Ordering::SeqCst) {
        match Request::read(&mut from, &mut stream.try_clone()?) {
            Ok(request) => {
                let response = (shared.handler)(&request);
                response.write(&mut to, request.method == "HEAD", request.closes())?;
                if request.closes() {
                    break;
                }
            }
            Err(Refused::Malformed) => {
                Response::page(400).write(&mut to, false, true)?;
                to.flush()?;
                // What the client still sends is taken, or its end would reset the connection before it has read the answer.
                stream.shutdown(Shutdown::Write)?;
                io::copy(&mut io::Read::take(from, 1 << 20), &mut io::sink())?;
                break;
            }
            Err(Refused::Gone) => break,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    #[test]
    fn a_connection_is_kept_and_ends_with_the_server() {
        let server = Listener::start(Box::new(|request| {
            Response::of(200, "text/plain", request.path.clone().into_bytes())
        }))
        .unwrap();
        let mut stream = TcpStream::connect(server.address()).unwrap();
        let mut answer = [0; 64];
        for path in ["/one", "/two"] {
            write!(stream, "GET {path} HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
            let mut text = String::new();
            while !text.ends_with(path) {
                let length = stream.read(&mut answer).unwrap();
                text.push_str(std::str::from_utf8(&answer[..length]).unwrap());
            }
        }
        drop(server);
        assert_eq!(stream.read(&mut answer).unwrap_or(0), 0);
    }
}
