//! Files of modules, whole and in parts.

use super::poll::home;
use super::{ranges, shape};
use crate::answer::{Answer, Asked};
use crate::http::{Piece, Response};
use crate::store::{Artifact, Denied, Row, Status, Store};
use serde_json::{Value, json};
use std::ops::Range;

/// It never changes. Who searches for it in a body finds it in a file that has it.
const BOUNDARY: &str = "THIS_STRING_SEPARATES_MULTIPART";
const MD5SUM: &str = ".MD5SUM";

/// A file as an order describes it.
pub(super) fn described(home: &str, module: u64, artifact: &Artifact) -> Value {
    // As a form would write it: a blank becomes `+`, and that the server does not find again.
    let name = form_encoded(&artifact.name);
    let href = format!("{home}/softwaremodules/{module}/artifacts/{name}");
    let value = json!({
        "filename": artifact.name,
        "hashes": {"sha1": artifact.sha1, "md5": artifact.md5, "sha256": artifact.sha256},
        "size": artifact.bytes.len(),
    });
    // The relations are the same where the links are https.
    shape::with_links(value, &[("md5sum-http", format!("{href}{MD5SUM}")), ("download-http", href)])
}

fn form_encoded(name: &str) -> String {
    let encoded = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => char::from(byte).to_string(),
        b' ' => "+".to_owned(),
        other => format!("%{other:02X}"),
    };
    name.bytes().map(encoded).collect()
}

/// All files of a module.
pub(super) fn list(store: &mut Store, asked: &Asked<'_>, id: &str, module: u64) -> Answer {
    let target = store.target(id)?;
    let found = store.contents.module(module)?;
    let may = order_with(store, id, module).is_some()
        || store
            .installed(target)
            .and_then(|action| store.contents.sets.get(&action.set))
            .is_some_and(|set| set.modules.contains(&module));
    if !may {
        return Err(Denied::Unknown("SoftwareModule").into());
    }
    let home = home(asked, id);
    let all: Value = found.artifacts.iter().map(|artifact| described(&home, module, artifact)).collect();
    shape::answer(asked, &all)
}

/// A file, parts of it, or its MD5 sum.
pub(super) fn download(store: &mut Store, asked: &Asked<'_>, id: &str, module: u64, file: &str) -> Answer {
    store.target(id)?;
    let found = store.contents.module(module)?;
    let named = |name: &str| found.artifacts.iter().find(|artifact| artifact.name == name).cloned();
    let (artifact, md5) = match (named(file), file.strip_suffix(MD5SUM).and_then(named)) {
        (_, Some(artifact)) => (artifact, true),
        (Some(artifact), None) => (artifact, false),
        (None, None) => return Err(Response::empty(404)),
    };
    let request = asked.request;
    // It compares with the sum as it is, and a header has it in quotes.
    if !md5 && request.header("If-Match").is_some_and(|tag| tag != artifact.sha1 && tag != "*") {
        return Err(Response::empty(412));
    }
    let action = order_with(store, id, module).ok_or(Denied::Unknown("SoftwareModule"))?;
    if md5 || request.header("Range").is_none() {
        let row = Row::of_server(Status::Download, asked.now, &format!("download of {}", request.path));
        let order = store.action_mut(action)?;
        order.check_quota(&row)?;
        store.add_row(action, row);
    }
    if md5 {
        let sum = format!("{}  {}", artifact.md5, artifact.name);
        let name = format!("attachment;filename={}{MD5SUM}", artifact.name);
        return Ok(Response::of(200, "text/plain", sum.into_bytes()).with("Content-Disposition", name));
    }
    Ok(content(&artifact, asked))
}

/// The open order of the device that has the module.
fn order_with(store: &Store, id: &str, module: u64) -> Option<u64> {
    let open = store.actions_of(store.targets.get(id)?).filter(|action| action.active);
    let mut open = open.filter(|action| !action.is_canceling_or_canceled());
    let has = |set: u64| store.contents.sets.get(&set).is_some_and(|set| set.modules.contains(&module));
    open.find(|action| has(action.set)).map(|action| action.id)
}

fn content(artifact: &Artifact, asked: &Asked<'_>) -> Response {
    let tag = format!("\"{}\"", artifact.sha1);
    let length = artifact.bytes.len();
    let head = |status: u16| {
        Response::empty(status)
            .with("Content-Disposition", format!("attachment;filename={}", artifact.name))
            .with("Last-Modified", http_date(artifact.created / 1000))
            .with("ETag", tag.clone())
            .with("Accept-Ranges", "bytes")
            .with("X-Content-Type-Options", "nosniff")
    };
    let request = asked.request;
    // Only the very tag has parts sent; the date that was sent is earlier than the time of the file by some milliseconds.
    let all = request.header("If-Range").is_some_and(|condition| condition != tag);
    let asked_for = request.header("Range").filter(|_| request.method == "GET" && !all);
    let ranges = match asked_for.map(|header| ranges::parsed(header, length as u64)) {
        None => vec![],
        Some(Some(ranges)) => ranges,
        Some(None) => return head(416).with("Content-Range", format!("bytes */{length}")),
    };
    let piece = |range: &Range<u64>| {
        let [start, end] = [range.start, range.end].map(|at| usize::try_from(at).unwrap_or(length));
        Piece::Part(artifact.bytes.clone(), start..end)
    };
    let described = |range: &Range<u64>| format!("bytes {}-{}/{length}", range.start, range.end - 1);
    let kind = "application/octet-stream";
    match ranges.as_slice() {
        [] => head(200).with("Content-Type", kind).with_body(vec![piece(&(0..length as u64))]),
        [range] => {
            let head = head(206).with("Content-Type", kind).with("Content-Range", described(range));
            head.with_body(vec![piece(range)])
        }
        several => {
            let mut body = vec![];
            for (number, range) in several.iter().enumerate() {
                let before = if number == 0 { "" } else { "\r\n" };
                let text = format!(
                    "{before}--{BOUNDARY}\r\nContent-Type: {kind}\r\nContent-Range: {}\r\n\r\n",
                    described(range)
                );
                body.extend([Piece::Bytes(text.into_bytes()), piece(range)]);
            }
            body.push(Piece::Bytes(format!("\r\n--{BOUNDARY}--").into_bytes()));
            let kind = format!("multipart/byteranges; boundary={BOUNDARY}");
            let mut response = head(206).with("Content-Type", kind).with_body(body);
            response.unknown_length = true;
            response
        }
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`, from seconds since 1970.
fn http_date(seconds: u64) -> String {
    let (day, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, of_month) = crate::store::civil(day);
    let name = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][usize::try_from(day % 7).unwrap_or(0)];
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = months.get(usize::try_from(month - 1).unwrap_or(0)).unwrap_or(&"");
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{name}, {of_month:02} {month} {year} {hour:02}:{minute:02}:{second:02} GMT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_as_http_wants_it() {
        assert_eq!(http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn names_are_encoded_as_a_form_does_it() {
        assert_eq!(form_encoded("a b+c.drydock"), "a+b%2Bc.drydock");
    }
}
