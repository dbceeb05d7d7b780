//! Through a proxy, in whose face TLS is spoken with the server.

use crate::certificates::{Authority, EC};
use crate::nginx::{Nginx, free_port};
use crate::setup::{Setup, bundle, claimed, place};
use std::io::{Read, Write, copy};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Connects whoever asks for it, and remembers to where. Its thread ends with the test.
fn proxy() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let seen = seen.clone();
            thread::spawn(move || connect(client, &seen));
        }
    });
    (port, asked)
}

fn connect(mut client: TcpStream, seen: &Mutex<Vec<String>>) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        match client.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let mut words = head.split(' ');
    assert_eq!(words.next(), Some("CONNECT"));
    let to = words.next().unwrap().to_owned();
    seen.lock().unwrap().push(to.clone());
    // The name is the proxy's to resolve: this one knows all names.
    let port = to.rsplit(':').next().unwrap();
    let server = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").unwrap();
    let (mut from, mut into) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let back = thread::spawn(move || {
        let _ = copy(&mut from, &mut into);
        let _ = into.shutdown(Shutdown::Write);
    });
    let mut server = server;
    let _ = copy(&mut client, &mut server);
    let _ = server.shutdown(Shutdown::Write);
    let _ = back.join();
}

#[test]
fn everything_goes_through_the_proxy_that_is_configured() {
    let authority = Authority::new();
    let own = authority.certify("device-7", EC);
    let server = Nginx::start(&authority, &authority.certify("updates.example", EC), "");
    server.put("u", bundle());
    let (port, asked) = proxy();
    let to = format!("updates.example:{}", server.port);
    let mut setup = Setup::new(format!("https://{to}/u")).by(&authority, Some(&own));
    setup.network.proxy = Some(format!("http://127.0.0.1:{port}"));
    let (_folder, path) = place();
    setup.fetch(&path).unwrap();
    claimed(&path);
    let asked = asked.lock().unwrap().clone();
    assert!(!asked.is_empty() && asked.iter().all(|asked| *asked == to), "{asked:?}");
    assert!(server.log().iter().all(|line| line.verified == "SUCCESS"));
}

#[test]
fn a_proxy_that_is_not_there_is_a_reason() {
    let mut setup = Setup::new("http://updates.example/u".into());
    setup.network.proxy = Some(format!("http://127.0.0.1:{}", free_port()));
    let (_folder, path) = place();
    let why = setup.fetch(&path).unwrap_err().to_string();
    assert!(why.contains("Connection refused"), "{why}");
}
