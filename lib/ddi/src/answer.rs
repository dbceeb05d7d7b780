//! Answers: their status, and JSON that is read with limits.

use crate::Error;
use serde_json::Value;

/// The longest answer that is read, in bytes: an order with a hundred artifacts and its history has less.
pub const MAX_ANSWER: usize = 256 << 10;

/// What the status code of an answer means to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is as it should be.
    Done,
    /// Nothing has changed since (304).
    Same,
    /// The server does not know this device, or its token (401, 403): ask again after a long pause.
    Stranger,
    /// What was asked for is not there, or no more (404, 410): the order is gone.
    Gone,
    /// There is too much of it already: it is never sent again.
    Full,
    /// The server can't now: ask again after a pause.
    Later,
    /// The server can't read what it was sent: it is not sent again as it is.
    Refused,
}

impl Status {
    /// Reads the code, and of 429 the body: with JSON that speaks of a quota waiting does not help, else it is a limit of the rate.
    pub fn of(code: u16, body: &[u8]) -> Self {
        match code {
            200..300 => Self::Done,
            304 => Self::Same,
            401 | 403 => Self::Stranger,
            404 | 410 => Self::Gone,
            429 if names_a_quota(body) => Self::Full,
            408 | 425 | 429 | 500.. => Self::Later,
            _ => Self::Refused,
        }
    }
}

fn names_a_quota(body: &[u8]) -> bool {
    let said = read(body).ok();
    said.and_then(|said| Some(said.get("errorCode")?.as_str()?.contains("quota"))).unwrap_or(false)
}

/// Reads an answer. `serde_json` goes no deeper than 128 levels.
pub(crate) fn read(bytes: &[u8]) -> Result<Value, Error> {
    if bytes.len() > MAX_ANSWER {
        return Err(Error::TooLong(MAX_ANSWER));
    }
    serde_json::from_slice(bytes).map_err(|error| Error::Json(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_told_from_a_limit_of_the_rate() {
        let quota = br#"{"errorCode":"hawkbit.server.error.quota.tooManyEntries"}"#;
        assert_eq!(Status::of(429, quota), Status::Full);
        for body in [&b""[..], b"<html>", br#"{"errorCode":7}"#, b"[]"] {
            assert_eq!(Status::of(429, body), Status::Later);
        }
    }

    #[test]
    fn what_is_too_long_or_too_deep_is_no_answer() {
        assert_eq!(read(&vec![b' '; MAX_ANSWER + 1]), Err(Error::TooLong(MAX_ANSWER)));
        let deep = [vec![b'['; 1000], vec![b']'; 1000]].concat();
        assert!(matches!(read(&deep), Err(Error::Json(_))));
    }
}
