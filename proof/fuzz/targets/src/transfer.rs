//! What a server says before anything vouches for it.

use drydock_transfer::{
    Address, Asked, Body, Boundary, Etag, Head, Multipart, Ranges, RetryAfter, Shape, http_date,
};

/// The file that the answers are about has so many bytes.
const LENGTH: u64 = 100_000;

fn asked() -> Asked {
    let ranges: Ranges = [0..1000, 2000..3000, 50_000..60_000].into_iter().collect();
    Asked { ranges, etag: Etag::strong("\"1\""), length: Some(LENGTH) }
}

/// A status and header lines, one line each, and after an empty line the body.
pub(crate) fn http_head(data: &[u8]) -> bool {
    let end = data.windows(2).position(|two| two == b"\n\n").unwrap_or(data.len());
    let (lines, body) = data.split_at(end);
    let body = body.get(2..).unwrap_or_default();
    let text = String::from_utf8_lossy(lines);
    let mut lines = text.lines();
    let Some(status) = lines.next().and_then(|line| line.trim().parse().ok()) else { return false };
    let mut head = Head::new(status);
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        head.note(name, value);
        let _ = (RetryAfter::parse(value), http_date(value));
    }
    if let Some(location) = head.redirects()
        && let Ok(base) = Address::parse("https://a.example/b/c")
    {
        let joined = base.join(location);
        // What is an address is written as one that is read as the same.
        joined
            .iter()
            .for_each(|address| assert_eq!(Address::parse(&address.to_string()).as_ref(), Ok(address)));
        return joined.is_ok();
    }
    let mut asked = asked();
    if status == 200 {
        // Where several ranges are asked for, the whole file is never taken.
        asked.ranges = asked.ranges.before(1000);
    }
    let Ok(judged) = head.judge(&asked) else { return false };
    let Ok(mut reader) = Body::new(&judged, &asked) else { return false };
    let mut input = body;
    let mut came = 0;
    while let Ok(Some(piece)) = reader.next(&mut input) {
        assert!(!piece.bytes.is_empty());
        assert!(reader.length().is_none_or(|length| piece.range().end <= length));
        came += piece.bytes.len() as u64;
    }
    assert!(judged.shape == Shape::Whole || came <= asked.ranges.bytes() + (1 << 20));
    true
}

/// A byte that says how the rest is cut, and a body of several parts.
pub(crate) fn multipart(data: &[u8]) -> bool {
    let Some((step, body)) = data.split_first() else { return false };
    let Some(boundary) = Boundary::of("multipart/byteranges; boundary=b") else { return false };
    let asked = asked().ranges;
    let read = |step: usize| {
        let mut parts = Multipart::new(&boundary, asked.bytes(), Some(LENGTH));
        let mut came = Vec::new();
        for mut input in body.chunks(step) {
            loop {
                match parts.next(&mut input, &asked) {
                    Ok(Some((offset, bytes))) => {
                        came.extend((offset..).zip(bytes.iter().copied()));
                        assert!(offset + bytes.len() as u64 <= LENGTH);
                    }
                    Ok(None) => break,
                    Err(_) => return (came, false),
                }
            }
        }
        assert!(came.len() as u64 <= asked.bytes());
        (came, true)
    };
    // However the bytes are cut, the same comes of them, as far as they are good.
    let (whole, all) = read(body.len().max(1));
    let (pieces, each) = read(usize::from(*step).max(1));
    assert_eq!(all, each);
    assert!(whole == pieces || !all);
    all && !whole.is_empty()
}
