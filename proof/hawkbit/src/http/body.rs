//! Bodies of requests: by their length, in chunks, and of several parts.

use std::io::{self, BufRead, Read};

/// The longest body that is taken.
const MAX_BODY: u64 = 512 << 20;

/// Why there is no request.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The client has gone, or nothing more comes.
    Gone,
    /// It can't be read, or is too long.
    Malformed,
}

impl From<io::Error> for Refused {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

/// Reads a body, whichever way its length is said.
pub(super) fn read(
    from: &mut impl BufRead,
    length: Option<&str>,
    encoding: Option<&str>,
) -> Result<Vec<u8>, Refused> {
    if encoding.is_some_and(|encoding| encoding.eq_ignore_ascii_case("chunked")) {
        return chunks(from);
    }
    let length = match length {
        Some(text) => text.parse().map_err(|_| Refused::Malformed)?,
        None => 0,
    };
    exactly(from, length)
}

fn exactly(from: &mut impl BufRead, length: u64) -> Result<Vec<u8>, Refused> {
    if length > MAX_BODY {
        return Err(Refused::Malformed);
    }
    let mut body = vec![];
    from.take(length).read_to_end(&mut body)?;
    if body.len() as u64 == length { Ok(body) } else { Err(Refused::Gone) }
}

fn chunks(from: &mut impl BufRead) -> Result<Vec<u8>, Refused> {
    let mut body = vec![];
    loop {
        let mut head = String::new();
        from.by_ref().take(100).read_line(&mut head)?;
        let digits = head.trim_end().split(';').next().unwrap_or_default();
        let length = u64::from_str_radix(digits, 16).map_err(|_| Refused::Malformed)?;
        body.extend(exactly(from, length)?);
        exactly(from, 2)?;
        if length == 0 {
            return Ok(body);
        }
        if body.len() as u64 > MAX_BODY {
            return Err(Refused::Malformed);
        }
    }
}

/// The part called `name` of a `multipart/form-data` body: the file's name that it says, and what is in it.
pub(crate) fn part<'b>(body: &'b [u8], content_type: &str, name: &str) -> Option<(Option<String>, &'b [u8])> {
    let boundary = content_type.split_once("boundary=")?.1.trim_matches('"');
    let delimiter = format!("--{boundary}");
    let mut rest = after(body, delimiter.as_bytes())?;
    loop {
        let content = after(rest, b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&rest[..rest.len() - content.len()]).into_owned();
        let end = position(content, format!("\r\n{delimiter}").as_bytes())?;
        if head.contains(&format!("name=\"{name}\"")) {
            let file = head.split_once("filename=\"").and_then(|(_, rest)| rest.split_once('"'));
            return Some((file.map(|(file, _)| file.to_owned()), &content[..end]));
        }
        rest = &content[end + 2 + delimiter.len()..];
    }
}

fn after<'b>(bytes: &'b [u8], what: &[u8]) -> Option<&'b [u8]> {
    position(bytes, what).map(|at| &bytes[at + what.len()..])
}

fn position(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_found_by_its_name() {
        let body = b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x\r\n\
            Content-Disposition: form-data; name=\"file\"; filename=\"f.bin\"\r\n\r\ntwo\r\n\r\n--x--\r\n";
        let found = part(body, "multipart/form-data; boundary=x", "file").unwrap();
        assert_eq!(found, (Some("f.bin".to_owned()), &b"two\r\n"[..]));
        assert_eq!(part(body, "multipart/form-data; boundary=x", "none"), None);
    }

    #[test]
    fn a_body_that_ends_too_early_is_none() {
        assert!(read(&mut &b"ab"[..], Some("3"), None).is_err());
        assert!(read(&mut &b"zz\r\n"[..], None, Some("chunked")).is_err());
    }
}
