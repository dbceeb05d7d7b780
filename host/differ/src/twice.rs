//! Matching twice: once as the bytes are, and once more with every address as it is in the target.

use crate::elf::spaces;
use crate::error::Error;
use crate::fill::fill;
use crate::matches::{Match, matches};
use crate::soften::soften;
use drydock_delta::address::{Field, Moved, View};
use drydock_delta::run::{Map, Run};
use drydock_delta::spaces::{Executable, Machine, Space};

/// What was found out about two files.
#[derive(Default)]
pub(crate) struct Compared {
    /// Their matches.
    pub(crate) matches: Vec<Match>,
    /// Their address spaces, by their places in the files.
    pub(crate) spaces: Option<(Machine, Vec<Space>)>,
}

/// Compares two files. Their sizes without padding are for reading them as executables.
pub(crate) fn compare(old: &[u8], new: &[u8], old_size: usize, new_size: usize) -> Result<Compared, Error> {
    let first = matches(old, new)?;
    let inside = |bytes: &[u8], size: usize| size.min(bytes.len());
    let spaces = spaces(&old[..inside(old, old_size)], &new[..inside(new, new_size)]);
    let Some((machine, spaces)) = spaces else {
        return Ok(Compared { matches: fill(old, new, &first), spaces: None });
    };
    let file = Executable { target: 0..new.len() as u64, machine, spaces };
    let (old, new) = as_in_the_target(old, new, &file, &first);
    let second = matches(&old, &new)?;
    Ok(Compared { matches: fill(&old, &new, &second), spaces: Some((machine, file.spaces)) })
}

/// Returns both files with every address field as an absolute address of the target, and without what renumbering changes.
fn as_in_the_target(old: &[u8], new: &[u8], file: &Executable, found: &[Match]) -> (Vec<u8>, Vec<u8>) {
    let runs = found.iter().map(|found| {
        let run = Run { literals: 0, len: found.len as u32, base: found.old as u64 };
        (found.new as u64, run)
    });
    let map = Map::new(runs, file.base());
    let moved = Moved::new(file, map);
    let (mut old, mut new) = (old.to_vec(), new.to_vec());
    soften(&mut old, &|offset| moved.address(offset, None));
    soften(&mut new, &Some);
    if file.has_fields() {
        View::base(file).scan(&mut old, 0, &mut |bytes: &mut [u8], at: usize, field: Field, address: i64| {
            absolute(bytes, at, field, moved.address(address, None).unwrap_or(address));
        });
        View::target(file).scan(
            &mut new,
            0,
            &mut |bytes: &mut [u8], at: usize, field: Field, address: i64| {
                absolute(bytes, at, field, address);
            },
        );
    }
    (old, new)
}

fn absolute(bytes: &mut [u8], at: usize, field: Field, address: i64) {
    let field = if let Field::Relative { .. } = field { Field::Absolute4 } else { field };
    field.write(bytes, at, 0, address);
}
