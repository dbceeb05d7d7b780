//! Which parts of a file are asked for, as hawkBit reads it.

use std::ops::Range;

/// The parts that `Range` asks for, in the order in which they are sent: ascending. `None` where hawkBit answers 416: another unit,
/// a blank, a part outside of the file, one that ends before it begins, or two that overlap.
pub(super) fn parsed(header: &str, length: u64) -> Option<Vec<Range<u64>>> {
    let mut ranges = vec![];
    for part in header.strip_prefix("bytes=")?.split(',') {
        let (first, last) = part.split_once('-')?;
        if !part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') || last.contains('-') {
            return None;
        }
        let (start, end) = match (first, last) {
            ("", count) => (length.checked_sub(count.parse().ok()?)?, length),
            (first, "") => (first.parse().ok()?, length),
            (first, last) => {
                let end = last.parse::<u64>().ok()?.checked_add(1)?;
                (first.parse().ok()?, end.min(length))
            }
        };
        if start >= end {
            return None;
        }
        ranges.push(start..end);
    }
    ranges.sort_by_key(|range| range.start);
    let apart = ranges.windows(2).all(|pair| pair[0].end <= pair[1].start);
    apart.then_some(ranges)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_and_sorted() {
        for (header, range) in [
            ("bytes=0-99", 0..100),
            ("bytes=-100", 900..1000),
            ("bytes=990-2000", 990..1000),
            ("bytes=7-", 7..1000),
        ] {
            assert_eq!(parsed(header, 1000).as_deref(), Some(std::slice::from_ref(&range)), "{header}");
        }
        assert_eq!(parsed("bytes=500-,0-9,20-29", 1000), Some(vec![0..10, 20..30, 500..1000]));
        assert_eq!(parsed("bytes=0-9,10-19", 1000), Some(vec![0..10, 10..20]));
    }

    #[test]
    fn what_hawkbit_does_not_take_is_refused_as_a_whole() {
        for header in [
            "bytes=0-9, 20-29",
            "bytes=0-9,5-14",
            "bytes=0-9,0-9",
            "bytes=0-9,1000-1001",
            "bytes=9-0",
            "bytes=-0",
            "bytes=-1001",
            "bytes=-",
            "bytes=",
            "bytes=+1-2",
            "bytes=1-2-3",
            "items=0-9",
            "Bytes=0-9",
        ] {
            assert_eq!(parsed(header, 1000), None, "{header}");
        }
    }
}
