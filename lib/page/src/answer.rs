//! Answers, and what browsers are told to keep to.

use crate::refusal::Refusal;
use std::borrow::Cow;

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The page.
    Html,
    /// A style sheet, packed.
    Css,
    /// A script, packed.
    Script,
    /// Data.
    Json,
    /// Words for a person.
    Text,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Html => "text/html; charset=utf-8",
            // No other body is packed.
            Self::Css => "text/css; charset=utf-8\r\nContent-Encoding: gzip",
            Self::Script => "text/javascript; charset=utf-8\r\nContent-Encoding: gzip",
            Self::Json => "application/json; charset=utf-8",
            Self::Text => "text/plain; charset=utf-8",
        }
    }
}

/// What becomes of the connection after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Another request may follow.
    KeepOpen,
    /// It is closed.
    Close,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    status: &'static str,
    kind: Kind,
    body: Cow<'static, [u8]>,
}

/// What browsers are told with every answer. There is no `Strict-Transport-Security`: it would keep everybody from a page
/// whose certificate no authority has signed.
const HEADERS: &str = "Cache-Control: no-store\r\n\
X-Content-Type-Options: nosniff\r\n\
X-Frame-Options: DENY\r\n\
Referrer-Policy: no-referrer\r\n\
Cross-Origin-Opener-Policy: same-origin\r\n\
Cross-Origin-Resource-Policy: same-origin\r\n\
Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n";

impl Answer {
    /// One that is as it should be.
    pub fn good(kind: Kind, body: impl Into<Cow<'static, [u8]>>) -> Self {
        Self { status: "200 OK", kind, body: body.into() }
    }

    /// One that says why not.
    pub fn refusal(why: Refusal) -> Self {
        Self { status: why.status(), kind: Kind::Text, body: why.to_string().into_bytes().into() }
    }

    /// One that says why what was asked for, and was understood, is not done.
    pub fn declined(why: &str) -> Self {
        Self { status: "409 Conflict", kind: Kind::Text, body: why.as_bytes().to_vec().into() }
    }

    /// Returns the bytes of it.
    pub fn to_bytes(&self, ending: Ending) -> Vec<u8> {
        let Self { status, kind, body } = self;
        let connection = match ending {
            Ending::KeepOpen => "keep-alive",
            Ending::Close => "close",
        };
        let mut bytes = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {}\r\nContent-Length: {}\r\n\
             Connection: {connection}\r\n{HEADERS}\r\n",
            kind.name(),
            body.len(),
        )
        .into_bytes();
        bytes.extend_from_slice(body);
        bytes
    }
}
