//! Deltas: their index, the plans of their sections, and what is decoded with them.

use crate::options::options;
use drydock_delta::coder::Decoder;
use drydock_delta::{Chain, Coding, Index, Plan, Section, decode};
use drydock_format::tree::BLOCK;

/// The base that every delta here begins with.
const BASE: usize = 16 * BLOCK;

/// Where the sections of an index lie must make sense, whatever it says.
pub(crate) fn delta_index(data: &[u8]) -> bool {
    let (units, bytes) = options(data);
    let Ok(index) = Index::parse(bytes, u64::from(units) * 64) else { return false };
    assert_eq!(index.to_bytes(), bytes);
    for section in 0..index.sections.len() {
        let needed = index.needed(section);
        assert!(needed.iter().all(|range| range.end <= u64::from(units) * 64));
        assert!(needed.is_sorted_by(|a, b| a.end <= b.start));
        assert!(index.target(section).end <= index.target_size);
    }
    true
}

/// The first byte says how many blocks the target has.
pub(crate) fn delta_plan(data: &[u8]) -> bool {
    let (blocks, bytes) = options(data);
    let mut coder = Decoder::new(bytes);
    let wanted = Plan { target: 0..u64::from(blocks) * BLOCK as u64, ..Plan::default() };
    let Some(plan) = Plan::code(&mut coder, BASE as u64, &wanted) else { return false };
    let total: u64 = plan.runs.iter().map(|run| run.total()).sum();
    let packed = &plan.target_packed;
    let gained: u64 = packed.iter().map(|part| part.unpacked).sum();
    let lost: u64 = packed.iter().map(|part| part.len).sum();
    assert_eq!(total + lost, wanted.target.end + gained);
    let files = plan.files.clone();
    if let Some(chain) = Chain::new(vec![plan]) {
        files.iter().for_each(|file| drop(chain.map(file)));
    }
    true
}

/// The first byte says how many blocks the target has and how differences are coded; four more say how long the runs and
/// the differences are, which follow, and then the literals.
pub(crate) fn delta_section(data: &[u8]) -> bool {
    let (first, rest) = options(data);
    let Some((lengths, data)) = rest.split_first_chunk::<4>() else { return false };
    let [a, b, c, d] = *lengths;
    let (control, differences) = (u16::from_le_bytes([a, b]).into(), u16::from_le_bytes([c, d]).into());
    let Some(literals) = data.len().checked_sub(control as usize + differences as usize) else {
        return false;
    };
    let target_size = u64::from(first & 63) * BLOCK as u64;
    let index = Index {
        base_size: BASE as u64,
        target_size,
        coding: if first & 64 != 0 { Coding::Streams } else { Coding::Model { table_bits: 12 } },
        sections: vec![Section { groups: 1, joined: false, control, differences, literals: literals as u32 }],
    };
    let Ok(index) = Index::parse(&index.to_bytes(), data.len() as u64) else { return false };
    let mut given = 0;
    let mut sink = |bytes: &[u8]| {
        given += bytes.len() as u64;
        true
    };
    let base = base();
    let decoded = decode(&index, 0, &data, &base, &mut sink);
    assert!(given <= target_size, "{given} bytes of {target_size}");
    assert!(decoded.is_err() || given == target_size, "{given} bytes of {target_size}");
    matches!(decoded, Ok(None))
}

/// The base: words that count up, so that addresses may be found in it.
pub fn base() -> Vec<u8> {
    (0..BASE as u32 / 4)
        .flat_map(|word| (word.wrapping_mul(0x9e37_79b1) >> (word % 20)).to_le_bytes())
        .collect()
}
