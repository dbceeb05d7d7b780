//! Seeds for deltas.

use crate::{with_options, write};
use drydock_delta::{Coding, Index};
use drydock_differ::{Made, Options, make};
use drydock_format::tree::BLOCK;

/// A delta from the targets' base to what became of it, in either coding.
pub(crate) fn delta_seeds() {
    let base = drydock_fuzz_targets::delta::base();
    let mut target = base.clone();
    target.rotate_left(5000);
    target.iter_mut().skip(300).step_by(777).for_each(|byte| *byte ^= 0x55);
    target.splice(9000..9000, (0..8192u32).map(|n| (n.wrapping_mul(n) >> 7) as u8));
    let blocks = (target.len() / BLOCK) as u8;
    for (name, coding, bit) in
        [("model", Coding::Model { table_bits: 12 }, 0), ("streams", Coding::Streams, 64)]
    {
        let Made { index, data } =
            make(&base, &target, Options { coding, unpack: true, threads: 1 }).unwrap();
        write("delta_index", name, &with_options((data.len() / 64) as u8, &index_of(&index, &data)));
        let parsed = Index::parse(&index, data.len() as u64).unwrap();
        let [section] = parsed.sections[..] else { panic!("one group is one section") };
        write("delta_plan", name, &with_options(blocks, &data[..section.control as usize]));
        let lengths = [section.control as u16, section.differences as u16].map(u16::to_le_bytes).concat();
        write("delta_section", name, &with_options(blocks | bit, &[&lengths[..], &data].concat()));
    }
}

/// The same index for data whose length is a multiple of 64, as the target counts.
fn index_of(index: &[u8], data: &[u8]) -> Vec<u8> {
    let mut index = Index::parse(index, data.len() as u64).unwrap();
    let odd = (data.len() % 64) as u32;
    index.sections[0].differences -= odd;
    index.to_bytes()
}
