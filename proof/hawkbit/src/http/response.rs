//! One answer, as it goes out.

use serde_json::Value;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;

/// What Tomcat keeps before it sends: a body of an unknown length that fits gets one, a longer one goes in chunks.
const BUFFER: usize = 8 * 1024;

/// A part of a body.
#[derive(Debug)]
pub(crate) enum Piece {
    /// These bytes.
    Bytes(Vec<u8>),
    /// A part of something large.
    Part(Arc<Vec<u8>>, Range<usize>),
}

impl Piece {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Part(whole, range) => whole.get(range.clone()).unwrap_or_default(),
        }
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Response {
    /// Its status.
    pub(crate) status: u16,
    /// Its headers, but for those of the body's length.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// Its body.
    pub(crate) body: Vec<Piece>,
    /// Whether the server did not know the length when it began to write.
    pub(crate) unknown_length: bool,
}

impl Response {
    /// An answer without a body.
    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: vec![], body: vec![], unknown_length: false }
    }

    /// An answer of JSON, with that type.
    pub(crate) fn json(status: u16, content_type: &str, value: &Value) -> Self {
        Self::of(status, content_type, value.to_string().into_bytes())
    }

    /// An answer with a body.
    pub(crate) fn of(status: u16, content_type: &str, body: Vec<u8>) -> Self {
        Self::empty(status).with("Content-Type", content_type).with_body(vec![Piece::Bytes(body)])
    }

    /// What Tomcat says where no application was asked: a page.
    pub(crate) fn page(status: u16) -> Self {
        let title = format!("HTTP Status {status} – {}", reason(status));
        let page = format!(
            "<!doctype html><html lang=\"en\"><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
        );
        Self::of(status, "text/html;charset=utf-8", page.into_bytes())
    }

    /// What Spring says where hawkBit has not been asked, or has nothing to say.
    pub(crate) fn framework(status: u16, error: &str) -> Self {
        let value = serde_json::json!({"timestamp": "1970-01-01T00:00:00.000+00:00", "status": status, "error": error});
        Self::json(status, "application/json;charset=UTF-8", &value)
    }

    /// With one header more.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// With this body.
    pub(crate) fn with_body(mut self, body: Vec<Piece>) -> Self {
        self.body = body;
        self
    }

    /// The body's bytes, all of them.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.body.iter().flat_map(Piece::bytes).copied().collect()
    }

    /// Writes the answer, without its body where only the head was asked for.
    pub(crate) fn write(&self, to: &mut impl Write, head_only: bool, closes: bool) -> io::Result<()> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let length: usize = self.body.iter().map(|piece| piece.bytes().len()).sum();
        let chunked = self.unknown_length && length > BUFFER;
        match self.status {
            204 | 304 => {}
            _ if chunked => head.push_str("Transfer-Encoding: chunked\r\n"),
            _ => head.push_str(&format!("Content-Length: {length}\r\n")),
        }
        if closes {
            head.push_str("Connection: close\r\n");
        }
        head.push_str("\r\n");
        to.write_all(head.as_bytes())?;
        if !head_only {
            for bytes in self.body.iter().map(Piece::bytes).filter(|bytes| !bytes.is_empty()) {
                if chunked {
                    for chunk in bytes.chunks(BUFFER) {
                        to.write_all(format!("{:x}\r\n", chunk.len()).as_bytes())?;
                        to.write_all(chunk)?;
                        to.write_all(b"\r\n")?;
                    }
                } else {
                    to.write_all(bytes)?;
                }
            }
            if chunked {
                to.write_all(b"0\r\n\r\n")?;
            }
        }
        to.flush()
    }
}

/// The words to a status. Tomcat sends none; a client must not need them.
fn reason(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(response: &Response, head_only: bool) -> String {
        let mut out = vec![];
        response.write(&mut out, head_only, false).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_answer_says_its_length_even_without_its_body() {
        let response = Response::of(200, "text/plain", b"abc".to_vec());
        let head = "HTTP/1.1 200 \r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\n";
        assert_eq!(written(&response, true), head);
        assert_eq!(written(&response, false), format!("{head}abc"));
    }

    #[test]
    fn what_is_long_and_of_an_unknown_length_goes_in_chunks() {
        let mut response = Response::of(206, "text/plain", vec![b'a'; 8193]);
        response.unknown_length = true;
        let text = written(&response, false);
        assert!(text.contains("Transfer-Encoding: chunked\r\n\r\n2000\r\n"), "{text}");
        assert!(text.ends_with("\r\n1\r\na\r\n0\r\n\r\n"), "{text}");
    }
}
