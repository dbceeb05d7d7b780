//! What can go wrong with a request.

use crate::date::RetryAfter;
use std::fmt;

/// What went wrong with one request. A message says what, and whom it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trouble {
    /// The connection could not be made, or broke, or nothing came for too long.
    Broken(String),
    /// The server answered with a status that has no file with it.
    Status {
        /// The status.
        status: u16,
        /// When the server wants to be asked again.
        after: Option<RetryAfter>,
    },
    /// Who answers is not who is meant, or does not take this device for one of its own.
    Untrusted(String),
    /// The server sends on to where nobody shall go.
    Redirect(String),
    /// The file is another one than before.
    Exchanged(String),
    /// The server sends the whole file where a few ranges of it were asked for at once: one at a time may do.
    NoMultipart,
    /// The answer contradicts itself, or what was asked.
    Malformed(String),
    /// The answer is not the file at all: a page of a captive portal, an archive index.
    NotTheFile(String),
}

impl Trouble {
    /// Whether the same request may be answered another time.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Broken(_) | Self::Malformed(_) | Self::NotTheFile(_) => true,
            // RFC 9110, 15.5.9 and 15.6; RFC 6585, 4 (429); RFC 8470, 5.2 (425).
            Self::Status { status, .. } => matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504),
            Self::Untrusted(_) | Self::Redirect(_) | Self::Exchanged(_) | Self::NoMultipart => false,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(what) | Self::Untrusted(what) | Self::Redirect(what) => f.write_str(what),
            Self::Status { status, after } => {
                write!(f, "the server answers {status}{}", meaning(*status))?;
                match after {
                    Some(RetryAfter::Seconds(seconds)) => write!(f, " and asks for {seconds} s of patience"),
                    Some(RetryAfter::At(time)) => write!(f, " and asks for patience until {time}"),
                    None => Ok(()),
                }
            }
            Self::Exchanged(how) => write!(f, "the file on the server is another one than before: {how}"),
            Self::NoMultipart => f.write_str("the server sends no more than one range at a time"),
            Self::Malformed(what) => write!(f, "the server's answer makes no sense: {what}"),
            Self::NotTheFile(what) => write!(f, "the answer is not the bundle: {what}"),
        }
    }
}

/// What a status means to a person.
fn meaning(status: u16) -> &'static str {
    match status {
        400 => " (it finds fault with the request, or wants a client certificate that it knows)",
        401 | 403 => " (it does not let this device have the file)",
        404 | 410 => " (there is no such file)",
        407 => " (the proxy wants a password)",
        408 => " (it waited for the request too long)",
        429 => " (too many requests)",
        500..600 => " (it has a fault of its own)",
        _ => "",
    }
}
