//! Making a delta, from the two images to its bytes.

use crate::assemble::Whole;
use crate::content::{self, Chunks};
use crate::cut::{Cut, cut};
use crate::encode::{Coded, encode};
use crate::error::Error;
use crate::image::Image;
use crate::matches::Match;
use crate::pairs::pairs;
use crate::parts::parts;
use crate::together::together;
use crate::twice::{Compared, compare};
use crate::unpack::{Pair, unpack};
use drydock_delta::{Chain, Coding, Index, Plan, Section, decode};

/// How a delta is made.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How differences are coded.
    pub coding: Coding,
    /// Whether what gzip and LZ4 have packed is compared unpacked.
    pub unpack: bool,
    /// How many threads work.
    pub threads: usize,
}

/// A delta.
#[derive(Clone, Debug)]
pub struct Made {
    /// The index.
    pub index: Vec<u8>,
    /// The data that it describes.
    pub data: Vec<u8>,
}

/// Files of more bytes are compared by content first.
const LARGE: usize = 192 << 20;

/// Makes the delta from `base` to `target`, and decodes it once to see that it leads there.
///
/// Needs memory for a suffix array of each thread's file, beside the images: 4 bytes for each of its bytes.
pub fn make(base: &[u8], target: &[u8], options: Options) -> Result<Made, Error> {
    let (mut old, mut new) = (Image::new(base), Image::new(target));
    let whole = whole(&mut old, &mut new, options)?;
    let cuts = cut(&old, &new, &whole);
    drop(whole);
    let coded = coded(&old, &new, &cuts, options)?;
    drop((old, new));
    let sections = coded.iter().zip(&cuts).map(|(coded, cut)| section(coded, cut)).collect();
    let index = Index {
        base_size: base.len() as u64,
        target_size: target.len() as u64,
        coding: options.coding,
        sections,
    };
    let parts = coded
        .into_iter()
        .flat_map(|Coded { control, differences, literals }| [control, differences, literals]);
    let data = parts.collect::<Vec<_>>().concat();
    prove(&index, &data, base, target, options.threads)?;
    Ok(Made { index: index.to_bytes(), data })
}

/// Compares the images, part by part.
fn whole(base: &mut Image<'_>, target: &mut Image<'_>, options: Options) -> Result<Whole, Error> {
    let (old_parts, new_parts) = (parts(base.plain()), parts(target.plain()));
    let partners = pairs(base, &old_parts, target, &new_parts);
    let both = options.unpack.then_some((&mut *base, &mut *target));
    let pairs = unpack(&old_parts, &new_parts, &partners, both, options.threads);
    let (base, target) = (&*base, &*target);
    let work = |nth: usize| -> Result<Compared, Error> {
        let Some(Pair { old, new, same }) = pairs.get(nth) else { return Ok(Compared::default()) };
        if *same {
            let same = Match { new: 0, len: new.len(), old: 0 };
            return Ok(Compared { matches: vec![same], spaces: None });
        }
        let (old_bytes, new_bytes) = (old.bytes(base), new.bytes(target));
        if old_bytes.len() > LARGE || new_bytes.len() > LARGE {
            let matches = content::compare(&old_bytes, &new_bytes, &Chunks::new(&old_bytes))?;
            return Ok(Compared { matches, spaces: None });
        }
        compare(&old_bytes, &new_bytes, old.size, new.size)
    };
    // The largest first, so that no thread is left alone with one at the end.
    let mut order: Vec<usize> = (0..pairs.len()).collect();
    order.sort_by_key(|&nth| std::cmp::Reverse(pairs.get(nth).map_or(0, |pair| pair.new.len())));
    let compared = together(&order, options.threads, work)?;
    let mut whole = Whole::default();
    for (Pair { old, new, .. }, found) in pairs.iter().zip(&compared) {
        whole.add(old, new, found);
    }
    Ok(whole.finish())
}

/// Codes every section.
fn coded(base: &Image<'_>, target: &Image<'_>, cuts: &[Cut], options: Options) -> Result<Vec<Coded>, Error> {
    let order: Vec<usize> = (0..cuts.len()).collect();
    together(&order, options.threads, |nth| {
        let start = (0..=nth).rev().find(|nth| cuts.get(*nth).is_some_and(|cut| !cut.joined)).unwrap_or(0);
        let end = (nth + 1..cuts.len()).find(|nth| cuts.get(*nth).is_some_and(|cut| !cut.joined));
        let cuts = cuts.get(start..end.unwrap_or(cuts.len())).unwrap_or_default();
        let plans: Vec<Plan> = cuts.iter().map(|cut| cut.plan.clone()).collect();
        let chain = Chain::new(plans).ok_or(Error::Defect { problem: "a chain is too long".into() })?;
        encode(base, target, &chain, nth - start, options.coding)
    })
}

fn section(coded: &Coded, cut: &Cut) -> Section {
    let target = &cut.plan.target;
    Section {
        groups: (target.end - target.start).div_ceil(drydock_format::tree::GROUP as u64) as u32,
        joined: cut.joined,
        control: coded.control.len() as u32,
        differences: coded.differences.len() as u32,
        literals: coded.literals.len() as u32,
    }
}

/// Decodes all of it as a device would, and compares.
fn prove(index: &Index, data: &[u8], base: &[u8], target: &[u8], threads: usize) -> Result<(), Error> {
    let defect = |problem: String| Error::Defect { problem };
    let read =
        Index::parse(&index.to_bytes(), data.len() as u64).map_err(|error| defect(error.to_string()))?;
    let order: Vec<usize> = (0..read.sections.len()).collect();
    together(&order, threads, |nth| {
        let mut rest = index.target(nth);
        let unlike = |at: u64| defect(format!("byte {at} of section {nth} differs"));
        let mut sink = |bytes: &[u8]| {
            let at = rest.start as usize;
            rest.start += bytes.len() as u64;
            target.get(at..at + bytes.len()) == Some(bytes)
        };
        let done = decode(&read, nth, &data, &base, &mut sink);
        match done {
            Ok(None) if rest.is_empty() => Ok(()),
            Ok(_) | Err(drydock_delta::Error::Stopped) => Err(unlike(rest.start)),
            Err(error) => Err(defect(error.to_string())),
        }
    })
    .map(|_| ())
}
