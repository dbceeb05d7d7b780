//! Which bytes of a file are meant: sorted, merged, and cut into requests that servers take.

use std::fmt::Write;
use std::ops::Range;

/// The most bytes of a `Range` header's value: servers and what stands before them refuse headers from 8 KiB on, all
/// lines together.
pub const MAX_HEADER: usize = 6000;

/// Bytes of a file: ranges in order, none of them empty, with a gap between any two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges(Vec<Range<u64>>);

impl Ranges {
    /// No bytes.
    pub fn new() -> Self {
        Self::default()
    }

    /// The ranges, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Range<u64>> + '_ {
        self.0.iter().cloned()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many ranges there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// How many bytes they are.
    pub fn bytes(&self) -> u64 {
        self.0.iter().map(|range| range.end - range.start).sum()
    }

    /// Where the last of them ends; 0 where there are none.
    pub fn end(&self) -> u64 {
        self.0.last().map_or(0, |range| range.end)
    }

    /// Adds a range.
    pub fn add(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        // Those that touch it, or overlap with it, become one with it.
        let from = self.0.partition_point(|other| other.end < range.start);
        let to = self.0.partition_point(|other| other.start <= range.end);
        let touched = self.0.get(from..to).unwrap_or_default();
        let start = touched.first().map_or(range.start, |first| first.start.min(range.start));
        let end = touched.last().map_or(range.end, |last| last.end.max(range.end));
        self.0.splice(from..to, std::iter::once(start..end));
    }

    /// Whether all of a range is among them.
    pub fn contain(&self, range: &Range<u64>) -> bool {
        let at = self.0.partition_point(|other| other.end < range.end);
        range.is_empty() || self.0.get(at).is_some_and(|other| other.start <= range.start)
    }

    /// Returns those bytes that are not among `others`.
    #[must_use]
    pub fn without(&self, others: &Self) -> Self {
        let mut left = Vec::new();
        let mut others = others.0.iter().peekable();
        for range in &self.0 {
            let mut start = range.start;
            while let Some(other) = others.peek() {
                if other.start >= range.end {
                    break;
                }
                if other.start > start {
                    left.push(start..other.start);
                }
                start = start.max(other.end);
                if other.end > range.end {
                    break;
                }
                others.next();
            }
            if start < range.end {
                left.push(start..range.end);
            }
        }
        Self(left)
    }

    /// Returns those bytes that come before `end`.
    #[must_use]
    pub fn before(&self, end: u64) -> Self {
        self.iter().map(|range| range.start..range.end.min(end)).collect()
    }

    /// Returns the ranges with the gaps of at most so many bytes between them taken in: a range costs a line of header and
    /// a part's head, which a small gap does not.
    #[must_use]
    pub fn bridging(&self, gap: u64) -> Self {
        let mut merged: Vec<Range<u64>> = Vec::new();
        for range in &self.0 {
            match merged.last_mut() {
                Some(last) if range.start - last.end <= gap => last.end = range.end,
                _ => merged.push(range.clone()),
            }
        }
        Self(merged)
    }

    /// Cuts them into requests, in order: each of at most `most` ranges (at least one) and `bytes` bytes, and with a header
    /// that [`MAX_HEADER`] holds.
    pub fn requests(&self, most: usize, bytes: u64) -> Vec<Self> {
        let (most, bytes) = (most.max(1), bytes.max(1));
        let mut requests = Vec::new();
        let (mut request, mut header, mut room) = (Vec::new(), "bytes=".len(), bytes);
        for mut range in self.0.iter().cloned() {
            while !range.is_empty() {
                let length = written(&range).len() + 1;
                if request.len() >= most || header + length > MAX_HEADER || room == 0 {
                    requests.push(Self(std::mem::take(&mut request)));
                    (header, room) = ("bytes=".len(), bytes);
                }
                let end = range.end.min(range.start.saturating_add(room));
                room -= end - range.start;
                header += length;
                request.push(range.start..end);
                range.start = end;
            }
        }
        if !request.is_empty() {
            requests.push(Self(request));
        }
        requests
    }

    /// The value of a `Range` header (RFC 9110, 14.2): `bytes=0-499,1000-1499`.
    pub fn header(&self) -> String {
        let mut text = String::from("bytes=");
        for (number, range) in self.0.iter().enumerate() {
            let comma = if number == 0 { "" } else { "," };
            // Writing to a string does not fail.
            let _ = write!(text, "{comma}{}", written(range));
        }
        text
    }
}

/// A range as HTTP has it: with its last byte, not its end.
fn written(range: &Range<u64>) -> String {
    format!("{}-{}", range.start, range.end.saturating_sub(1))
}

impl FromIterator<Range<u64>> for Ranges {
    fn from_iter<I: IntoIterator<Item = Range<u64>>>(ranges: I) -> Self {
        // They mostly come in order: putting each in its place takes less code on a device than sorting.
        let mut sorted: Vec<Range<u64>> = Vec::new();
        for range in ranges.into_iter().filter(|range| !range.is_empty()) {
            let place = sorted.partition_point(|before| before.start <= range.start);
            sorted.insert(place, range);
        }
        let mut merged: Vec<Range<u64>> = Vec::new();
        for range in sorted {
            match merged.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        Self(merged)
    }
}

impl Extend<Range<u64>> for Ranges {
    fn extend<I: IntoIterator<Item = Range<u64>>>(&mut self, ranges: I) {
        *self = std::mem::take(&mut self.0).into_iter().chain(ranges).collect();
    }
}
