//! What the agent asks: one request, without redirects, and an answer of a limited length.

use super::dial::Dial;
use super::token::Token;
use drydock_config::Seconds;
use drydock_ddi::MAX_ANSWER;
use drydock_engine::fleet::{Answer, Credentials, Method, Request};
use drydock_transfer::{Identity, RetryAfter, Trouble};
use std::io::Read;
use std::time::Duration;
use ureq::http::{self, HeaderMap, HeaderName, HeaderValue, header};
use ureq::{AsSendBody, RequestExt};

/// JSON, with links or without.
const ACCEPT: HeaderValue = HeaderValue::from_static("application/hal+json, application/json");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// The longest tag of an answer that is remembered, in bytes.
const MAX_ETAG: usize = 256;

/// Sends a request, and returns what came back: at most [`MAX_ANSWER`] bytes of it and one more. `token` is shown where the
/// request shows who the device is, and only in its own place.
///
/// # Errors
/// There was no whole answer. Whether the server has the request is not known then.
pub fn ask(dial: &Dial, token: Option<&Token>, request: &Request) -> Result<Answer, Trouble> {
    let place = request.address.place();
    let mut asked = http::Request::new(());
    let headers = asked.headers_mut();
    headers.insert(header::ACCEPT, ACCEPT);
    if let Some(etag) = request.etag.as_deref().and_then(|etag| HeaderValue::from_str(etag).ok()) {
        headers.insert(header::IF_NONE_MATCH, etag);
    }
    let identity = match request.credentials {
        Credentials::Shown => Identity::Shown,
        Credentials::Hidden => Identity::Hidden,
    };
    let token = token.filter(|_| identity == Identity::Shown);
    if let Some(value) = token.and_then(|token| token.header_for(&place)) {
        headers.insert(header::AUTHORIZATION, value);
    }
    let malformed = |what: String| Trouble::Malformed(format!("the request can't be made: {what}"));
    *asked.uri_mut() = request.address.to_string().parse().map_err(|why| malformed(format!("{why}")))?;
    *asked.method_mut() = match request.method {
        Method::Get => http::Method::GET,
        Method::Post => http::Method::POST,
        Method::Put => http::Method::PUT,
    };
    match &request.body {
        None => send(dial, identity, &place.host, asked),
        Some(body) => {
            asked.headers_mut().insert(header::CONTENT_TYPE, JSON);
            send(dial, identity, &place.host, asked.map(|()| body.as_str()))
        }
    }
}

fn send(
    dial: &Dial,
    identity: Identity,
    host: &str,
    asked: http::Request<impl AsSendBody>,
) -> Result<Answer, Trouble> {
    let request = asked.with_agent(dial.agent(identity)).configure();
    // A server that sends a byte now and then is given up, too.
    let request = request.timeout_global(Some(longest(dial))).build();
    let answer = request.run().map_err(|error| dial.trouble(error, host))?;
    let (code, headers) = (answer.status().as_u16(), answer.headers());
    let (etag, after) = (text(headers, header::ETAG), text(headers, header::RETRY_AFTER));
    let (etag, after) =
        (etag.filter(|etag| etag.len() <= MAX_ETAG).map(Into::into), after.and_then(RetryAfter::parse));
    let mut body = vec![];
    let reader = answer.into_body().into_reader();
    let read = reader.take(MAX_ANSWER as u64 + 1).read_to_end(&mut body);
    read.map_err(|error| dial.trouble(error.into(), host))?;
    Ok(Answer { code, etag, after, body })
}

/// How long a request may take in all.
fn longest(dial: &Dial) -> Duration {
    let network = dial.network();
    let stages =
        [network.resolve_seconds, network.connect_seconds, network.answer_seconds, network.stall_seconds];
    stages.iter().map(|stage: &Seconds| stage.as_duration()).sum()
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
