//! What operators ask: the Management API.

mod actions;
mod configs;
mod contents;
mod modules;
mod rollouts;
mod shape;
mod targets;

use crate::answer::{Answer, Asked};
use crate::http::Response;
use crate::store::Store;

/// `admin:admin`, as a browser sends it.
const ADMIN: &str = "Basic YWRtaW46YWRtaW4=";

/// Answers an operator. `parts` are the path's parts after `rest/v1`.
pub(crate) fn answer(store: &mut Store, asked: &Asked<'_>, parts: &[&str]) -> Answer {
    if asked.request.header("Authorization") != Some(ADMIN) {
        return Err(Response::empty(401).with("WWW-Authenticate", "Basic realm=\"hawkBit\""));
    }
    let method = match asked.request.method.as_str() {
        "HEAD" => "GET",
        other => other,
    };
    match parts {
        ["userinfo"] if method == "GET" => {
            Ok(shape::ok(&serde_json::json!({"tenant": "DEFAULT", "username": "admin"})))
        }
        ["targets", rest @ ..] => targets::answer(store, asked, method, rest),
        ["actions", rest @ ..] => actions::answer(store, asked, method, rest),
        ["softwaremodules", rest @ ..] => modules::answer(store, asked, method, rest),
        ["distributionsets", rest @ ..] => contents::answer(store, asked, method, rest),
        ["rollouts", rest @ ..] => rollouts::answer(store, asked, method, rest),
        ["system", "configs", rest @ ..] => configs::answer(store, asked, method, rest),
        _ => Err(Response::empty(404)),
    }
}
