//! Differences as two streams: how many bytes are as predicted before each one that is not (LEB128), and by how much that one
//! differs.

use crate::model::Place;
use crate::walk::Differences;

/// Reads the two streams.
pub struct StreamReader<'a> {
    gaps: &'a [u8],
    differences: &'a [u8],
    /// How many bytes are as predicted from here on. Nothing: all of them.
    left: Option<u64>,
}

impl<'a> StreamReader<'a> {
    /// From the beginning of both.
    pub fn new(gaps: &'a [u8], differences: &'a [u8]) -> Self {
        let mut reader = Self { gaps, differences, left: None };
        reader.left = reader.next_gap();
        reader
    }

    /// Returns whether both were used up exactly.
    pub fn is_used_up(&self) -> bool {
        self.gaps.is_empty() && self.differences.is_empty() && self.left.is_none()
    }

    fn next_gap(&mut self) -> Option<u64> {
        let mut gap = 0;
        for shift in (0..42).step_by(7) {
            let (&byte, rest) = self.gaps.split_first()?;
            self.gaps = rest;
            gap |= u64::from(byte & 127) << shift;
            if byte < 128 {
                break;
            }
        }
        Some(gap)
    }
}

impl Differences for StreamReader<'_> {
    fn knows(&self) -> bool {
        false
    }

    fn whole(&mut self, len: usize, is_predicted: bool, _: bool) -> bool {
        let len = len as u64;
        match &mut self.left {
            // What is predicted must be made before it is known what comes behind it.
            _ if is_predicted => false,
            None => true,
            Some(left) if *left >= len => {
                *left -= len;
                true
            }
            Some(_) => false,
        }
    }

    fn piece(&mut self, _: &Place<'_>, predicted: &[u8], out: &mut [u8]) -> bool {
        out.copy_from_slice(predicted);
        let mut at = 0u64;
        let len = out.len() as u64;
        while let Some(left) = &mut self.left {
            if *left >= len - at {
                *left -= len - at;
                break;
            }
            at += *left;
            let Some((&difference, rest)) = self.differences.split_first() else { return false };
            self.differences = rest;
            if let Some(byte) = out.get_mut(at as usize) {
                *byte = byte.wrapping_add(difference);
            }
            at += 1;
            self.left = self.next_gap();
        }
        true
    }

    fn passed(&mut self, _: &[u8]) {}

    fn calm(&mut self, _: &[u8]) {}
}

/// Makes the two streams.
#[derive(Default)]
pub struct StreamWriter {
    /// How many bytes are as predicted before each one that is not.
    pub gaps: Vec<u8>,
    /// By how much those differ.
    pub differences: Vec<u8>,
    gap: u64,
}

impl Differences for StreamWriter {
    fn knows(&self) -> bool {
        true
    }

    fn whole(&mut self, len: usize, is_predicted: bool, is_same: bool) -> bool {
        let is_whole = is_same && !is_predicted;
        if is_whole {
            self.gap += len as u64;
        }
        is_whole
    }

    fn piece(&mut self, _: &Place<'_>, predicted: &[u8], out: &mut [u8]) -> bool {
        for (is, was) in out.iter().zip(predicted) {
            if is == was {
                self.gap += 1;
                continue;
            }
            let mut gap = std::mem::take(&mut self.gap);
            while gap >= 128 {
                self.gaps.push(gap as u8 | 128);
                gap >>= 7;
            }
            self.gaps.push(gap as u8);
            self.differences.push(is.wrapping_sub(*was));
        }
        true
    }

    fn passed(&mut self, _: &[u8]) {}

    fn calm(&mut self, _: &[u8]) {}
}
