//! Whether a device is who it says it is.

use crate::http::{Request, Response};
use crate::store::Store;

/// Lets a device pass, or answers 401 with nothing in it.
pub(super) fn check(store: &Store, request: &Request, id: &str) -> Result<(), Response> {
    let passes = by_header(store, request, id)
        || request.header("Authorization").is_some_and(|value| by_token(store, value, id));
    if passes { Ok(()) } else { Err(Response::empty(401)) }
}

/// The schemes' names are taken as they are written.
fn by_token(store: &Store, value: &str, id: &str) -> bool {
    let configs = &store.configs;
    if let Some(token) = value.strip_prefix("TargetToken ") {
        let known = store.targets.get(id).is_some_and(|target| target.token == token);
        return known && configs.on("authentication.targettoken.enabled");
    }
    if let Some(token) = value.strip_prefix("GatewayToken ") {
        let key = configs.text("authentication.gatewaytoken.key");
        return !key.is_empty() && key == token && configs.on("authentication.gatewaytoken.enabled");
    }
    false
}

/// A proxy has seen a certificate, and says whose, and who vouches for it. Whoever can reach the server without the proxy can say
/// the same.
fn by_header(store: &Store, request: &Request, id: &str) -> bool {
    if request.header("X-Controller-Id") != Some(id) || !store.configs.on("authentication.header.enabled") {
        return false;
    }
    let trusted = store.configs.text("authentication.header.authority").to_lowercase();
    let trusts = |value: &str| {
        let values = value.split([',', ';']).map(|value| value.trim().to_lowercase());
        values.into_iter().any(|value| {
            !value.is_empty() && trusted.split([',', ';']).any(|trusted| trusted.trim() == value)
        })
    };
    match request.header("X-Authority") {
        Some(value) => trusts(value),
        None => (0..10).filter_map(|n| request.header(&format!("X-Authority-{n}"))).any(trusts),
    }
}
