//! The other half of the arithmetic coder.

use drydock_delta::coder::{Bounds, Coder};

/// Writes bits.
pub(crate) struct Encoder {
    bounds: Bounds,
    bytes: Vec<u8>,
}

impl Encoder {
    pub(crate) fn new() -> Self {
        Self { bounds: Bounds::WHOLE, bytes: Vec::new() }
    }

    /// Returns what was written. Zeros at the end are left out, of the last four bytes: a decoder finds them anyway.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let Bounds { low, high } = self.bounds;
        // The value within the bounds that ends in the most zeros.
        let shortest = (0..=32).rev().map(|zeros| {
            let step = 1u64 << zeros;
            (u64::from(low).div_ceil(step) * step, u64::from(high))
        });
        let value =
            shortest.into_iter().find(|(value, high)| value <= high).map_or(low, |(value, _)| value as u32);
        let last = value.to_be_bytes();
        let len = last.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
        self.bytes.extend(&last[..len]);
        self.bytes
    }
}

impl Coder for Encoder {
    const KNOWS: bool = true;

    #[inline]
    fn code(&mut self, bit: bool, one: u32) -> bool {
        self.bounds.take(bit, self.bounds.middle(one));
        while let Some(byte) = self.bounds.settled() {
            self.bytes.push(byte);
        }
        bit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_delta::coder::{Decoder, Number};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_decoder_finds_what_an_encoder_was_told(
            bits in proptest::collection::vec((any::<bool>(), 1u32..65536), 0..2000),
            numbers in proptest::collection::vec(0u64..1 << 40, 0..50),
            signed in proptest::collection::vec(-(1i64 << 38)..1 << 38, 0..50),
        ) {
            let mut encoder = Encoder::new();
            let (mut number, mut other) = (Number::default(), Number::default());
            bits.iter().for_each(|&(bit, one)| { encoder.code(bit, one); });
            numbers.iter().for_each(|&value| { number.code(&mut encoder, value); });
            signed.iter().for_each(|&value| { other.code_signed(&mut encoder, value); });
            let bytes = encoder.finish();
            let mut decoder = Decoder::new(&bytes);
            let (mut number, mut other) = (Number::default(), Number::default());
            for (bit, one) in bits {
                prop_assert_eq!(decoder.code(false, one), bit);
            }
            for value in numbers {
                prop_assert_eq!(number.code(&mut decoder, 0), Some(value));
            }
            for value in signed {
                prop_assert_eq!(other.code_signed(&mut decoder, 0), Some(value));
            }
            prop_assert!(decoder.is_used_up());
        }
    }
}
