//! Why a request is not answered with what it asks for.

use core::fmt;

/// Why a request is refused. Each has a status of HTTP, and words for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is no HTTP/1.1.
    Malformed,
    /// It is of a version that is not spoken here.
    Version,
    /// Its head is too long, or has too many fields.
    HeadTooLarge,
    /// There is no such thing here.
    NotFound,
    /// It is there, but not for this method.
    Method,
    /// Its body has no length that is told beforehand.
    NoLength,
    /// Its body is too long.
    BodyTooLarge,
    /// Its `Host` is none of ours: a name that somebody else's server has given to our address.
    Misdirected,
    /// It comes from another site's page.
    CrossSite,
    /// It does not have the token that only our page has.
    NotOurPage,
    /// Nobody was let in for this, or time is over.
    NotAdmitted,
    /// Its text makes no sense.
    Nonsense,
    /// It was too slow in coming.
    TooSlow,
    /// There is no room for one more.
    Busy,
}

impl Refusal {
    /// Returns the status that RFC 9110 has for it, with its words.
    pub fn status(self) -> &'static str {
        match self {
            Self::Malformed | Self::Nonsense => "400 Bad Request",
            Self::NotAdmitted => "401 Unauthorized",
            Self::CrossSite | Self::NotOurPage => "403 Forbidden",
            Self::NotFound => "404 Not Found",
            Self::Method => "405 Method Not Allowed",
            Self::TooSlow => "408 Request Timeout",
            Self::NoLength => "411 Length Required",
            Self::BodyTooLarge => "413 Content Too Large",
            Self::Misdirected => "421 Misdirected Request",
            Self::HeadTooLarge => "431 Request Header Fields Too Large",
            Self::Busy => "503 Service Unavailable",
            Self::Version => "505 HTTP Version Not Supported",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "this is no HTTP/1.1",
            Self::Version => "only HTTP/1.1 is spoken here",
            Self::HeadTooLarge => "the request's head is too large",
            Self::NotFound => "there is no such thing here",
            Self::Method => "this is not done by that method",
            Self::NoLength => "the body needs a Content-Length",
            Self::BodyTooLarge => "the body is too large",
            Self::Misdirected => {
                "this device is not called that: use its address, or the name that is configured"
            }
            Self::CrossSite => "another site's page has asked for this",
            Self::NotOurPage => "this is no request of the device's own page: load it anew",
            Self::NotAdmitted => "this needs an answer to a challenge that was made for it; ask for one",
            Self::Nonsense => "this can't be understood",
            Self::TooSlow => "the request was too slow in coming",
            Self::Busy => "there are too many at once; try again later",
        })
    }
}
