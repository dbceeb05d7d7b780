//! What devices ask: DDI, version 1.

mod artifact;
mod cbor;
mod confirmation;
mod deployment;
mod device;
mod feedback;
mod login;
mod poll;
mod ranges;
mod shape;

use crate::answer::{Answer, Asked, unreadable};
use crate::http::Response;
use crate::store::Store;

/// Answers a device. `parts` are the path's parts after `controller/v1`.
pub(crate) fn answer(store: &mut Store, asked: &Asked<'_>, parts: &[&str]) -> Answer {
    let Some((id, rest)) = parts.split_first() else { return Err(Response::framework(404, "Not Found")) };
    login::check(store, asked.request, id)?;
    let method = match asked.request.method.as_str() {
        "HEAD" => "GET",
        other => other,
    };
    match (method, rest) {
        ("GET", []) => poll::base(store, asked, id),
        ("PUT", ["configData"]) => device::config_data(store, asked, id),
        ("GET", ["deploymentBase", action]) => deployment::deployment(store, asked, id, number(action)?),
        ("POST", ["deploymentBase", action, "feedback"]) => {
            feedback::deployment(store, asked, id, number(action)?)
        }
        ("GET", ["installedBase", action]) => deployment::installed(store, asked, id, number(action)?),
        ("PUT", ["installedBase"]) => device::installed_base(store, asked, id),
        ("GET", ["cancelAction", action]) => deployment::cancel(store, asked, id, number(action)?),
        ("POST", ["cancelAction", action, "feedback"]) => feedback::cancel(store, asked, id, number(action)?),
        ("GET", ["confirmationBase"]) => confirmation::base(store, asked, id),
        ("POST", ["confirmationBase", "activateAutoConfirm"]) => confirmation::activate(store, asked, id),
        ("POST", ["confirmationBase", "deactivateAutoConfirm"]) => confirmation::deactivate(store, id),
        ("GET", ["confirmationBase", action]) => deployment::confirmation(store, asked, id, number(action)?),
        ("POST", ["confirmationBase", action, "feedback"]) => {
            confirmation::feedback(store, asked, id, number(action)?)
        }
        ("GET", ["softwaremodules", module, "artifacts"]) => {
            artifact::list(store, asked, id, number(module)?)
        }
        ("GET", ["softwaremodules", module, "artifacts", file]) => {
            artifact::download(store, asked, id, number(module)?, file)
        }
        (
            _,
            []
            | ["configData" | "installedBase" | "confirmationBase"]
            | ["deploymentBase" | "cancelAction" | "confirmationBase" | "installedBase", _]
            | ["deploymentBase" | "cancelAction" | "confirmationBase", _, "feedback"]
            | ["softwaremodules", _, "artifacts", ..],
        ) => Err(Response::framework(405, "Method Not Allowed")),
        _ => Err(Response::framework(404, "Not Found")),
    }
}

fn number(text: &str) -> Result<u64, Response> {
    text.parse().map_err(|_| unreadable())
}
