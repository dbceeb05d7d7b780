//! An order: what is to be installed, when, and from where.

use crate::answer::read;
use crate::links::href;
use crate::{ActionId, Error};
use serde_json::Value;

/// The most chunks of an order, and artifacts of a chunk, that are read.
const MOST: usize = 100;

/// How a part of an order is to be treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// Not now.
    Skip,
    /// As the device sees fit.
    Attempt,
    /// Now.
    Forced,
}

/// Whether a maintenance window is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// There is none: any time will do.
    None,
    /// It is.
    Open,
    /// It is not.
    Closed,
}

/// A file of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Its name.
    pub name: String,
    /// Its length in bytes, if the server says it.
    pub size: Option<u64>,
    /// Where it is: as the server has written it.
    pub href: String,
}

/// A software module of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The module's type.
    pub part: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its files that can be fetched.
    pub artifacts: Vec<Artifact>,
    /// What the operator has written to it.
    pub metadata: Vec<(String, String)>,
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Which one.
    pub id: ActionId,
    /// Whether to fetch.
    pub download: Handling,
    /// Whether to install.
    pub update: Handling,
    /// Whether a window is open for that.
    pub window: Window,
    /// What is to be installed.
    pub chunks: Vec<Chunk>,
    /// What this device and the server have said about it, the newest first.
    pub history: Vec<String>,
}

impl Deployment {
    /// Reads an order, as `deploymentBase` or `installedBase` gives it.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        Self::of(bytes, "deployment")
    }

    /// Reads an order that waits for a word, as `confirmationBase` gives it.
    pub fn parse_waiting(bytes: &[u8]) -> Result<Self, Error> {
        Self::of(bytes, "confirmation")
    }

    fn of(bytes: &[u8], what: &'static str) -> Result<Self, Error> {
        let said = read(bytes)?;
        let id = match said.get("id") {
            Some(Value::String(text)) => text.parse().ok(),
            Some(Value::Number(number)) => number.as_u64(),
            _ => None,
        };
        let order = said.get(what).filter(|order| order.is_object()).ok_or(Error::Lacks(what))?;
        Ok(Self {
            id: ActionId(id.ok_or(Error::Lacks("number of the order"))?),
            download: handling(order, "download")?,
            update: handling(order, "update")?,
            window: match order.get("maintenanceWindow").and_then(Value::as_str) {
                None => Window::None,
                Some("available") => Window::Open,
                Some(_) => Window::Closed,
            },
            chunks: list(order, "chunks").map(chunk).collect(),
            history: said
                .get("actionHistory")
                .map(|history| {
                    list(history, "messages")
                        .filter_map(|message| Some(message.as_str()?.to_owned()))
                        .collect()
                })
                .unwrap_or_default(),
        })
    }
}

/// What can't be read is no reason to install something.
fn handling(order: &Value, what: &'static str) -> Result<Handling, Error> {
    match order.get(what).and_then(Value::as_str) {
        Some("forced") => Ok(Handling::Forced),
        Some("attempt") => Ok(Handling::Attempt),
        Some("skip") => Ok(Handling::Skip),
        _ => Err(Error::Lacks(what)),
    }
}

fn list<'v>(object: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    object.get(name).and_then(Value::as_array).into_iter().flatten().take(MOST)
}

fn text(object: &Value, name: &str) -> String {
    object.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn chunk(chunk: &Value) -> Chunk {
    let artifact = |artifact: &Value| {
        // The relation is `download-http` even where the link is https; `download` may be there, too.
        let href = href(artifact, "download").or_else(|| href(artifact, "download-http"))?.to_owned();
        Some(Artifact {
            name: text(artifact, "filename"),
            size: artifact.get("size").and_then(Value::as_u64),
            href,
        })
    };
    Chunk {
        part: text(chunk, "part"),
        name: text(chunk, "name"),
        version: text(chunk, "version"),
        artifacts: list(chunk, "artifacts").filter_map(artifact).collect(),
        metadata: list(chunk, "metadata").map(|pair| (text(pair, "key"), text(pair, "value"))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ORDER: &str = r#"{"id":"1","deployment":{"download":"forced","update":"attempt","maintenanceWindow":"unavailable","chunks":[
        {"part":"drydock","version":"3.0.0","name":"bundle","artifacts":[
            {"filename":"a5.drydock","hashes":{"sha1":"…"},"size":5242880,"_links":{
                "download-http":{"href":"http://h/softwaremodules/1/artifacts/a5.drydock"},"md5sum-http":{"href":"x"}}},
            {"filename":"nowhere"}],
         "metadata":[{"key":"minBattery","value":"40"}]}]},
        "actionHistory":{"status":"RETRIEVED","messages":["newest","oldest"]}}"#;

    #[test]
    fn an_order_says_what_to_install() {
        let order = Deployment::parse(ORDER.as_bytes()).unwrap();
        assert_eq!(
            (order.id, order.download, order.update),
            (ActionId(1), Handling::Forced, Handling::Attempt)
        );
        assert_eq!(
            (order.window, order.history),
            (Window::Closed, vec!["newest".to_owned(), "oldest".to_owned()])
        );
        let [chunk] = &order.chunks[..] else { panic!("{:?}", order.chunks) };
        assert_eq!(chunk.metadata, [("minBattery".to_owned(), "40".to_owned())]);
        let [artifact] = &chunk.artifacts[..] else { panic!("{chunk:?}") };
        assert_eq!(
            (artifact.size, artifact.href.as_str()),
            (Some(5_242_880), "http://h/softwaremodules/1/artifacts/a5.drydock")
        );
    }

    #[test]
    fn an_order_of_which_something_needed_can_not_be_read_is_none() {
        for (old, new) in [
            (r#""id":"1""#, r#""id":"one""#),
            (r#""update":"attempt""#, r#""update":"perhaps""#),
            (r#""download":"forced","#, ""),
            (r#""deployment":{"#, r#""other":{"#),
        ] {
            assert!(
                matches!(Deployment::parse(ORDER.replace(old, new).as_bytes()), Err(Error::Lacks(_))),
                "{new}"
            );
        }
        assert!(Deployment::parse_waiting(ORDER.as_bytes()).is_err());
        let waiting = ORDER.replace(r#""deployment":{"#, r#""confirmation":{"#);
        assert!(Deployment::parse_waiting(waiting.as_bytes()).is_ok());
    }

    #[test]
    fn no_order_has_more_than_so_many_chunks() {
        let chunks = vec!["{}"; 5000].join(",");
        let order =
            format!(r#"{{"id":1,"deployment":{{"download":"skip","update":"skip","chunks":[{chunks}]}}}}"#);
        assert_eq!(Deployment::parse(order.as_bytes()).unwrap().chunks.len(), MOST);
    }

    proptest! {
        /// Whatever is put in place of a part of it.
        #[test]
        fn no_change_of_an_order_breaks_the_reader(at in 0..ORDER.len(), with in "[\\[\\]{}\",:0-9a-z]{0,8}") {
            let mut bytes = ORDER.as_bytes().to_vec();
            let end = (at + with.len()).min(bytes.len());
            bytes.splice(at..end, with.bytes());
            let _ = Deployment::parse(&bytes);
        }
    }
}
