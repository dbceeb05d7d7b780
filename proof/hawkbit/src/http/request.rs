//! One request, as it comes in.

use super::body::{self, Refused};
use std::io::{BufRead, Read, Write};

/// What all headers and the request line may take: Tomcat's limit.
const MAX_HEAD: usize = 8 * 1024;

/// A request.
#[derive(Debug)]
pub(crate) struct Request {
    /// `GET`, `PUT` and the like.
    pub(crate) method: String,
    /// The path as it was sent.
    pub(crate) path: String,
    /// The path's parts, decoded. A slash at the end makes an empty one.
    pub(crate) parts: Vec<String>,
    /// What follows the question mark, decoded.
    pub(crate) query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// Reads the next request; where the client waits for leave to send its body, it gets it.
    pub(crate) fn read(from: &mut impl BufRead, to: &mut impl Write) -> Result<Self, Refused> {
        let mut left = MAX_HEAD;
        let first = line(from, &mut left)?;
        let mut words = first.split(' ');
        let (Some(method), Some(target), Some(version), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(Refused::Malformed);
        };
        if !version.starts_with("HTTP/1.") || !target.starts_with('/') {
            return Err(Refused::Malformed);
        }
        let mut headers = vec![];
        loop {
            let text = line(from, &mut left)?;
            if text.is_empty() {
                break;
            }
            let (name, value) = text.split_once(':').ok_or(Refused::Malformed)?;
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut request = Self {
            method: method.to_owned(),
            path: path.to_owned(),
            parts: path.split('/').skip(1).map(|part| decoded(part, false)).collect(),
            query: pairs(query),
            headers,
            body: vec![],
        };
        if request.header("Expect").is_some() {
            to.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        request.body =
            body::read(from, request.header("Content-Length"), request.header("Transfer-Encoding"))?;
        Ok(request)
    }

    /// A header's value, whatever case its name is in.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.iter();
        all.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// A value of what follows the question mark.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether the connection ends with the answer.
    pub(crate) fn closes(&self) -> bool {
        self.header("Connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

/// One line of the head, without its end.
fn line(from: &mut impl BufRead, left: &mut usize) -> Result<String, Refused> {
    let mut bytes = vec![];
    from.by_ref().take(*left as u64).read_until(b'\n', &mut bytes)?;
    *left = left.saturating_sub(bytes.len());
    match bytes.last() {
        Some(b'\n') => {}
        None if *left > 0 => return Err(Refused::Gone),
        _ => return Err(Refused::Malformed),
    }
    bytes.pop();
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    String::from_utf8(bytes).map_err(|_| Refused::Malformed)
}

fn pairs(query: &str) -> Vec<(String, String)> {
    let some = query.split('&').filter(|pair| !pair.is_empty());
    some.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name, true), decoded(value, true))
    })
    .collect()
}

/// Takes `%41` for `A`, and in a query `+` for a blank.
fn decoded(text: &str, plus: bool) -> String {
    let (mut bytes, mut out) = (text.bytes(), vec![]);
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let digits: Vec<u8> = bytes.by_ref().take(2).collect();
                let digits = std::str::from_utf8(&digits).ok();
                out.push(digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).unwrap_or(b'?'));
            }
            b'+' if plus => out.push(b' '),
            other => out.push(other),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Request, Refused> {
        Request::read(&mut text.as_bytes(), &mut vec![])
    }

    #[test]
    fn a_request_is_read_with_its_body() {
        let request =
            read("PUT /a/b%20c/?q=x%3D1+2&z HTTP/1.1\r\nHost: h\r\ncontent-length: 3\r\n\r\nabc").unwrap();
        assert_eq!(request.parts, ["a", "b c", ""]);
        assert_eq!((request.parameter("q"), request.parameter("z")), (Some("x=1 2"), Some("")));
        assert_eq!((request.body.as_slice(), request.header("HOST")), (&b"abc"[..], Some("h")));
    }

    #[test]
    fn a_body_may_come_in_chunks() {
        let text = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        assert_eq!(read(text).unwrap().body, b"abcde");
    }

    #[test]
    fn a_head_of_more_than_eight_kilobytes_is_refused() {
        let text = format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "a".repeat(MAX_HEAD));
        assert!(matches!(read(&text), Err(Refused::Malformed)));
        assert!(matches!(read(""), Err(Refused::Gone)));
    }
}
