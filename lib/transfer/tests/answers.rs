//! What answers mean, and what is made of those that lie.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::single_range_in_vec_init, reason = "one range is meant")]

use drydock_transfer::{
    Asked, Body, ContentRange, Etag, Head, MAX_PART_HEADERS, Ranges, RetryAfter, Shape, Trouble,
};
use proptest::prelude::*;
use std::ops::Range;

const LENGTH: u64 = 1000;

fn file() -> Vec<u8> {
    (0..LENGTH).map(|byte| (byte * 7 % 251) as u8).collect()
}

fn asked(ranges: &[Range<u64>]) -> Asked {
    Asked { ranges: ranges.iter().cloned().collect(), etag: Etag::strong("\"one\""), length: Some(LENGTH) }
}

fn head(status: u16, lines: &[(&str, &str)]) -> Head {
    let mut head = Head::new(status);
    lines.iter().for_each(|(name, value)| head.note(name, value));
    head
}

/// A multipart as servers make it.
fn parts(ranges: &[Range<u64>], boundary: &str) -> Vec<u8> {
    let file = file();
    let mut body = Vec::new();
    for range in ranges {
        let (first, last) = (range.start, range.end - 1);
        body.extend_from_slice(
            format!("\r\n--{boundary}\r\nContent-Type: application/x-tar\r\nContent-Range: bytes {first}-{last}/{LENGTH}\r\n\r\n")
                .as_bytes(),
        );
        body.extend_from_slice(&file[range.start as usize..range.end as usize]);
    }
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    body
}

/// What comes of an answer that arrives in pieces of so many bytes.
fn read(head: &Head, asked: &Asked, body: &[u8], step: usize) -> Result<Vec<Option<u8>>, Trouble> {
    let mut body_of = Body::new(&head.judge(asked)?, asked)?;
    let mut out = vec![None; LENGTH as usize];
    for mut chunk in body.chunks(step.max(1)) {
        while let Some(piece) = body_of.next(&mut chunk)? {
            for (byte, at) in piece.bytes.iter().zip(piece.range()) {
                out[at as usize] = Some(*byte);
            }
        }
    }
    body_of.finish().map(|()| out)
}

fn right(out: &[Option<u8>], ranges: &[Range<u64>]) -> bool {
    let file = file();
    ranges.iter().cloned().flatten().all(|at| out[at as usize] == Some(file[at as usize]))
        && out.iter().zip(&file).all(|(got, byte)| got.is_none_or(|got| got == *byte))
}

proptest! {
    #[test]
    fn parts_are_read_however_they_are_cut(
        starts in prop::collection::vec((0u64..950, 1u64..50), 1..8), step in 1usize..80
    ) {
        let ranges: Ranges = starts.into_iter().map(|(start, len)| start..start + len).collect();
        let ranges: Vec<_> = ranges.iter().collect();
        let head = head(206, &[("Content-Type", "multipart/byteranges; boundary=00a-b")]);
        let out = read(&head, &asked(&ranges), &parts(&ranges, "00a-b"), step).unwrap();
        prop_assert!(right(&out, &ranges));
    }

    #[test]
    fn bytes_of_any_kind_never_bring_more_than_was_asked_for(body in prop::collection::vec(any::<u8>(), 0..2000), step in 1usize..100) {
        let head = head(206, &[("Content-Type", "multipart/byteranges; boundary=x")]);
        // That it returns is the promise.
        let _ = read(&head, &asked(&[0..10, 20..30]), &body, step);
    }
}

#[test]
fn one_range_and_a_whole_file_are_read() {
    let file = file();
    let partial =
        head(206, &[("content-range", "bytes 10-19/1000"), ("content-length", "10"), ("etag", "\"one\"")]);
    assert!(right(&read(&partial, &asked(&[10..20]), &file[10..20], 3).unwrap(), &[10..20]));
    let whole = head(200, &[("Content-Length", "1000")]);
    assert!(right(&read(&whole, &asked(&[10..20]), &file, 7).unwrap(), &[10..20]));
    // A range that is longer than the file is answered with what there is.
    let short = head(206, &[("content-range", "bytes 990-999/1000")]);
    assert!(right(&read(&short, &asked(&[990..1200]), &file[990..], 7).unwrap(), &[990..1000]));
}

#[test]
fn another_file_is_noticed_by_tag_length_or_status() {
    let exchanged =
        |head: &Head, ranges: &[Range<u64>]| matches!(head.judge(&asked(ranges)), Err(Trouble::Exchanged(_)));
    assert!(exchanged(&head(200, &[("ETag", "\"two\""), ("Content-Length", "1000")]), &[0..10]));
    assert!(exchanged(&head(206, &[("ETag", "\"two\""), ("Content-Range", "bytes 0-9/1000")]), &[0..10]));
    assert!(exchanged(&head(206, &[("Content-Range", "bytes 0-9/1001")]), &[0..10]));
    assert!(exchanged(&head(200, &[("Content-Length", "1001")]), &[0..10]));
    assert!(exchanged(&head(412, &[]), &[0..10]) && exchanged(&head(416, &[]), &[0..10]));
    let multipart = head(206, &[("Content-Type", "multipart/byteranges; boundary=x")]);
    let body = parts(&[0..10, 20..30], "x");
    let body = String::from_utf8_lossy(&body).replace("20-29/1000", "20-29/999").into_bytes();
    assert!(matches!(read(&multipart, &asked(&[0..10, 20..30]), &body, 9), Err(Trouble::Exchanged(_))));
}

#[test]
fn lies_are_told_from_a_broken_connection() {
    let multipart = head(206, &[("Content-Type", "multipart/byteranges; boundary=x")]);
    let wanted = asked(&[0..10, 20..30]);
    let good = parts(&[0..10, 20..30], "x");
    let malformed = |head: &Head, wanted: &Asked, body: &[u8]| match read(head, wanted, body, 11) {
        Err(Trouble::Malformed(_)) => true,
        other => panic!("{other:?}"),
    };
    // Another boundary than was said.
    assert!(matches!(read(&multipart, &wanted, &parts(&[0..10, 20..30], "y"), 5), Err(Trouble::Broken(_))));
    // A range that nobody asked for, and more bytes than were asked for.
    assert!(malformed(&multipart, &wanted, &parts(&[0..10, 500..600], "x")));
    assert!(malformed(&multipart, &wanted, &parts(&[0..10], "x")));
    // A part without a range.
    let nameless = String::from_utf8_lossy(&good).replace("Content-Range", "X-Range").into_bytes();
    assert!(malformed(&multipart, &wanted, &nameless));
    // A part that is longer, or shorter, than it says.
    let mut longer = good.clone();
    let at = longer.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    longer.insert(at, b'!');
    assert!(malformed(&multipart, &wanted, &longer));
    let mut shorter = good.clone();
    shorter.remove(at);
    assert!(malformed(&multipart, &wanted, &shorter));
    // A head without an end.
    let endless = [b"--x\r\n".to_vec(), vec![b'a'; MAX_PART_HEADERS + 1]].concat();
    assert!(malformed(&multipart, &wanted, &endless));
    // Cut short anywhere before the last byte that was asked for.
    let last = good.len() - "\r\n--x--\r\n".len();
    for len in 0..last {
        assert!(matches!(read(&multipart, &wanted, &good[..len], 1000), Err(Trouble::Broken(_))), "{len}");
    }
    assert!(read(&multipart, &wanted, &good[..last], 1000).is_ok());

    let single = |lines: &[(&str, &str)]| head(206, lines).judge(&asked(&[10..20])).unwrap_err();
    for lines in [
        &[("Content-Range", "bytes 0-9/1000")][..],
        &[("Content-Range", "bytes 19-10/1000")],
        &[("Content-Range", "bytes 10-19/15")],
        &[("Content-Range", "bytes 10-19/1000"), ("Content-Length", "9")],
        &[("Content-Range", "bytes 10-19/1000"), ("Content-Encoding", "gzip")],
        &[("Content-Type", "multipart/byteranges")],
        &[],
    ] {
        assert!(matches!(single(lines), Trouble::Malformed(_)), "{lines:?}");
    }
    let more = head(206, &[("Content-Range", "bytes 10-19/1000")]);
    assert!(malformed(&more, &asked(&[10..20]), &[0; 11]));
    let fewer = head(206, &[("Content-Range", "bytes 10-14/1000")]);
    assert!(malformed(&fewer, &asked(&[10..20]), &[0; 5]));
}

#[test]
fn a_web_page_is_not_taken_for_the_file() {
    let portal = head(200, &[("Content-Type", "text/HTML; charset=utf-8"), ("Content-Length", "1000")]);
    assert!(matches!(portal.judge(&asked(&[0..10])), Err(Trouble::NotTheFile(_))));
    let plain = head(200, &[("Content-Length", "1000")]);
    assert_eq!(plain.judge(&asked(&[0..10])).unwrap().shape, Shape::Whole);
    assert_eq!(plain.judge(&asked(&[0..10, 20..30])), Err(Trouble::NoMultipart));
    assert!(matches!(head(200, &[]).judge(&asked(&[0..10])), Err(Trouble::Malformed(_))));
}

#[test]
fn values_are_read_to_the_letter() {
    assert_eq!(RetryAfter::parse(" 120 "), Some(RetryAfter::Seconds(120)));
    assert!(matches!(RetryAfter::parse("Sun, 06 Nov 1994 08:49:37 GMT"), Some(RetryAfter::At(_))));
    assert!(["-1", "1.5", "soon", ""].iter().all(|wrong| RetryAfter::parse(wrong).is_none()));
    assert!(
        Etag::strong("W/\"a\"").is_none()
            && Etag::strong("a").is_none()
            && Etag::strong("\"a\"b\"").is_none()
    );
    for wrong in [
        "bytes 0-9",
        "bytes */10",
        "bytes 0-/10",
        "items 0-9/10",
        "bytes +0-9/10",
        "bytes 0-18446744073709551615/*",
    ] {
        assert_eq!(ContentRange::parse(wrong), None, "{wrong}");
    }
    let unknown = ContentRange::parse("bytes 5-9/*").unwrap();
    assert_eq!((unknown.range, unknown.total), (5..10, None));
}
