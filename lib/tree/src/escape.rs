//! Words that may hold any bytes, in a line whose words are separated by spaces.

/// Whether a byte stands for itself.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'%' | b'=')
}

/// Adds a word: every byte that is not plain becomes `%` and two hex digits.
pub(crate) fn escape(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    for &byte in bytes {
        match is_plain(byte) {
            true => out.push(byte),
            false => {
                out.extend([b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
            }
        }
    }
}

/// Returns what a word stands for. There is one way to write each: anything else is refused.
pub(crate) fn unescape(word: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(word.len());
    let mut rest = word;
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'%' {
            bytes.push(is_plain(first).then_some(first)?);
            continue;
        }
        let (digits, after) = rest.split_first_chunk::<2>()?;
        rest = after;
        let byte = hex(digits[0])? << 4 | hex(digits[1])?;
        bytes.push((!is_plain(byte)).then_some(byte)?);
    }
    Some(bytes)
}

pub(crate) fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_come_back_and_no_word_has_two_spellings(bytes: Vec<u8>, word: Vec<u8>) {
            let mut escaped = Vec::new();
            escape(&bytes, &mut escaped);
            prop_assert_eq!(unescape(&escaped), Some(bytes));
            if let Some(bytes) = unescape(&word) {
                let mut again = Vec::new();
                escape(&bytes, &mut again);
                prop_assert_eq!(again, word);
            }
        }
    }
}
