//! What a device has unpacked is bounded, and unpacking takes time: short runs that would make it unpack another piece of a
//! kernel are told as literals.

use crate::stretch::Stretch;
use drydock_delta::base::STEP;
use drydock_delta::packed::UNPACKED;

/// A run of this many bytes is worth unpacking a piece for.
const WORTH: usize = 64;

/// So many pieces are taken to be at hand. A device keeps some more, and so has less to do than is reckoned with here.
const ROOM: usize = 5;

/// Goes through the stretches as a device does, and makes literals of those that are not worth what they take.
pub(crate) fn keep_near(stretches: &mut [Stretch]) {
    let mut kept: Vec<u64> = Vec::with_capacity(ROOM);
    for stretch in stretches {
        let Some(base) = stretch.base.map(|base| base as u64).filter(|base| *base >= UNPACKED) else {
            continue;
        };
        let first = base / STEP;
        if stretch.len < WORTH && !kept.contains(&first) {
            stretch.base = None;
            continue;
        }
        for piece in first..=(base + stretch.len as u64 - 1) / STEP {
            kept.retain(|known| *known != piece);
            kept.insert(0, piece);
            kept.truncate(ROOM);
        }
    }
}
