//! What deflate calls lengths, distances and their codes: RFC 1951, 3.2.5 and 3.2.7.

/// The symbol that ends a block.
pub(crate) const END_OF_BLOCK: usize = 256;
/// Literals, the end of a block, and 29 lengths.
pub(crate) const LITERALS: usize = 286;
/// Codes of distances.
pub(crate) const DISTANCES: usize = 30;
/// Codes of the lengths of codes.
pub(crate) const LENGTHS: usize = 19;
/// The longest code of a literal or distance, in bits.
pub(crate) const LONGEST: usize = 15;
/// The longest code of a code's length, in bits.
pub(crate) const LONGEST_LENGTH: usize = 7;
/// The shortest match.
pub(crate) const MIN_MATCH: usize = 3;
/// The longest match.
pub(crate) const MAX_MATCH: usize = 258;

/// The order in which a block's header says the lengths of the codes of lengths.
pub(crate) const ORDER: [usize; LENGTHS] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/// Bits that follow the codes of lengths.
pub(crate) const LENGTH_EXTRA: [u8; LENGTHS] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 3, 7];

/// The symbol for a match of `over` bytes more than [`MIN_MATCH`].
pub(crate) fn length_symbol(over: u8) -> usize {
    let code = match over {
        255 => 28,
        0..8 => usize::from(over),
        _ => {
            let top = over.ilog2() as usize;
            4 * (top - 1) + (usize::from(over) >> (top - 2) & 3)
        }
    };
    END_OF_BLOCK + 1 + code
}

/// How many bits follow a symbol; none after literals and the end.
pub(crate) fn literal_extra(symbol: usize) -> u8 {
    match symbol.saturating_sub(END_OF_BLOCK + 1) {
        0..8 | 28.. => 0,
        code => (code / 4 - 1) as u8,
    }
}

/// The shortest match that a symbol stands for; 0 if it stands for none.
pub(crate) fn length_base(symbol: usize) -> usize {
    match symbol.checked_sub(END_OF_BLOCK + 1) {
        Some(28) => MAX_MATCH,
        Some(code @ 0..8) => MIN_MATCH + code,
        Some(code @ 8..28) => MIN_MATCH + ((4 + (code & 3)) << (code / 4 - 1)),
        _ => 0,
    }
}

/// The code for a distance of `over` bytes more than one.
pub(crate) fn distance_code(over: u16) -> usize {
    match over {
        0..4 => usize::from(over),
        _ => {
            let top = over.ilog2() as usize;
            2 * top + (usize::from(over) >> (top - 1) & 1)
        }
    }
}

/// How many bits follow the code of a distance.
pub(crate) fn distance_extra(code: usize) -> u8 {
    (code / 2).saturating_sub(1) as u8
}

/// The shortest distance that a code stands for.
pub(crate) fn distance_base(code: usize) -> usize {
    if code < 4 { 1 + code } else { 1 + ((2 + (code & 1)) << (code / 2 - 1)) }
}

/// The lengths of the codes of a block without a header of its own, of all 288 symbols.
pub(crate) fn fixed_literal_length(symbol: usize) -> u8 {
    match symbol {
        0..144 => 8,
        144..256 => 9,
        256..280 => 7,
        _ => 8,
    }
}

/// The length of every distance's code in such a block.
pub(crate) const FIXED_DISTANCE_LENGTH: u8 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_and_distance_has_the_code_whose_range_it_lies_in() {
        for over in 0..=255u8 {
            let symbol = length_symbol(over);
            let base = length_base(symbol);
            let length = MIN_MATCH + usize::from(over);
            assert!((base..base + (1 << literal_extra(symbol))).contains(&length), "{length}: {symbol}");
        }
        for over in 0..32768u16 {
            let code = distance_code(over);
            let base = distance_base(code);
            let distance = 1 + usize::from(over);
            assert!((base..base + (1 << distance_extra(code))).contains(&distance), "{distance}: {code}");
        }
        assert_eq!((length_symbol(255), literal_extra(285), length_base(284)), (285, 0, 227));
        assert_eq!((distance_code(32767), distance_base(29), distance_extra(29)), (29, 24577, 13));
    }
}
