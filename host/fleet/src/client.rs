//! Requests to a server, and what its answers mean.

use crate::base::Base;
use crate::credentials::Credentials;
use crate::model::{Page, UserInfo};
use crate::{Error, tls};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use std::cell::Cell;
use std::io::Read;
use std::path::Path;
use std::time::Duration;
use ureq::http::{Method, Request, Response, StatusCode, request};
use ureq::{Agent, AsSendBody, Body, SendBody};
use zeroize::Zeroizing;

/// The most bytes of an answer that are read: a page of 500 devices is 300 KB.
const MAX_ANSWER: u64 = 16 << 20;
/// The most bytes of an answer that tells what is wrong.
const MAX_PROBLEM: u64 = 64 << 10;
/// The most entries of a page that hawkBit gives.
pub(crate) const PAGE: usize = 500;
/// The most pages that are asked for in a row: ten million devices.
const MAX_PAGES: usize = 20_000;
/// The most characters of a text of others that are shown.
const MAX_TEXT: usize = 1000;
/// What an answer 429 without words means.
const RATE: &str = "too many requests a second from this address; try again later";
/// How often a request is made again that the server finds too many.
const RETRIES: u32 = 6;

/// A server's Management API, seen by one operator.
pub struct Client {
    agent: Agent,
    base: Base,
    authorization: Zeroizing<String>,
    requests: Cell<u64>,
    pause: Duration,
}

impl Client {
    /// Returns a client that has not connected yet. Certificates are trusted that the authorities in `ca` vouch for (PEM), or
    /// those of the system.
    pub fn new(base: Base, credentials: &Credentials, ca: Option<&Path>) -> Result<Self, Error> {
        let agent = tls::agent(&base, ca)?;
        let authorization = credentials.header();
        Ok(Self { agent, base, authorization, requests: Cell::new(0), pause: Duration::from_secs(1) })
    }

    /// Returns the same client that waits this long, and then twice as long each time, when the server finds its requests too
    /// many.
    pub fn with_pause(self, pause: Duration) -> Self {
        Self { pause, ..self }
    }

    /// Returns how many requests were made so far.
    pub fn requests(&self) -> u64 {
        self.requests.get()
    }

    /// Makes sure that the user belongs to this tenant: the Management API takes the tenant from the user.
    pub fn check_tenant(&self, tenant: &str) -> Result<(), Error> {
        let info: UserInfo = self.get("asking for the tenant", "/userinfo")?;
        let found = info.tenant.unwrap_or_default();
        if found.eq_ignore_ascii_case(tenant) {
            return Ok(());
        }
        let problem =
            format!("the user belongs to {found:?}; take a user of that tenant, or say --tenant {found}");
        Err(Error::Input { what: format!("the tenant {tenant:?}"), problem })
    }

    pub(crate) fn get<T: DeserializeOwned>(&self, doing: &str, path: &str) -> Result<T, Error> {
        self.ask(doing, Method::GET, path, None)
    }

    pub(crate) fn post<T: DeserializeOwned>(
        &self,
        doing: &str,
        path: &str,
        body: &Value,
    ) -> Result<T, Error> {
        self.ask(doing, Method::POST, path, Some(&body.to_string()))
    }

    /// Asks for something to be done that needs no words and has no answer.
    pub(crate) fn order(&self, doing: &str, path: &str) -> Result<(), Error> {
        self.ask(doing, Method::POST, path, Some("")).map(|IgnoredAny| ())
    }

    pub(crate) fn delete(&self, doing: &str, path: &str) -> Result<(), Error> {
        self.ask(doing, Method::DELETE, path, None).map(|IgnoredAny| ())
    }

    /// Sends a body of `size` bytes as it is read. It is sent once: whatever goes wrong is an error.
    pub(crate) fn send<T: DeserializeOwned>(
        &self,
        doing: &str,
        path: &str,
        content_type: &str,
        body: &mut dyn Read,
        size: u64,
    ) -> Result<T, Error> {
        let request = self.request(Method::POST, path, Some((content_type, size)));
        let answer = self.run(doing, request, SendBody::from_reader(body))?;
        if answer.status().is_success() { self.read(doing, answer) } else { Err(self.refused(doing, answer)) }
    }

    /// Returns all entries of a list. `path` has a query already.
    pub(crate) fn list<T: DeserializeOwned>(&self, doing: &str, path: &str) -> Result<Vec<T>, Error> {
        let mut entries = Vec::new();
        for _ in 0..MAX_PAGES {
            let page: Page<T> = self.get(doing, &format!("{path}&limit={PAGE}&offset={}", entries.len()))?;
            let is_last = page.content.len() < PAGE;
            entries.extend(page.content);
            if is_last || entries.len() as u64 >= page.total {
                return Ok(entries);
            }
        }
        Err(Error::Refused { doing: doing.into(), status: 200, problem: "the list has no end".into() })
    }

    fn ask<T: DeserializeOwned>(
        &self,
        doing: &str,
        method: Method,
        path: &str,
        body: Option<&str>,
    ) -> Result<T, Error> {
        let mut pause = self.pause;
        for tries in 0.. {
            let sized = body.map(|body| ("application/json", body.len() as u64));
            let request = self.request(method.clone(), path, sized);
            let answer = match body {
                Some(body) => self.run(doing, request, body)?,
                None => self.run(doing, request, ())?,
            };
            if answer.status().is_success() {
                return self.read(doing, answer);
            }
            let is_rate = answer.status() == StatusCode::TOO_MANY_REQUESTS;
            let refused = self.refused(doing, answer);
            // A quota says so in words, and does not go away by waiting; what is empty is the limit of requests a second.
            if !is_rate
                || tries == RETRIES
                || !matches!(&refused, Error::Refused { problem, .. } if problem == RATE)
            {
                return Err(refused);
            }
            std::thread::sleep(pause);
            pause *= 2;
        }
        Err(Error::Refused { doing: doing.into(), status: 429, problem: RATE.into() })
    }

    fn request(&self, method: Method, path: &str, body: Option<(&str, u64)>) -> request::Builder {
        let mut request = Request::builder()
            .method(method)
            .uri(self.base.join(&format!("/rest/v1{path}")))
            .header("Accept", "application/json, application/hal+json")
            .header("Authorization", self.authorization.as_str());
        if let Some((content_type, length)) = body {
            request = request.header("Content-Type", content_type).header("Content-Length", length);
        }
        request
    }

    fn run(
        &self,
        doing: &str,
        request: request::Builder,
        body: impl AsSendBody,
    ) -> Result<Response<Body>, Error> {
        self.requests.set(self.requests.get() + 1);
        let answer = match request.body(body) {
            Ok(request) => self.agent.run(request),
            Err(error) => Err(error.into()),
        };
        answer.map_err(|error| self.unreachable(doing, &error))
    }

    /// Reads the answer of a request that was carried out. One without words counts as `null`.
    fn read<T: DeserializeOwned>(&self, doing: &str, answer: Response<Body>) -> Result<T, Error> {
        let status = answer.status().as_u16();
        let body = answer.into_body().into_with_config().limit(MAX_ANSWER).read_to_vec();
        let body = body.map_err(|error| self.unreachable(doing, &error))?;
        let text = if body.is_empty() { b"null" } else { body.as_slice() };
        serde_json::from_slice(text).map_err(|error| {
            let problem = format!("that is not what hawkBit's Management API answers ({error}); is it one, and is the address whole?");
            Error::Refused { doing: doing.into(), status, problem }
        })
    }

    fn refused(&self, doing: &str, answer: Response<Body>) -> Error {
        let status = answer.status();
        let location = answer.headers().get("Location").and_then(|value| value.to_str().ok()).map(printable);
        let body = answer.into_body().into_with_config().limit(MAX_PROBLEM).read_to_vec().unwrap_or_default();
        let words: Option<Problem> = serde_json::from_slice(&body).ok();
        let said = words.map(|words| words.told()).filter(|told| !told.is_empty());
        let problem = match (status.as_u16(), said) {
            (401, _) => "the user or the password is not known there".into(),
            (409, Some(said)) => return Error::Conflict { doing: doing.into(), problem: said },
            (429, None) => RATE.into(),
            (_, Some(said)) => said,
            (300..=399, None) => {
                let to = location.unwrap_or_default();
                format!(
                    "it leads on to {to}; the password is not taken there. If that is right, give it as the server"
                )
            }
            (403, None) => "the user may not do that".into(),
            (404, None) => "there is no such thing; is this a hawkBit, and is the address whole?".into(),
            (413, None) => "that is too large for it, or for a proxy before it".into(),
            (_, None) => "it says nothing about why".into(),
        };
        Error::Refused { doing: doing.into(), status: status.as_u16(), problem }
    }

    fn unreachable(&self, doing: &str, error: &ureq::Error) -> Error {
        let server = self.base.text().into();
        Error::Unreachable { doing: doing.into(), server, problem: tls::told(error) }
    }
}

/// What hawkBit says when it refuses.
#[derive(Deserialize)]
struct Problem {
    #[serde(default, rename = "errorCode")]
    code: String,
    #[serde(default)]
    message: String,
}

impl Problem {
    fn told(&self) -> String {
        let text = match (self.message.as_str(), self.code.as_str()) {
            (message, "") => message.to_owned(),
            ("", code) if code.contains("rsql") => format!("that query can't be read ({code})"),
            ("", code) => code.to_owned(),
            (message, code) => format!("{message} ({code})"),
        };
        printable(&text)
    }
}

/// Returns a text of a server's or a device's without what a terminal would obey.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_say_moves_no_cursor() {
        assert_eq!(printable("a\x1b[2Jb\nc\u{9b}d"), "a [2Jb c d");
        assert_eq!(printable(&"x".repeat(9999)).len(), MAX_TEXT);
    }
}
