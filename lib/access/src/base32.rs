//! Characters that people and serial lines get right, or wrong such that it is seen.
//!
//! The 32 characters are those of Crockford's base 32: digits and letters without I, L, O and U, in either case; `I` and `L`
//! are read as 1, `O` as 0. A group is four of them and a fifth that checks them: in GF(32), each character is weighed with
//! another power of a primitive element, and the group's number is added. So one wrong character in a group is always
//! found, two that are swapped are always found, and so is a group that stands in another one's place.

/// The characters, by what they stand for.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// How many characters of a group stand for something.
pub(crate) const DATA: usize = 4;
/// How many characters a group has.
pub(crate) const GROUP: usize = DATA + 1;

/// Returns the character for the lowest five bits.
pub(crate) fn symbol(value: u8) -> char {
    char::from(ALPHABET[usize::from(value & 31)])
}

/// Returns what a character stands for. `None`: it is none of them.
pub(crate) fn value(symbol: char) -> Option<u8> {
    let symbol = match symbol.to_ascii_uppercase() {
        'I' | 'L' => '1',
        'O' => '0',
        other => other,
    };
    ALPHABET.iter().position(|known| char::from(*known) == symbol).map(|at| at as u8)
}

/// Returns what the fifth character of the group with this number, from 0, stands for.
pub(crate) fn check(group: usize, data: &[u8; DATA]) -> u8 {
    // Horner's scheme: the first character is weighed with the highest power, the check by the lowest, which is 1.
    let sum = data.iter().fold(0, |sum, value| times_x(sum) ^ value);
    times_x(sum) ^ (group as u8 & 31)
}

/// Multiplies with x in GF(2)[x] / (x^5 + x^2 + 1), where x is primitive.
fn times_x(value: u8) -> u8 {
    let shifted = value << 1;
    if shifted & 32 == 0 { shifted } else { shifted ^ 0b10_0101 }
}

/// Returns five bits of `bytes`, from bit `at` on, the highest bit of the first byte being the first; what lies behind the
/// end is 0.
pub(crate) fn five_bits(bytes: &[u8], at: usize) -> u8 {
    let byte = |index: usize| u16::from(bytes.get(index).copied().unwrap_or_default());
    let both = byte(at / 8) << 8 | byte(at / 8 + 1);
    (both >> (11 - at % 8) & 31) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(number: usize, data: [u8; DATA]) -> [u8; GROUP] {
        let [a, b, c, d] = data;
        [a, b, c, d, check(number, &data)]
    }

    fn holds(number: usize, group: [u8; GROUP]) -> bool {
        let [a, b, c, d, _] = group;
        whole(number, [a, b, c, d]) == group
    }

    #[test]
    fn every_wrong_or_swapped_character_and_every_misplaced_group_is_found() {
        for data in [[0; DATA], [31; DATA], [1, 2, 3, 4], [30, 0, 17, 9], [5, 5, 5, 6]] {
            for number in 0..27 {
                let right = whole(number, data);
                assert!(holds(number, right));
                assert!((0..27).all(|other| holds(other, right) == (other == number)));
                for at in 0..GROUP {
                    for wrong in (0..32).filter(|wrong| *wrong != right[at]) {
                        let mut group = right;
                        group[at] = wrong;
                        assert!(!holds(number, group), "{right:?} {group:?}");
                    }
                    for other in (0..at).filter(|other| right[*other] != right[at]) {
                        let mut group = right;
                        group.swap(at, other);
                        assert!(!holds(number, group), "{right:?} {group:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn characters_are_read_in_either_case_and_as_people_write_them() {
        for number in 0..32 {
            let symbol = symbol(number);
            assert_eq!((value(symbol), value(symbol.to_ascii_lowercase())), (Some(number), Some(number)));
        }
        assert_eq!(['i', 'L', 'o', 'u', 'ß'].map(value), [Some(1), Some(1), Some(0), None, None]);
        assert_eq!([0, 4, 7, 11].map(|at| five_bits(&[0x0f, 0x80], at)), [1, 31, 24, 0]);
    }
}
