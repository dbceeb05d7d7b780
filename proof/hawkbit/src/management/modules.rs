//! Software modules, and their files.

use super::view::{self, View};
use super::{fields, shape};
use crate::answer::{Answer, Asked, unreadable};
use crate::http::{Piece, Response, part};
use crate::store::{Denied, Module, Store, hex};
use serde_json::{Value, json};
use sha2::Digest as _;
use std::collections::BTreeMap;

fn number(text: &str) -> Result<u64, Response> {
    text.parse().map_err(|_| unreadable())
}

/// Answers what is asked of software modules.
pub(super) fn answer(store: &mut Store, asked: &Asked<'_>, method: &str, parts: &[&str]) -> Answer {
    match (method, parts) {
        ("GET", []) => {
            let found = fields::modules(store, asked.request.parameter("q"))?;
            let all = found.into_iter().map(|module| view::module(asked, module, View::Listed)).collect();
            shape::page(asked, all, "id:ASC")
        }
        ("POST", []) => create(store, asked),
        ("GET", [id]) => {
            // One that was deleted can still be seen.
            let module = store.contents.modules.get(&number(id)?).ok_or(Denied::Unknown("SoftwareModule"))?;
            Ok(shape::ok(&view::module(asked, module, View::Alone)))
        }
        ("DELETE", [id]) => {
            store.contents.delete_module(number(id)?)?;
            Ok(Response::empty(204))
        }
        ("POST", [id, "artifacts"]) => upload(store, asked, number(id)?),
        ("GET", [id, "artifacts"]) => {
            let module = store.contents.module(number(id)?)?;
            let known =
                module.artifacts.iter().map(|known| view::artifact(asked, module.id, known, View::Listed));
            Ok(shape::ok(&known.collect()))
        }
        ("GET" | "DELETE", [id, "artifacts", file, rest @ ..]) => {
            artifact(store, asked, method, id, file, rest)
        }
        (_, [id, "metadata", rest @ ..]) => metadata(store, asked, method, number(id)?, rest),
        _ => Err(Response::framework(405, "Method Not Allowed")),
    }
}

fn create(store: &mut Store, asked: &Asked<'_>) -> Answer {
    let said = asked.json()?;
    let mut made = vec![];
    for entry in shape::entries(&said)? {
        let own = |name: &str| entry[name].as_str().map(str::to_owned);
        let module = Module {
            id: 0,
            kind: shape::text(entry, "type")?.to_owned(),
            name: shape::text(entry, "name")?.to_owned(),
            version: shape::text(entry, "version")?.to_owned(),
            description: own("description"),
            vendor: own("vendor"),
            artifacts: vec![],
            metadata: BTreeMap::new(),
            locked: false,
            deleted: false,
            created: asked.now,
        };
        made.push(view::module(asked, store.contents.add_module(module)?, View::Listed));
    }
    // A real server says them in no order: who relies on one is found out.
    made.reverse();
    Ok(shape::created(&Value::Array(made)))
}

fn no_file() -> Response {
    Response::framework(400, "Bad Request")
}

fn upload(store: &mut Store, asked: &Asked<'_>, module: u64) -> Answer {
    let kind = asked.request.header("Content-Type").unwrap_or_default();
    if !kind.starts_with("multipart/form-data") {
        return Err(Response::framework(415, "Unsupported Media Type"));
    }
    let (file, bytes) = part(&asked.request.body, kind, "file").ok_or_else(no_file)?;
    let name = asked.request.parameter("filename").map(str::to_owned).or(file);
    let name = name.filter(|name| !name.is_empty()).ok_or_else(no_file)?;
    let sums = [
        ("md5sum", hex(&md5::Md5::digest(bytes))),
        ("sha1sum", hex(&sha1::Sha1::digest(bytes))),
        ("sha256sum", hex(&sha2::Sha256::digest(bytes))),
    ];
    for (name, sum) in sums {
        if asked.request.parameter(name).is_some_and(|wanted| wanted != sum) {
            return Err(Denied::Invalid(name).into());
        }
    }
    let made = store.contents.add_artifact(module, &name, bytes.to_vec(), asked.now)?;
    Ok(shape::created(&view::artifact(asked, module, made, View::Alone)))
}

fn artifact(
    store: &mut Store,
    asked: &Asked<'_>,
    method: &str,
    module: &str,
    file: &str,
    rest: &[&str],
) -> Answer {
    let (module, file) = (number(module)?, number(file)?);
    let contents = &mut store.contents;
    let known = contents.module(module)?.artifacts.iter().find(|known| known.id == file);
    let known = known.ok_or(Denied::Unknown("Artifact"))?;
    match (method, rest) {
        ("GET", []) => Ok(shape::ok(&view::artifact(asked, module, known, View::Alone))),
        ("GET", ["download"]) => {
            let whole = Piece::Part(known.bytes.clone(), 0..known.bytes.len());
            let response = Response::empty(200).with("Content-Type", "application/octet-stream");
            let response =
                response.with("Content-Disposition", format!("attachment;filename={}", known.name));
            Ok(response.with("ETag", format!("\"{}\"", known.sha1)).with_body(vec![whole]))
        }
        ("DELETE", []) => {
            let module = contents.module_mut(module)?;
            if module.locked {
                return Err(Denied::Locked.into());
            }
            module.artifacts.retain(|known| known.id != file);
            Ok(Response::empty(204))
        }
        _ => Err(Response::framework(405, "Method Not Allowed")),
    }
}

fn metadata(store: &mut Store, asked: &Asked<'_>, method: &str, module: u64, rest: &[&str]) -> Answer {
    let shown = |key: &str, (value, visible): &(String, bool)| json!({"key": key, "value": value, "targetVisible": visible});
    let module = store.contents.module_mut(module)?;
    match (method, rest) {
        ("GET", []) => {
            let all: Vec<Value> = module.metadata.iter().map(|(key, value)| shown(key, value)).collect();
            let total = all.len();
            Ok(shape::ok(&json!({"total": total, "size": total, "content": all})))
        }
        ("POST", []) => {
            for entry in shape::entries(&asked.json()?)? {
                let visible = entry["targetVisible"].as_bool().unwrap_or(false);
                let value = shape::text(entry, "value")?.to_owned();
                module.metadata.insert(shape::text(entry, "key")?.to_owned(), (value, visible));
            }
            Ok(Response::empty(201))
        }
        ("GET", [key]) => {
            let value = module.metadata.get(*key).ok_or(Denied::Unknown("SoftwareModuleMetadata"))?;
            Ok(shape::ok(&shown(key, value)))
        }
        ("PUT", [key]) => {
            let said = asked.json()?;
            // Who does not say whether devices see it gets an error of the server's own.
            let internal = || Response::framework(500, "Internal Server Error");
            let visible = said["targetVisible"].as_bool().ok_or_else(internal)?;
            let value = shape::text(&said, "value")?.to_owned();
            module.metadata.insert((*key).to_owned(), (value, visible));
            Ok(Response::empty(204))
        }
        ("DELETE", [key]) => {
            module.metadata.remove(*key).ok_or(Denied::Unknown("SoftwareModuleMetadata"))?;
            Ok(Response::empty(204))
        }
        _ => Err(Response::framework(405, "Method Not Allowed")),
    }
}
