//! Files of orders, in parts.

use crate::artifact::with_file;
use crate::common::{Device, Raw};

fn noise(length: usize) -> Vec<u8> {
    (0..length as u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

fn ranged(device: &Device, path: &str, ranges: &str) -> Raw {
    device.send("GET", path, &[("Range", ranges)], b"")
}

fn assert_refused(ranges: &str) {
    let (device, _, path) = with_file(&noise(1000));
    let answer = ranged(&device, &path, ranges);
    assert_eq!((answer.status, answer.header("Content-Range")), (416, Some("bytes */1000")), "{ranges}");
}

#[test]
fn one_range_is_206_with_what_it_holds() {
    let bytes = noise(1000);
    let (device, _, path) = with_file(&bytes);
    for (ranges, part, described) in [
        ("bytes=0-99", 0..100, "bytes 0-99/1000"),
        ("bytes=-100", 900..1000, "bytes 900-999/1000"),
        ("bytes=990-", 990..1000, "bytes 990-999/1000"),
        ("bytes=999-999", 999..1000, "bytes 999-999/1000"),
    ] {
        let answer = ranged(&device, &path, ranges);
        assert_eq!((answer.status, answer.header("Content-Range")), (206, Some(described)), "{ranges}");
        assert_eq!(answer.body, bytes[part], "{ranges}");
    }
}

#[test]
fn an_end_past_the_file_is_cut() {
    let bytes = noise(1000);
    let (device, _, path) = with_file(&bytes);
    let answer = ranged(&device, &path, "bytes=990-5000");
    assert_eq!((answer.status, answer.header("Content-Range")), (206, Some("bytes 990-999/1000")));
    assert_eq!(answer.body, bytes[990..]);
}

/// What stands before the part of so many bytes from `start`.
fn before(start: usize, end: usize, length: usize) -> String {
    format!(
        "--THIS_STRING_SEPARATES_MULTIPART\r\nContent-Type: application/octet-stream\r\n\
        Content-Range: bytes {start}-{}/{length}\r\n\r\n",
        end - 1
    )
}

fn expected(bytes: &[u8], ranges: &[(usize, usize)]) -> Vec<u8> {
    let mut body = vec![];
    for (number, (start, end)) in ranges.iter().enumerate() {
        body.extend_from_slice(if number == 0 { b"" } else { b"\r\n" });
        body.extend(before(*start, *end, bytes.len()).bytes());
        body.extend(&bytes[*start..*end]);
    }
    body.extend(b"\r\n--THIS_STRING_SEPARATES_MULTIPART--");
    body
}

#[test]
fn several_ranges_are_206_in_parts_with_a_boundary_that_never_changes_and_no_line_end_around_them() {
    let bytes = noise(1000);
    let (device, _, path) = with_file(&bytes);
    let answer = ranged(&device, &path, "bytes=0-9,100-109");
    assert_eq!(answer.status, 206);
    let kind = answer.header("Content-Type").unwrap();
    assert!(kind.starts_with("multipart/byteranges;"), "{kind}");
    assert!(kind.ends_with("boundary=THIS_STRING_SEPARATES_MULTIPART"), "{kind}");
    assert_eq!(answer.body, expected(&bytes, &[(0, 10), (100, 110)]));
}

#[test]
fn the_boundary_may_be_in_a_file_and_parts_are_told_by_their_lengths() {
    let bytes = [noise(50), b"\r\n--THIS_STRING_SEPARATES_MULTIPART--\r\n".to_vec(), noise(50)].concat();
    let (device, _, path) = with_file(&bytes);
    let answer = ranged(&device, &path, "bytes=0-99,110-119");
    assert_eq!(answer.body, expected(&bytes, &[(0, 100), (110, 120)]));
}

#[test]
fn a_long_answer_of_several_parts_is_chunked_and_a_short_one_has_a_length() {
    let bytes = noise(100_000);
    let (device, _, path) = with_file(&bytes);
    let long = ranged(&device, &path, "bytes=0-49999,60000-99999");
    assert_eq!((long.header("Transfer-Encoding"), long.header("Content-Length")), (Some("chunked"), None));
    assert_eq!(long.body, expected(&bytes, &[(0, 50_000), (60_000, 100_000)]));
    let short = ranged(&device, &path, "bytes=0-9,20-29");
    assert_eq!(short.header("Content-Length"), Some(short.body.len().to_string().as_str()));
}

#[test]
fn ranges_out_of_order_come_in_ascending_order() {
    let bytes = noise(1000);
    let (device, _, path) = with_file(&bytes);
    let answer = ranged(&device, &path, "bytes=900-909,0-9,500-509");
    assert_eq!(answer.body, expected(&bytes, &[(0, 10), (500, 510), (900, 910)]));
}

#[test]
fn ranges_that_overlap_are_416() {
    assert_refused("bytes=0-9,5-14");
}

#[test]
fn a_range_twice_is_416() {
    assert_refused("bytes=0-9,0-9");
}

#[test]
fn a_blank_after_a_comma_in_ranges_is_416() {
    assert_refused("bytes=0-9, 20-29");
}

#[test]
fn one_range_outside_of_the_file_has_all_of_them_refused_with_416() {
    assert_refused("bytes=0-9,1000-1009");
    assert_refused("bytes=1000-");
}

#[test]
fn a_range_that_ends_before_it_begins_is_416() {
    assert_refused("bytes=9-0");
}

#[test]
fn ranges_of_another_unit_are_416() {
    assert_refused("lines=0-9");
}

#[test]
fn more_of_the_end_than_there_is_is_416() {
    assert_refused("bytes=-1001");
    assert_refused("bytes=-0");
}

/// So many ranges of one byte each, of 16 characters in the header with their commas.
fn many(count: usize) -> String {
    let ranges: Vec<String> =
        (0..count).map(|at| format!("{}-{}", 1_000_000 + 2 * at, 1_000_000 + 2 * at)).collect();
    format!("bytes={}", ranges.join(","))
}

#[test]
fn four_hundred_ranges_are_206_and_five_hundred_are_400_with_a_page() {
    let (device, _, path) = with_file(&noise(1_100_000));
    let answer = ranged(&device, &path, &many(400));
    assert_eq!(answer.status, 206);
    let parts = answer.body.windows(14).filter(|window| window == b"Content-Range:").count();
    assert_eq!(parts, 400);
    let answer = ranged(&device, &path, &many(515));
    assert_eq!(answer.status, 400);
    assert!(answer.header("Content-Type").unwrap().starts_with("text/html"), "{}", answer.head);
    assert!(answer.text().starts_with("<!doctype html>"), "{}", answer.text());
}

#[test]
fn if_range_with_the_etag_has_the_range_sent() {
    let (device, _, path) = with_file(&noise(1000));
    let tag = device.get(&path).header("ETag").unwrap().to_owned();
    let headers = [("Range", "bytes=0-9"), ("If-Range", tag.as_str())];
    assert_eq!(device.send("GET", &path, &headers, b"").status, 206);
}

#[test]
fn if_range_with_another_or_a_weak_etag_or_the_served_date_has_the_whole_file_sent() {
    let bytes = noise(1000);
    let (device, _, path) = with_file(&bytes);
    let whole = device.get(&path);
    let weak = format!("W/{}", whole.header("ETag").unwrap());
    for condition in ["\"another\"", weak.as_str(), whole.header("Last-Modified").unwrap()] {
        let headers = [("Range", "bytes=0-9"), ("If-Range", condition)];
        let answer = device.send("GET", &path, &headers, b"");
        assert_eq!((answer.status, answer.body.len()), (200, 1000), "{condition}");
    }
}
