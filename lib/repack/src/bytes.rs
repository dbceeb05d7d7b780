//! Bytes compared eight at a time.

/// How many bytes are the same at the beginning.
pub(crate) fn common(a: &[u8], b: &[u8]) -> usize {
    let mut same = 0;
    for (a, b) in a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0) {
        let differ = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
        if differ != 0 {
            return same + differ.trailing_zeros() as usize / 8;
        }
        same += 8;
    }
    same + a[same..].iter().zip(&b[same..]).take_while(|(a, b)| a == b).count()
}

/// How often `byte` is repeated at the beginning.
pub(crate) fn run(bytes: &[u8], byte: u8) -> usize {
    let eight = [byte; 8];
    let whole = 8 * bytes.as_chunks::<8>().0.iter().take_while(|chunk| **chunk == eight).count();
    whole + bytes[whole..].iter().take_while(|&&other| other == byte).count()
}

/// The four bytes at `at`, which must be there; 0 where they are not.
pub(crate) fn read_u32(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::{common, read_u32, run};

    #[test]
    fn what_is_equal_is_counted_to_the_byte() {
        let a: Vec<u8> = (0..40).collect();
        for length in 0..40 {
            for differs in 0..length {
                let mut b = a.clone();
                b[differs] ^= 0x80;
                assert_eq!(common(&a[..length], &b), differs);
            }
            assert_eq!(common(&a[..length], &a), length);
            assert_eq!(common(&a, &a[..length]), length);
        }
    }

    #[test]
    fn a_run_ends_at_the_first_other_byte() {
        for length in 0..40 {
            let mut bytes = vec![7; length];
            assert_eq!(run(&bytes, 7), length);
            bytes.extend([8, 7]);
            assert_eq!(run(&bytes, 7), length);
        }
    }

    #[test]
    fn four_bytes_are_little_endian() {
        assert_eq!(read_u32(&[9, 1, 2, 3, 4], 1), 0x0403_0201);
        assert_eq!(read_u32(&[9, 1, 2, 3], 1), 0);
    }
}
