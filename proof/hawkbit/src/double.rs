//! The double: a server of our own that answers as hawkBit does.

use crate::answer::{Answer, Asked};
use crate::clock::Clock;
use crate::ddi;
use crate::http::{Listener, Request, Response};
use crate::management;
use crate::settings::{Buckets, Settings};
use crate::store::Store;
use serde_json::json;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A server on a free port of loopback, with everything in memory. It ends when it is dropped.
pub struct Double {
    listener: Listener,
    world: Arc<World>,
}

/// What all threads of a double share.
#[derive(Default)]
struct World {
    store: Mutex<Store>,
    settings: Mutex<Settings>,
    buckets: Mutex<Buckets>,
    clock: Clock,
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Double {
    /// The gateway token of a double that is ready for devices.
    pub const GATEWAY_KEY: &'static str = "gateway-key-of-the-double";

    /// Starts a double that is ready for devices: with their own tokens, and the gateway token.
    ///
    /// # Panics
    /// If there is no port or thread to be had.
    pub fn start() -> Self {
        let double = Self::stock();
        let mut store = lock(&double.world.store);
        for (key, value) in [
            ("authentication.targettoken.enabled", json!(true)),
            ("authentication.gatewaytoken.enabled", json!(true)),
            ("authentication.gatewaytoken.key", json!(Self::GATEWAY_KEY)),
            ("pollingTime", json!("00:00:30")),
        ] {
            assert!(store.configs.set(key, value), "{key}");
        }
        drop(store);
        double
    }

    /// Starts a double as it is when it is new: no device may log in.
    ///
    /// # Panics
    /// If there is no port or thread to be had.
    pub fn stock() -> Self {
        let world = Arc::<World>::default();
        let theirs = world.clone();
        let listener = Listener::start(Box::new(move |request| theirs.answer(request)));
        Self { listener: listener.expect("a port of loopback"), world }
    }

    /// Where it is: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.listener.address())
    }

    /// What the operator of the machine may change while it runs. Requests wait while what is returned is held.
    pub fn settings(&self) -> MutexGuard<'_, Settings> {
        lock(&self.world.settings)
    }

    /// Its time, which may be moved.
    pub fn clock(&self) -> &Clock {
        &self.world.clock
    }
}

impl World {
    fn answer(&self, request: &Request) -> Response {
        let (Ok(response) | Err(response)) = self.routed(request);
        let type_and_rest = [("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-cache, no-store")];
        let has = |response: &Response, name: &str| response.headers.iter().any(|(known, _)| *known == name);
        type_and_rest.into_iter().fold(response, |response, (name, value)| {
            if has(&response, name) { response } else { response.with(name, value) }
        })
    }

    fn routed(&self, request: &Request) -> Answer {
        if request.path.contains("//") {
            return Err(Response::framework(400, "Bad Request"));
        }
        let settings = lock(&self.settings).clone();
        let asked = Asked { request, now: self.clock.now(), base: base(request, settings.forwarded_headers) };
        let parts: Vec<&str> = request.parts.iter().map(String::as_str).collect();
        match parts.as_slice() {
            [tenant, "controller", "v1", rest @ ..] if tenant.eq_ignore_ascii_case("DEFAULT") => {
                let read_only = matches!(request.method.as_str(), "GET" | "HEAD");
                if !lock(&self.buckets).take(&settings, read_only) {
                    return Err(Response::empty(429));
                }
                let mut store = lock(&self.store);
                store.step_rollouts(asked.now, false);
                ddi::answer(&mut store, &asked, rest)
            }
            [_, "controller", "v1", ..] => Err(Response::empty(401)),
            ["rest", "v1", rest @ ..] => {
                let mut store = lock(&self.store);
                store.step_rollouts(asked.now, true);
                management::answer(&mut store, &asked, rest)
            }
            _ => Err(Response::framework(404, "Not Found")),
        }
    }
}

/// What links begin with: what the client has asked for, or what a proxy says that it has.
fn base(request: &Request, forwarded: bool) -> String {
    let header = |name: &str| request.header(name).filter(|_| forwarded);
    let scheme = header("X-Forwarded-Proto").unwrap_or("http");
    let host = header("X-Forwarded-Host").or_else(|| request.header("Host")).unwrap_or("localhost");
    match header("X-Forwarded-Port") {
        Some(port) => {
            let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
            let usual = (scheme, port) == ("https", "443") || (scheme, port) == ("http", "80");
            if usual { format!("{scheme}://{name}") } else { format!("{scheme}://{name}:{port}") }
        }
        None => format!("{scheme}://{host}"),
    }
}
