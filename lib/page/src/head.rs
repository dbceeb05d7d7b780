//! The head of a request.

use crate::limits::{MAX_FIELDS, MAX_HEAD};
use crate::refusal::Refusal;
use crate::route::Route;

/// A request, but for its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// What it asks for.
    pub route: Route,
    /// The `Host` that it was sent to, with the port where it has one.
    pub host: String,
    /// The `Origin` of the page that sent it, where a browser says so.
    pub origin: Option<String>,
    /// Where that page is from, as browsers say it in `Sec-Fetch-Site`.
    pub site: Option<String>,
    /// What for, as they say it in `Sec-Fetch-Dest`.
    pub destination: Option<String>,
    /// The token that only our page has.
    pub page: Option<String>,
    /// The token of somebody who was let in.
    pub bearer: Option<String>,
    /// How long the body is, in bytes.
    pub length: u64,
    /// Whether the client waits for a word before it sends the body (`Expect: 100-continue`).
    pub waits: bool,
    /// Whether the client will say nothing after this.
    pub last: bool,
}

impl Head {
    /// Reads a head from all that has come so far. Returns it and how many bytes it had, or nothing while it is not whole.
    ///
    /// # Errors
    /// It is malformed, too large, or asks for something that is not there. Nothing that comes after it on the same
    /// connection can be understood then.
    pub fn read(bytes: &[u8]) -> Result<Option<(Self, usize)>, Refusal> {
        let within = bytes.get(..MAX_HEAD).unwrap_or(bytes);
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut request = httparse::Request::new(&mut fields);
        let read = match request.parse(within) {
            Ok(httparse::Status::Complete(read)) => read,
            Ok(httparse::Status::Partial) if bytes.len() < MAX_HEAD => return Ok(None),
            Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
                return Err(Refusal::HeadTooLarge);
            }
            Err(httparse::Error::Version) => return Err(Refusal::Version),
            Err(_) => return Err(Refusal::Malformed),
        };
        if request.version != Some(1) {
            return Err(Refusal::Version);
        }
        let route = Route::of(request.method.unwrap_or_default(), request.path.unwrap_or_default())?;
        let fields = Fields(request.headers);
        let length = fields.length(route)?;
        let bearer = fields.one("authorization")?;
        Ok(Some((
            Self {
                route,
                host: fields.one("host")?.ok_or(Refusal::Malformed)?,
                origin: fields.one("origin")?,
                site: fields.one("sec-fetch-site")?,
                destination: fields.one("sec-fetch-dest")?,
                page: fields.one("x-drydock-page")?,
                bearer: bearer.and_then(|text| text.strip_prefix("Bearer ").map(str::to_owned)),
                length,
                waits: fields.one("expect")?.is_some_and(|what| what.eq_ignore_ascii_case("100-continue")),
                last: fields.one("connection")?.is_some_and(|what| what.eq_ignore_ascii_case("close")),
            },
            read,
        )))
    }
}

/// The fields of a head.
struct Fields<'h>(&'h [httparse::Header<'h>]);

impl Fields<'_> {
    /// The value of a field that may be there once.
    fn one(&self, name: &str) -> Result<Option<String>, Refusal> {
        let mut found = self.0.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
        let Some(field) = found.next() else { return Ok(None) };
        let value = core::str::from_utf8(field.value).ok().filter(|_| found.next().is_none());
        value.map(|value| Some(value.trim().to_owned())).ok_or(Refusal::Malformed)
    }

    /// How long the body is. It must be told beforehand: what is too long is refused before it comes, and nobody can
    /// disagree on where a request ends.
    fn length(&self, route: Route) -> Result<u64, Refusal> {
        if self.one("transfer-encoding")?.is_some() {
            return Err(Refusal::NoLength);
        }
        let length = match self.one("content-length")? {
            None if route.longest_body() == 0 => 0,
            None => return Err(Refusal::NoLength),
            Some(digits) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().map_err(|_| Refusal::BodyTooLarge)?
            }
            Some(_) => return Err(Refusal::Malformed),
        };
        if length > route.longest_body() { Err(Refusal::BodyTooLarge) } else { Ok(length) }
    }
}
