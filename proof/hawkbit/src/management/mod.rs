//! What operators ask: the Management API.

mod actions;
mod configs;
mod fields;
mod lists;
mod modules;
mod rollouts;
mod sets;
mod shape;
mod targets;
mod types;
mod view;

use crate::answer::{Answer, Asked};
use crate::http::Response;
use crate::store::Store;

/// `admin:admin`, as a browser sends it.
const ADMIN: &str = "Basic YWRtaW46YWRtaW4=";

/// Answers an operator. `parts` are the path's parts after `rest/v1`.
pub(crate) fn answer(store: &mut Store, asked: &Asked<'_>, parts: &[&str]) -> Answer {
    if asked.request.header("Authorization") != Some(ADMIN) {
        let refused = Response::framework(401, "Unauthorized");
        return Err(refused.with("WWW-Authenticate", "Basic realm=\"hawkBit\""));
    }
    let method = match asked.request.method.as_str() {
        "HEAD" => "GET",
        other => other,
    };
    let answer = match parts {
        ["userinfo"] if method == "GET" => {
            Ok(shape::ok(&serde_json::json!({"tenant": "DEFAULT", "username": "admin"})))
        }
        ["targets", rest @ ..] => targets::answer(store, asked, method, rest),
        ["actions", rest @ ..] => actions::answer(store, asked, method, rest),
        ["softwaremodules", rest @ ..] => modules::answer(store, asked, method, rest),
        ["distributionsets", rest @ ..] => sets::answer(store, asked, method, rest),
        ["rollouts", rest @ ..] => rollouts::answer(store, asked, method, rest),
        ["softwaremoduletypes"] if method == "GET" => types::modules(asked),
        ["distributionsettypes"] if method == "GET" => types::sets(asked),
        ["system", "configs", rest @ ..] => configs::answer(store, asked, method, rest),
        _ => Err(Response::framework(404, "Not Found")),
    };
    let file = parts.ends_with(&["download"]);
    answer.map(|response| if response.status == 200 && !file { asked.tagged(response) } else { response })
}
