//! One request, read within limits of size and time. What it says is taken apart by `httparse`.

use drydock_channel::MAX_REPORT;
use std::io::{self, ErrorKind, Read};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// The longest head of a request in bytes.
const MAX_HEAD: usize = 8 << 10;
/// The most headers of a request.
const MAX_HEADERS: usize = 64;

/// A report that somebody wants to hand in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// What stands behind the scheme in `Authorization`.
    pub(super) token: Option<String>,
    /// The body.
    pub(super) body: Vec<u8>,
}

/// Why a request is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bad {
    /// It is gone, or too slow: there is nobody to answer.
    Gone,
    /// It is answered with this status.
    Status(u16),
}

/// A connection of which each read ends by a given moment, however the bytes trickle in.
pub(super) struct Until {
    pub(super) stream: TcpStream,
    pub(super) deadline: Instant,
}

impl Read for Until {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left < Duration::from_millis(1) {
            return Err(ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        self.stream.read(buffer)
    }
}

/// Reads a request (RFC 9112). Only a `POST` with a length is one.
pub(super) fn read(from: &mut impl Read) -> Result<Request, Bad> {
    let mut bytes = Vec::new();
    let (body_at, length, token) = loop {
        let mut chunk = [0; 2048];
        let count = from.read(&mut chunk).map_err(|_| Bad::Gone)?;
        if count == 0 {
            return Err(Bad::Gone);
        }
        bytes.extend(chunk.iter().take(count));
        if let Some(head) = head(&bytes)? {
            break head;
        }
        if bytes.len() >= MAX_HEAD {
            return Err(Bad::Status(431));
        }
    };
    let mut body = bytes.split_off(body_at.min(bytes.len()));
    // What follows is no part of it: there is one request a connection.
    body.truncate(length);
    let missing = length - body.len();
    from.take(missing as u64).read_to_end(&mut body).map_err(|_| Bad::Gone)?;
    match body.len() == length {
        true => Ok(Request { token, body }),
        false => Err(Bad::Gone),
    }
}

/// Where the body begins, how long it is, and the token. `None`: the head is not there as a whole.
fn head(bytes: &[u8]) -> Result<Option<(usize, usize, Option<String>)>, Bad> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let end = match request.parse(bytes) {
        Ok(httparse::Status::Complete(end)) => end,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(Bad::Status(431)),
        Err(_) => return Err(Bad::Status(400)),
    };
    if request.method != Some("POST") {
        return Err(Bad::Status(405));
    }
    let all = |name: &'static str| {
        let named = request.headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
        named.map(|header| str::from_utf8(header.value).unwrap_or_default().trim())
    };
    if all("Transfer-Encoding").next().is_some() {
        return Err(Bad::Status(411));
    }
    let mut lengths = all("Content-Length");
    let length = match (lengths.next(), lengths.next()) {
        (Some(text), None) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => text,
        (None, None) => return Err(Bad::Status(411)),
        _ => return Err(Bad::Status(400)),
    };
    // One that is no number is one that is too long.
    let length = length.parse().ok().filter(|length| *length <= MAX_REPORT).ok_or(Bad::Status(413))?;
    let token = all("Authorization").next().and_then(|value| value.split_once(' '));
    Ok(Some((end, length, token.map(|(_, token)| token.trim().to_owned()))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str =
        "POST /report HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer abc\r\nContent-Length: 4\r\n\r\nbody";

    /// Gives out a few bytes at a time.
    struct Slow<'b>(&'b [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let step = self.1.min(buffer.len());
            self.0.take(step as u64).read(buffer).inspect(|count| self.0 = &self.0[*count..])
        }
    }

    #[test]
    fn a_request_is_read_however_it_comes() {
        for step in [1, 3, 50, 5000] {
            let request = read(&mut Slow(GOOD.as_bytes(), step)).unwrap();
            assert_eq!(request, Request { token: Some("abc".into()), body: b"body".to_vec() });
        }
        let more = format!("{GOOD}POST / HTTP/1.1\r\n");
        assert_eq!(read(&mut more.as_bytes()).unwrap().body, b"body");
    }

    #[test]
    fn what_is_no_report_is_refused_before_its_body_is_read() {
        let line = "Content-Length: 4";
        for (old, new, status) in [
            ("POST", "GET", 405),
            (line, "X: 4", 411),
            (line, "Content-Length: 4x", 400),
            (line, "Content-Length: +4", 400),
            (line, "Content-Length: 4\r\nContent-Length: 4", 400),
            (line, "Content-Length: 4\r\nTransfer-Encoding: chunked", 411),
            (line, "Content-Length: 32769", 413),
            (line, "Content-Length: 99999999999999999999999", 413),
            ("HTTP/1.1", "SPDY/9", 400),
        ] {
            let text = GOOD.replacen(old, new, 1);
            assert_eq!(read(&mut text.as_bytes()), Err(Bad::Status(status)), "{new}");
        }
        let long = GOOD.replace("Host: h", &format!("X: {}", "h".repeat(MAX_HEAD + 2048)));
        assert_eq!(read(&mut long.as_bytes()), Err(Bad::Status(431)));
        let many = GOOD.replace("Host: h", &vec!["X: 1"; MAX_HEADERS].join("\r\n"));
        assert_eq!(read(&mut many.as_bytes()), Err(Bad::Status(431)));
        assert_eq!(read(&mut &GOOD.as_bytes()[..GOOD.len() - 1]), Err(Bad::Gone));
        assert_eq!(read(&mut &GOOD.as_bytes()[..50]), Err(Bad::Gone));
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_reader(at in 0..GOOD.len(), with in proptest::collection::vec(any::<u8>(), 0..30)) {
            let mut bytes = GOOD.as_bytes().to_vec();
            bytes.splice(at..(at + with.len()).min(GOOD.len()), with);
            let _ = read(&mut &bytes[..]);
        }
    }
}
