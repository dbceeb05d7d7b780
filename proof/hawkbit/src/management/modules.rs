//! Software modules, and their files.

use super::shape;
use crate::answer::{Answer, Asked, unreadable};
use crate::http::{Piece, Response, part};
use crate::store::{Denied, Module, Store};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn number(text: &str) -> Result<u64, Response> {
    text.parse().map_err(|_| unreadable())
}

/// Answers what is asked of software modules.
pub(super) fn answer(store: &mut Store, asked: &Asked<'_>, method: &str, parts: &[&str]) -> Answer {
    let contents = &mut store.contents;
    match (method, parts) {
        ("GET", []) => {
            let known = contents.modules.values().filter(|module| !module.deleted);
            let words = super::contents::words(asked.request.parameter("q"))?;
            let known = known.filter(|module| {
                words.iter().all(|(key, value)| match key.as_str() {
                    "name" => module.name == *value,
                    "version" => module.version == *value,
                    "type" | "type.key" => module.kind == *value,
                    _ => module.id.to_string() == *value,
                })
            });
            Ok(shape::page(asked, known.map(|module| shape::module(asked, module)).collect(), false))
        }
        ("POST", []) => create(store, asked),
        ("GET", [id]) => Ok(shape::ok(&shape::module(asked, contents.module(number(id)?)?))),
        ("DELETE", [id]) => {
            contents.module_mut(number(id)?)?.deleted = true;
            Ok(Response::empty(204))
        }
        ("POST", [id, "artifacts"]) => upload(store, asked, number(id)?),
        ("GET", [id, "artifacts"]) => {
            let module = contents.module(number(id)?)?;
            let known = module.artifacts.iter().map(|known| shape::artifact(asked, module.id, known));
            Ok(shape::ok(&known.collect()))
        }
        ("GET" | "DELETE", [id, "artifacts", file, rest @ ..]) => {
            artifact(store, asked, method, id, file, rest)
        }
        (_, [id, "metadata", rest @ ..]) => metadata(store, asked, method, number(id)?, rest),
        _ => Err(Response::empty(405)),
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
        made.push(shape::module(asked, store.contents.add_module(module)?));
    }
    // A real server says them in no order: who relies on one is found out.
    made.reverse();
    Ok(shape::created(&Value::Array(made)))
}

fn upload(store: &mut Store, asked: &Asked<'_>, module: u64) -> Answer {
    let kind = asked.request.header("Content-Type").unwrap_or_default();
    if !kind.starts_with("multipart/form-data") {
        return Err(Response::empty(415));
    }
    let (file, bytes) = part(&asked.request.body, kind, "file").ok_or_else(unreadable)?;
    let name = asked.request.parameter("filename").map(str::to_owned).or(file);
    let name = name.filter(|name| !name.is_empty()).ok_or_else(unreadable)?;
    if name.contains(['/', '\\', '<', '>']) {
        return Err(Denied::Invalid("filename").into());
    }
    let made = store.contents.add_artifact(module, &name, bytes.to_vec(), asked.now)?;
    Ok(shape::created(&shape::artifact(asked, module, made)))
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
        ("GET", []) => Ok(shape::ok(&shape::artifact(asked, module, known))),
        ("GET", ["download"]) => {
            let whole = Piece::Part(known.bytes.clone(), 0..known.bytes.len());
            let response = Response::empty(200).with("Content-Type", "application/octet-stream");
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
        _ => Err(Response::empty(405)),
    }
}

fn metadata(store: &mut Store, asked: &Asked<'_>, method: &str, module: u64, rest: &[&str]) -> Answer {
    let shown = |key: &str, (value, visible): &(String, bool)| json!({"key": key, "value": value, "targetVisible": visible});
    let module = store.contents.module_mut(module)?;
    match (method, rest) {
        ("GET", []) => {
            let all: Vec<Value> = module.metadata.iter().map(|(key, value)| shown(key, value)).collect();
            Ok(shape::page(asked, all, false))
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
            let known = module.metadata.get_mut(*key).ok_or(Denied::Unknown("SoftwareModuleMetadata"))?;
            known.0 = shape::text(&said, "value")?.to_owned();
            known.1 = said["targetVisible"].as_bool().unwrap_or(known.1);
            Ok(Response::empty(200))
        }
        ("DELETE", [key]) => {
            module.metadata.remove(*key).ok_or(Denied::Unknown("SoftwareModuleMetadata"))?;
            Ok(Response::empty(204))
        }
        _ => Err(Response::empty(405)),
    }
}
