//! How long a file is, packed and unpacked, by its tokens alone.

use super::{BLOCK, LONG, MAGIC, MIN_MATCH};

/// Where the blocks of a file end that begins with `bytes`, and how many bytes they unpack to; `None` if they are
/// damaged as far as that can be seen from their tokens. A block that is not whole ends the file before it.
pub(crate) fn unpacked_length(bytes: &[u8]) -> Option<(usize, u64)> {
    let mut rest = bytes.strip_prefix(&MAGIC)?;
    let mut unpacked = 0;
    let mut last = BLOCK;
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let Some((block, after)) = after.split_at_checked(u32::from_le_bytes(*length) as usize) else {
            break;
        };
        if last != BLOCK {
            return None;
        }
        last = block_length(block)?;
        unpacked += last as u64;
        rest = after;
    }
    Some((bytes.len() - rest.len(), unpacked))
}

fn block_length(block: &[u8]) -> Option<usize> {
    let mut bytes = block.iter();
    let mut sum = 0;
    loop {
        let token = usize::from(*bytes.next()?);
        let literals = long(&mut bytes, token >> 4)?;
        sum += literals;
        if literals != 0 {
            bytes.nth(literals - 1)?;
        }
        if sum > BLOCK {
            return None;
        }
        if bytes.len() == 0 {
            return Some(sum);
        }
        bytes.nth(1)?;
        sum += long(&mut bytes, token & 15)? + MIN_MATCH;
    }
}

fn long<'a>(bytes: &mut impl Iterator<Item = &'a u8>, short: usize) -> Option<usize> {
    let mut length = short;
    let mut more = short == LONG;
    while more {
        let byte = *bytes.next()?;
        length += usize::from(byte);
        more = byte == 255;
    }
    Some(length)
}
