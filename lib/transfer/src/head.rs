//! The head of an answer: what it says of itself, and whether it is an answer to what was asked.

use crate::date::{RetryAfter, decimal};
use crate::ranges::Ranges;
use crate::trouble::Trouble;
use std::ops::Range;

/// The longest entity tag that is remembered, in bytes.
const MAX_ETAG: usize = 256;

/// A strong entity tag, quotes and all: it is another one whenever the file's bytes are (RFC 9110, 8.8.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Etag(String);

impl Etag {
    /// Reads the value of an `ETag` header. `None`: it is a weak one, which says nothing of bytes, or none at all.
    pub fn strong(value: &str) -> Option<Self> {
        let value = value.trim();
        let inner = value.strip_prefix('"')?.strip_suffix('"')?;
        let good = value.len() <= MAX_ETAG
            && inner.bytes().all(|byte| byte == b'!' || (b'#'..=b'~').contains(&byte));
        good.then(|| Self(value.into()))
    }

    /// As it is sent in `If-Range`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a `Content-Range` header says (RFC 9110, 14.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentRange {
    /// Which bytes follow.
    pub range: Range<u64>,
    /// How many the file has, if that is said.
    pub total: Option<u64>,
}

impl ContentRange {
    /// Reads `bytes 0-499/1234` or `bytes 0-499/*`. `None`: it is neither, or is no range of such a file.
    pub fn parse(value: &str) -> Option<Self> {
        let (range, total) = value.trim().strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let (first, last) = (decimal(first)?, decimal(last)?);
        let total = if total == "*" { None } else { Some(decimal(total)?) };
        let range = first..last.checked_add(1)?;
        (first <= last && total.is_none_or(|total| range.end <= total)).then_some(Self { range, total })
    }
}

/// What separates the parts of a `multipart/byteranges`: 1 to 70 characters (RFC 2046, 5.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boundary(String);

impl Boundary {
    /// Reads it from the value of a `Content-Type` header. `None`: that is another type, or names no boundary that may be.
    pub fn of(content_type: &str) -> Option<Self> {
        let mut parts = content_type.split(';').map(str::trim);
        if !parts.next()?.eq_ignore_ascii_case("multipart/byteranges") {
            return None;
        }
        let is_boundary =
            |part: &&str| part.get(..9).is_some_and(|name| name.eq_ignore_ascii_case("boundary="));
        let value = parts.find(is_boundary)?.get(9..)?;
        let value = value.strip_prefix('"').and_then(|quoted| quoted.strip_suffix('"')).unwrap_or(value);
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
        let good = (1..=70).contains(&value.len()) && value.bytes().all(allowed) && !value.ends_with(' ');
        good.then(|| Self(value.into()))
    }

    /// Its characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is read of the head of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The status.
    pub status: u16,
    /// `Content-Length`, if it is a number.
    pub length: Option<u64>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Content-Range`.
    pub content_range: Option<String>,
    /// `Content-Encoding`.
    pub encoding: Option<String>,
    /// `ETag`.
    pub etag: Option<String>,
    /// `Location`.
    pub location: Option<String>,
    /// `Retry-After`.
    pub retry_after: Option<String>,
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// These bytes.
    pub ranges: Ranges,
    /// Of the file that had this tag.
    pub etag: Option<Etag>,
    /// Of the file that had this length.
    pub length: Option<u64>,
}

/// An answer that is one: what follows its head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// How the bytes come.
    pub shape: Shape,
    /// How many bytes the file has. Where several ranges come nobody says so before the first part's head.
    pub length: Option<u64>,
    /// The file's tag, if it has a strong one.
    pub etag: Option<Etag>,
}

/// How the bytes of a file come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// All of it, from the beginning.
    Whole,
    /// One range.
    Range(Range<u64>),
    /// Several, each with a head of its own.
    Parts(Boundary),
}

impl Head {
    /// Returns a head with nothing but a status.
    pub fn new(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// Takes note of one header line. A second one of the same name does not count.
    pub fn note(&mut self, name: &str, value: &str) {
        let place = match name.to_ascii_lowercase().as_str() {
            "content-length" => {
                self.length = self.length.or(decimal(value.trim()));
                return;
            }
            "content-type" => &mut self.content_type,
            "content-range" => &mut self.content_range,
            "content-encoding" => &mut self.encoding,
            "etag" => &mut self.etag,
            "location" => &mut self.location,
            "retry-after" => &mut self.retry_after,
            _ => return,
        };
        place.get_or_insert_with(|| value.to_owned());
    }

    /// Whether the server sends on to another place, and where to.
    pub fn redirects(&self) -> Option<&str> {
        matches!(self.status, 301 | 302 | 303 | 307 | 308)
            .then_some(self.location.as_deref().unwrap_or_default())
    }

    /// Decides whether this is the answer to what was asked. Redirects are none.
    pub fn judge(&self, asked: &Asked) -> Result<Judged, Trouble> {
        match self.status {
            200 | 206 => {}
            412 => return Err(Trouble::Exchanged("it no longer has the tag that it had".into())),
            416 => return Err(Trouble::Exchanged("it ends before what was asked for".into())),
            status => {
                let after = self.retry_after.as_deref().and_then(RetryAfter::parse);
                return Err(Trouble::Status { status, after });
            }
        }
        if let Some(coded) =
            self.encoding.as_deref().filter(|coded| !coded.trim().eq_ignore_ascii_case("identity"))
        {
            return Err(Trouble::Malformed(format!(
                "it is coded as {}, which nobody asked for",
                shown(coded)
            )));
        }
        let etag = self.etag.as_deref().and_then(Etag::strong);
        if let (Some(before), Some(now)) = (&asked.etag, &etag)
            && before != now
        {
            return Err(Trouble::Exchanged(format!("its tag was {} and is {}", before.0, now.0)));
        }
        let (shape, length) = if self.status == 200 { self.whole(asked)? } else { self.partial(asked)? };
        if let (Some(before), Some(now)) = (asked.length, length)
            && before != now
        {
            return Err(Trouble::Exchanged(format!("it had {before} bytes and has {now}")));
        }
        Ok(Judged { shape, length, etag })
    }

    fn whole(&self, asked: &Asked) -> Result<(Shape, Option<u64>), Trouble> {
        let kind = self.content_type.as_deref().unwrap_or_default();
        if kind.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("text/html")) {
            return Err(Trouble::NotTheFile(
                "it is a web page; a captive portal may want somebody to log in, or the address is wrong"
                    .into(),
            ));
        }
        if asked.ranges.count() > 1 {
            return Err(Trouble::NoMultipart);
        }
        let Some(length) = self.length else {
            return Err(Trouble::Malformed("the whole file comes and nobody says how long it is".into()));
        };
        Ok((Shape::Whole, Some(length)))
    }

    fn partial(&self, asked: &Asked) -> Result<(Shape, Option<u64>), Trouble> {
        if let Some(value) = &self.content_range {
            let found = ContentRange::parse(value).filter(|found| overlaps(&asked.ranges, &found.range));
            let ContentRange { range, total } = found.ok_or_else(|| {
                Trouble::Malformed(format!("the range `{}` is none that was asked for", shown(value)))
            })?;
            if self.length.is_some_and(|length| length != range.end - range.start) {
                return Err(Trouble::Malformed("its length is not that of its range".into()));
            }
            return Ok((Shape::Range(range), total));
        }
        match self.content_type.as_deref().and_then(Boundary::of) {
            Some(boundary) => Ok((Shape::Parts(boundary), None)),
            None => Err(Trouble::Malformed("a part of the file comes and nobody says which".into())),
        }
    }
}

/// Whether a range has bytes that were asked for.
pub(crate) fn overlaps(asked: &Ranges, range: &Range<u64>) -> bool {
    asked.iter().any(|one| one.start < range.end && range.start < one.end)
}

/// What a server has sent, cut short and without anything that a terminal would obey.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(80).map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
}
