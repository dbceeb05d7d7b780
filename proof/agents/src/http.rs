//! Real requests, which a cut of power strikes.

use crate::power::{Power, When};
use drydock_engine::fetch::{Contact, Failed, Remote, Take};
use drydock_engine::fleet::{Answer, Credentials, Method, Request};
use drydock_simulator::disk::SimDisk;
use drydock_transfer::{Address, Asked, Body, Head, RetryAfter, Trouble};
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

/// A client that shows who it is.
#[derive(Clone)]
pub struct Http {
    agent: ureq::Agent,
    authorization: String,
    power: Arc<Power>,
    disk: Arc<SimDisk>,
}

impl Http {
    /// A client of a device with this disk.
    pub fn new(authorization: &str, power: Arc<Power>, disk: Arc<SimDisk>) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(5)))
            .build();
        Self { agent: config.into(), authorization: authorization.into(), power, disk }
    }

    /// Sends a request, if there is power, and unless the power is cut in the middle of it.
    fn powered<T>(&self, send: impl FnOnce() -> Result<T, Trouble>) -> Result<T, Trouble> {
        let off = || Trouble::Broken("the power is off".into());
        let when = self.power.request(&self.disk).ok_or_else(off)?;
        if when == Some(When::Unsent) {
            self.power.cut(&self.disk);
            return Err(off());
        }
        let answer = send();
        if when.is_some() {
            self.power.cut(&self.disk);
            return Err(off());
        }
        answer
    }

    /// Sends a request to the server.
    ///
    /// # Errors
    /// No answer has come.
    pub fn ask(&self, request: &Request) -> Result<Answer, Trouble> {
        self.powered(|| self.send(request))
    }

    fn send(&self, request: &Request) -> Result<Answer, Trouble> {
        let method = match request.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
        };
        let mut builder = ureq::http::Request::builder()
            .method(method)
            .uri(request.address.to_string())
            .header("Accept", "application/json");
        if request.credentials == Credentials::Shown && !self.authorization.is_empty() {
            builder = builder.header("Authorization", &self.authorization);
        }
        if let Some(etag) = &request.etag {
            builder = builder.header("If-None-Match", etag);
        }
        let broken = |error: ureq::Error| Trouble::Broken(error.to_string());
        let answer = match &request.body {
            Some(body) => {
                let builder = builder.header("Content-Type", "application/json");
                self.agent.run(builder.body(body.clone()).expect("a request"))
            }
            None => self.agent.run(builder.body(()).expect("a request")),
        };
        let answer = answer.map_err(broken)?;
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let (etag, after) =
            (header("ETag").map(str::to_owned), header("Retry-After").and_then(RetryAfter::parse));
        let code = answer.status().as_u16();
        let mut body = Vec::new();
        let most = drydock_ddi::MAX_ANSWER as u64 + 1;
        let read = answer.into_body().into_reader().take(most).read_to_end(&mut body);
        read.map_err(|error| Trouble::Broken(error.to_string()))?;
        Ok(Answer { code, etag, after, body })
    }

    /// A file on a server.
    pub fn file(&self, address: &Address) -> File {
        File { http: self.clone(), address: address.clone() }
    }
}

/// A file on a server, by ranges.
pub struct File {
    http: Http,
    address: Address,
}

impl Remote for File {
    fn mirrors(&self) -> Vec<String> {
        vec![self.address.to_string()]
    }

    fn get(&mut self, _mirror: usize, asked: &Asked, take: Take<'_>) -> Result<Contact, Failed> {
        let (head, bytes) = self.http.powered(|| self.http.range(&self.address, asked))?;
        let judged = head.judge(asked)?;
        let mut body = Body::new(&judged, asked)?;
        let mut input = &bytes[..];
        while let Some(piece) = body.next(&mut input)? {
            take(piece.offset, piece.bytes).map_err(Failed::Here)?;
        }
        body.finish()?;
        let length = body.length().or(asked.length).ok_or(Trouble::Malformed("no length".into()))?;
        Ok(Contact { length, etag: judged.etag })
    }
}

impl Http {
    fn range(&self, address: &Address, asked: &Asked) -> Result<(Head, Vec<u8>), Trouble> {
        let mut request = self.agent.get(address.to_string()).header("Range", asked.ranges.header());
        if !self.authorization.is_empty() {
            request = request.header("Authorization", &self.authorization);
        }
        if let Some(etag) = &asked.etag {
            request = request.header("If-Range", etag.as_str());
        }
        let answer = request.call().map_err(|error| Trouble::Broken(error.to_string()))?;
        let mut head = Head::new(answer.status().as_u16());
        for (name, value) in answer.headers() {
            head.note(name.as_str(), value.to_str().unwrap_or_default());
        }
        let mut bytes = Vec::new();
        let read = answer.into_body().into_reader().read_to_end(&mut bytes);
        read.map_err(|error| Trouble::Broken(error.to_string()))?;
        Ok((head, bytes))
    }
}
