//! What all tests of the server start from: one server for a file of tests, devices of their own, and HTTP as it is on the wire.

use drydock_hawkbit::{Kind, Operator, Server};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The server of most tests.
pub(crate) fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let server = Server::start();
        println!("these tests run against {}", server.which());
        server
    })
}

/// A server whose settings a test may change, while it has it for itself. They are as they were before when it is done.
pub(crate) struct Tenant {
    pub(crate) server: &'static Server,
    changed: Vec<&'static str>,
    _alone: MutexGuard<'static, ()>,
}

impl Tenant {
    pub(crate) fn with(settings: &[(&'static str, Value)]) -> Self {
        static SERVER: OnceLock<Server> = OnceLock::new();
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tenant = Self { server: SERVER.get_or_init(Server::stock), changed: vec![], _alone: alone };
        for (key, value) in settings {
            tenant.set(key, value.clone());
        }
        tenant
    }

    pub(crate) fn set(&mut self, key: &'static str, value: Value) {
        self.changed.push(key);
        self.server.operator().configure(key, value);
    }

    /// A device that the operator has made.
    pub(crate) fn device(&self) -> Device {
        Device::on(self.server)
    }

    /// Another device, with an open order.
    pub(crate) fn ordered(&self, kind: Kind) -> (Device, u64) {
        let device = self.device();
        let action = device.order(release_on(self.server, "a.bin", b"abc").set, kind);
        (device, action)
    }
}

impl Drop for Tenant {
    fn drop(&mut self) {
        for key in &self.changed {
            self.server.operator().request("DELETE", &format!("/system/configs/{key}"), None);
        }
    }
}

/// Lets time pass: the double's is moved, a real server's is waited for.
pub(crate) fn pass(server: &Server, time: Duration) {
    match server.double() {
        Some(double) => double.clock().forward(time),
        None => thread::sleep(time),
    }
}

/// The server's time, in milliseconds since 1970.
pub(crate) fn now(server: &Server) -> u64 {
    let system = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    server.double().map_or_else(|| u64::try_from(system()).unwrap(), |double| double.clock().now())
}

/// Something that no other test of this server has.
pub(crate) fn unique(what: &str) -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    format!("{what}{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// An answer, as it was on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Raw {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Raw {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Sends a request as it is written, and reads the answer to its end.
pub(crate) fn send(url: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Raw {
    let host = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() || matches!(method, "POST" | "PUT") {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = vec![];
    stream.read_to_end(&mut answer).unwrap();
    let at = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..at].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let mut raw = Raw { status, head, body: answer[at + 4..].to_vec() };
    if raw.header("Transfer-Encoding").is_some_and(|value| value == "chunked") {
        raw.body = whole(&raw.body);
    }
    raw
}

/// A body's chunks, put together.
fn whole(mut chunks: &[u8]) -> Vec<u8> {
    let mut body = vec![];
    while let Some(at) = chunks.windows(2).position(|window| window == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&chunks[..at]).unwrap(), 16).unwrap();
        body.extend(&chunks[at + 2..at + 2 + length]);
        chunks = &chunks[at + 4 + length..];
    }
    body
}

/// A device of a test.
pub(crate) struct Device {
    pub(crate) server: &'static Server,
    pub(crate) id: String,
    pub(crate) authorization: String,
}

impl Device {
    /// One that the operator has made.
    pub(crate) fn new() -> Self {
        Self::on(server())
    }

    pub(crate) fn on(server: &'static Server) -> Self {
        let id = unique("dev");
        let token = server.operator().create_target(&id);
        Self { server, id, authorization: format!("TargetToken {token}") }
    }

    pub(crate) fn operator(&self) -> Operator {
        self.server.operator()
    }

    /// Where it finds what is its own: the path only.
    pub(crate) fn home(&self) -> String {
        format!("/DEFAULT/controller/v1/{}", self.id)
    }

    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Raw {
        let mut all = vec![("Authorization", self.authorization.as_str())];
        all.extend(headers);
        send(&self.server.url(), method, &format!("{}{path}", self.home()), &all, body)
    }

    pub(crate) fn get(&self, path: &str) -> Raw {
        self.send("GET", path, &[], b"")
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Raw {
        self.send("PUT", path, &[("Content-Type", "application/json")], body.to_string().as_bytes())
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Raw {
        self.send("POST", path, &[("Content-Type", "application/json")], body.to_string().as_bytes())
    }

    /// Where the poll sends it: the path after its own, without what follows the question mark.
    pub(crate) fn link(&self, relation: &str) -> Option<String> {
        let href = self.get("").json()["_links"][relation]["href"].as_str()?.to_owned();
        let path = href.split_once(&self.home()).unwrap().1;
        Some(path.split('?').next().unwrap().to_owned())
    }

    /// What it is given of an order.
    pub(crate) fn deployment(&self, action: u64) -> Raw {
        self.get(&format!("/deploymentBase/{action}"))
    }

    /// Reports.
    pub(crate) fn feedback(&self, action: u64, execution: &str, finished: &str) -> Raw {
        self.report(action, &status(execution, finished))
    }

    pub(crate) fn report(&self, action: u64, body: &Value) -> Raw {
        self.post(&format!("/deploymentBase/{action}/feedback"), body)
    }

    /// Answers a cancellation.
    pub(crate) fn answer_cancel(&self, action: u64, execution: &str, finished: &str) -> Raw {
        self.post(&format!("/cancelAction/{action}/feedback"), &status(execution, finished))
    }

    /// Orders it to have that.
    pub(crate) fn order(&self, set: u64, kind: Kind) -> u64 {
        self.operator().assign(&self.id, set, kind)
    }

    /// What the operator sees of an order.
    pub(crate) fn seen(&self, action: u64) -> Value {
        self.operator().action(&self.id, action)
    }

    pub(crate) fn state(&self, action: u64) -> String {
        self.seen(action)["status"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn status(execution: &str, finished: &str) -> Value {
    json!({"status": {"execution": execution, "result": {"finished": finished}}})
}

/// A set with one file in one module.
pub(crate) struct Release {
    pub(crate) set: u64,
    pub(crate) module: u64,
    pub(crate) version: String,
}

pub(crate) fn release(file: &str, bytes: &[u8]) -> Release {
    release_on(server(), file, bytes)
}

pub(crate) fn release_on(server: &Server, file: &str, bytes: &[u8]) -> Release {
    // Two files with the same content that come at the same time are 500 for one of them.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let operator = server.operator();
    let version = unique("v");
    let module = operator.module("bundle", &version);
    operator.upload(module, file, bytes);
    Release { set: operator.distribution_set("os", &version, &[module]), module, version }
}

/// A device with an open order.
pub(crate) fn ordered(kind: Kind) -> (Device, u64) {
    let device = Device::new();
    let action = device.order(release("a.bin", b"abc").set, kind);
    (device, action)
}
