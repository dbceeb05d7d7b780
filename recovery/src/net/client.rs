//! One request for a file, in all its stages.

use super::dial::Dial;
use super::manners::{Manners, Pauses};
use super::token::Token;
use drydock_engine::fetch::{Contact, Failed, Remote, Take};
use drydock_transfer::{Address, Asked, Body, Head, Shape, Trail, Trouble};
use std::io::Read;

/// A file on servers.
pub struct Client {
    mirrors: Vec<Address>,
    dial: Dial,
    token: Option<Token>,
    pauses: Pauses,
}

impl Client {
    /// Returns a client that has not connected yet, for a file that is at these addresses, the first one first. `token` goes
    /// to its own place only.
    pub fn new(mirrors: Vec<Address>, dial: Dial, token: Option<Token>, manners: Manners) -> Self {
        Self { mirrors, dial, token, pauses: Pauses::new(manners) }
    }

    /// Sends one request, and follows where it is sent on to. Returns the head of the answer, and its body.
    fn ask(&self, address: &Address, asked: &Asked) -> Result<(Head, ureq::Body), Trouble> {
        let mut trail = Trail::new(address);
        loop {
            let agent = self.dial.agent(trail.identity());
            let mut request = agent.get(trail.at().to_string()).header("Range", asked.ranges.header());
            if let Some(etag) = &asked.etag {
                request = request.header("If-Range", etag.as_str());
            }
            let place = trail.at().place();
            if let Some(value) = self.token.as_ref().and_then(|token| token.header_for(&place)) {
                request = request.header("Authorization", value);
            }
            let answer = request.call().map_err(|error| self.dial.trouble(error, &place.host))?;
            let mut head = Head::new(answer.status().as_u16());
            for (name, value) in answer.headers() {
                head.note(name.as_str(), value.to_str().unwrap_or_default());
            }
            match head.redirects() {
                Some(location) => trail.follow(location).map_err(Trouble::Redirect)?,
                None => return Ok((head, answer.into_body())),
            }
        }
    }
}

impl Remote for Client {
    fn mirrors(&self) -> Vec<String> {
        self.mirrors.iter().map(ToString::to_string).collect()
    }

    fn get(&mut self, mirror: usize, asked: &Asked, take: Take<'_>) -> Result<Contact, Failed> {
        let nowhere = || Failed::There(Trouble::Redirect("there is no such mirror".into()));
        let address = self.mirrors.get(mirror).ok_or_else(nowhere)?.clone();
        let host = address.place().host;
        let (head, answer) = self.ask(&address, asked)?;
        let judged = head.judge(asked)?;
        let mut body = Body::new(&judged, asked)?;
        let mut reader = answer.into_reader();
        let mut buffer = vec![0; 64 << 10];
        loop {
            // Of a whole file nothing is read beyond what was asked for; what else may follow makes the connection fit for
            // another request.
            if body.is_enough() && judged.shape == Shape::Whole {
                break;
            }
            let read = reader.read(&mut buffer);
            let count = match read.map_err(|error| self.dial.trouble(error.into(), &host)) {
                Ok(count) => count,
                Err(_) if body.is_enough() => break,
                Err(trouble) => return Err(trouble.into()),
            };
            let Some(mut input) = buffer.get(..count).filter(|input| !input.is_empty()) else { break };
            while let Some(piece) = body.next(&mut input)? {
                take(piece.offset, piece.bytes).map_err(Failed::Here)?;
            }
            std::thread::sleep(self.pauses.after(count));
        }
        body.finish()?;
        let unknown = || Trouble::Malformed("nobody says how long the file is".into());
        let length = body.length().or(asked.length).ok_or_else(unknown)?;
        Ok(Contact { length, etag: judged.etag })
    }
}
