//! Words for hawkBit's query language (RSQL), and for URLs.

use std::fmt::Write;

/// The longest query in bytes, as it stands in a URL. Tomcat refuses request heads of more than 8 KB.
pub(crate) const MAX_QUERY: usize = 5000;

/// Whether a value can be asked for exactly: hawkBit takes `*` for any characters, and a quote would end the value.
pub(crate) fn is_exact(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|b| (b == b' ' || b.is_ascii_graphic()) && !b"*\"'\\".contains(&b))
}

/// Returns `field=="value"`.
pub(crate) fn equals(field: &str, value: &str) -> String {
    format!("{field}=={}", quoted(value))
}

/// Returns one query that is true where all of these comparisons are.
pub(crate) fn all(comparisons: &[String]) -> String {
    comparisons.join(";")
}

/// Returns one query that is true where both of an operator's own query and of another one are.
pub(crate) fn within(own: Option<&str>, other: &str) -> String {
    match (own.filter(|own| !own.trim().is_empty()), other) {
        (Some(own), "") => own.into(),
        (Some(own), other) => format!("({own});{other}"),
        (None, other) => other.into(),
    }
}

/// Returns queries `field=in=("a","b")` that together ask for all values, each short enough for a URL.
pub(crate) fn any_of<'a>(field: &str, values: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut queries: Vec<String> = Vec::new();
    let mut open: Vec<String> = Vec::new();
    let mut len = 0;
    let close = |open: &mut Vec<String>| format!("{field}=in=({})", std::mem::take(open).join(","));
    for value in values {
        let word = quoted(value);
        let more = encode(&word).len() + 3;
        if len + more > MAX_QUERY && !open.is_empty() {
            queries.push(close(&mut open));
            len = 0;
        }
        len += more;
        open.push(word);
    }
    if !open.is_empty() {
        queries.push(close(&mut open));
    }
    queries
}

fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Percent-encodes all but what is unreserved (RFC 3986, 2.3): for one segment of a path, or one value of a query.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(byte.into()),
            // Writing into a string does not fail.
            _ => _ = write!(encoded, "%{byte:02X}"),
        }
    }
    encoded
}

/// Undoes percent-encoding. What is none stays as it is.
pub(crate) fn decode(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        match part.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend(part.bytes().skip(2));
            }
            None => {
                bytes.push(b'%');
                bytes.extend(part.bytes());
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_to_the_same() {
        for text in ["a b+c~1.0/x?&é", "%", "", "100%", "%2"] {
            assert_eq!(decode(&encode(text)), text);
        }
        assert_eq!(encode("1.0+a b"), "1.0%2Ba%20b");
        assert_eq!(decode("%zz%e4%"), "%zz\u{fffd}%");
    }

    #[test]
    fn long_lists_become_several_queries_that_have_every_value_once() {
        let names: Vec<String> = (0..1000).map(|number| format!("device-{number:030}")).collect();
        let queries = any_of("id", names.iter().map(String::as_str));
        assert!(queries.len() > 5 && queries.iter().all(|query| encode(query).len() < MAX_QUERY + 100));
        let found: Vec<&str> = queries.iter().flat_map(|query| query.split('"').skip(1).step_by(2)).collect();
        assert_eq!(found, names);
        assert!(any_of("id", std::iter::empty()).is_empty());
        assert_eq!(any_of("id", std::iter::once("x".repeat(9000).as_str())).len(), 1);
    }

    #[test]
    fn values_stay_values() {
        assert_eq!(equals("name", r#"a"b\"#), r#"name=="a\"b\\""#);
        assert_eq!(all(&[equals("a", "1"), equals("b", "2")]), r#"a=="1";b=="2""#);
        assert_eq!(within(Some("a==1 or b==2"), "c==3"), "(a==1 or b==2);c==3");
        assert_eq!((within(None, "c==3"), within(Some("a==1"), "")), ("c==3".into(), "a==1".into()));
        assert!(is_exact("1.4.0+a b") && !is_exact("1.*") && !is_exact("a\"") && !is_exact(""));
    }
}
