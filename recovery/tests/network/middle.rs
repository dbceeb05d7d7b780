//! Somebody between the two who lets only so many bytes through: whatever is said, TLS included, ends there.

use crate::lab::Lab;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is closed after so many bytes from the server.
    Closes(usize),
    /// After so many bytes nothing comes any more, and it stays open.
    Stalls(usize),
    /// It is left alone.
    Lasts,
}

/// Counts the connections that somebody is in the middle of.
pub(crate) struct Middle(Arc<AtomicUsize>);

impl Middle {
    /// Stands on port 8443 of a lab's server, before its port 443. The fate of each connection, from 0, is decided by
    /// `script`. Its threads end with the test.
    pub(crate) fn stand(lab: &Lab, script: impl Fn(usize) -> Fate + Send + 'static) -> Self {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = count.clone();
        let (ready, is_ready) = std::sync::mpsc::channel();
        lab.inside(move || {
            let listener = TcpListener::bind("10.99.0.1:8443").unwrap();
            ready.send(()).unwrap();
            for client in listener.incoming().flatten() {
                let server = TcpStream::connect("10.99.0.1:443").unwrap();
                let fate = script(counted.fetch_add(1, Ordering::Relaxed));
                join(client, server, fate);
            }
        });
        is_ready.recv().unwrap();
        Self(count)
    }

    pub(crate) fn connections(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

fn join(client: TcpStream, server: TcpStream, fate: Fate) {
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
    thread::spawn(move || back(server, client, fate));
}

/// From the server to the client.
fn back(mut server: TcpStream, mut client: TcpStream, fate: Fate) {
    let mut left = match fate {
        Fate::Closes(bytes) | Fate::Stalls(bytes) => bytes,
        Fate::Lasts => usize::MAX,
    };
    let mut buffer = [0; 4096];
    while left > 0 {
        let most = left.min(buffer.len());
        let count = match server.read(&mut buffer[..most]) {
            Ok(0) | Err(_) => break,
            Ok(count) => count,
        };
        left -= count;
        if client.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    if left == 0 && matches!(fate, Fate::Stalls(_)) {
        // Until the client is tired of it, which the other direction hears.
        while server.read(&mut buffer).is_ok_and(|count| count > 0) {}
    }
    let _ = server.shutdown(Shutdown::Both);
    let _ = client.shutdown(Shutdown::Both);
}
