//! Decoding a section.

use crate::base::UnpackedBase;
use crate::coder::{Bit, Coder, Decoder};
use crate::error::Error;
use crate::index::{Coding, Index};
use crate::limits::{MAX_PART, PIECE};
use crate::lzma;
use crate::model::{Model, Place};
use crate::plan::{Chain, Plan};
use crate::streams::StreamReader;
use crate::target::{Sink, Target};
use crate::walk::{Differences, Ends, walk};
use drydock_format::ReadAt;
use drydock_format::frames;
use std::io;
use std::ops::Range;

/// Decodes one section: its part of the target goes to `sink`, in order, in pieces of up to 64 KiB. Nothing says yet that
/// they are right: that is for the digests of the groups.
///
/// `data` are the delta's data, of which only [`Index::needed`] is read. Where a part of the base can't be read that is to be
/// given as it is, zeros are, and the first reason is returned as the value: what follows is not touched by that.
pub fn decode(
    index: &Index,
    section: usize,
    data: &dyn ReadAt,
    base: &dyn ReadAt,
    sink: Sink<'_>,
) -> Result<Option<Error>, Error> {
    let damaged = |problem| Error::Section { section, problem };
    let chain = index.chain(section);
    let plans = chain.clone().map(|nth| plan(index, nth, data, base)).collect::<Result<Vec<_>, _>>()?;
    let chain_plans = Chain::new(plans).ok_or(damaged("it belongs to more runs than are allowed"))?;
    let nth = section - chain.start;
    let plan = chain_plans.plan(nth).ok_or(damaged("its plan is missing"))?;
    let literals_len: u64 = plan.runs.iter().map(|run| u64::from(run.literals)).sum();
    let literals_len = usize::try_from(literals_len).ok().filter(|&len| len <= MAX_PART);
    let literals_len = literals_len.ok_or(damaged("it has more literals than are allowed"))?;
    let [_, differences, literals] = parts(index, section);
    let literals = unpacked_literals(&read(data, literals)?, literals_len);
    let literals = literals.ok_or(damaged("its literals do not unpack"))?;
    let differences = read(data, differences)?;
    let base = UnpackedBase::new(base, &plan.base_packed);
    let base: &dyn ReadAt = &base;
    let target = Target::new(&plan.target_packed, section);
    let mut ends = Into { literals: &literals, target, sink, unreadable: None, section };
    let used_up = match index.coding {
        Coding::Model { table_bits } => {
            let mut reader = ModelCoder::new(Decoder::new(&differences), table_bits);
            walk(&chain_plans, nth, base, &mut reader, &mut ends, section)?;
            reader.coder.is_used_up()
        }
        Coding::Streams => {
            let streams = two_streams(&differences).ok_or(damaged("its differences do not unpack"))?;
            let mut reader = StreamReader::new(&streams[0], &streams[1]);
            walk(&chain_plans, nth, base, &mut reader, &mut ends, section)?;
            reader.is_used_up()
        }
    };
    match used_up && ends.literals.is_empty() {
        true => Ok(ends.unreadable),
        false => Err(damaged("it is longer than what it gives")),
    }
}

/// Reads the plan of a section.
fn plan(index: &Index, section: usize, data: &dyn ReadAt, base: &dyn ReadAt) -> Result<Plan, Error> {
    let [control, ..] = parts(index, section);
    let control = read(data, control)?;
    let mut coder = Decoder::new(&control);
    let wanted = Plan { target: index.target(section), ..Plan::default() };
    let plan = Plan::code(&mut coder, index.base_size, &wanted).filter(|_| coder.is_used_up());
    let plan = plan.ok_or(Error::Section { section, problem: "its runs make no sense" })?;
    let base = UnpackedBase::new(base, &plan.base_packed);
    match plan.runs.iter().all(|run| base.has(run.base, run.len.into(), index.base_size)) {
        true => Ok(plan),
        false => Err(Error::Section { section, problem: "a run lies outside of the base" }),
    }
}

/// Where the three parts of a section lie in the data: runs, differences, literals.
fn parts(index: &Index, section: usize) -> [Range<u64>; 3] {
    let start = index.data(section).start;
    let sizes = index
        .sections
        .get(section)
        .map_or([0; 3], |section| [section.control, section.differences, section.literals]);
    let mut at = start;
    sizes.map(|size| {
        let start = at;
        at += u64::from(size);
        start..at
    })
}

fn read(data: &dyn ReadAt, range: Range<u64>) -> Result<Vec<u8>, Error> {
    let mut bytes = vec![0; (range.end - range.start) as usize];
    data.read_at(range.start, &mut bytes).map_err(|source| Error::Data { source })?;
    Ok(bytes)
}

/// Unpacks literals: LZMA, whose first byte is 0, or a zstd frame, whose first is not.
fn unpacked_literals(packed: &[u8], len: usize) -> Option<Vec<u8>> {
    if packed.first() != Some(&0) {
        return unpacked(packed, len);
    }
    let mut bytes = vec![0; len];
    (lzma::decode(packed, &mut bytes)? == packed.len()).then_some(bytes)
}

/// Unpacks a zstd frame that has exactly `len` bytes. No frame has none.
fn unpacked(frame: &[u8], len: usize) -> Option<Vec<u8>> {
    if len == 0 {
        return frame.is_empty().then(Vec::new);
    }
    let mut bytes = vec![0; len];
    frames::Decoder::default().decode(frame, &mut bytes).ok()?;
    Some(bytes)
}

/// Two streams, each with its length unpacked and packed before it.
fn two_streams(bytes: &[u8]) -> Option<[Vec<u8>; 2]> {
    let (head, rest) = bytes.split_first_chunk::<12>()?;
    let word = |at: usize| head.get(at..)?.first_chunk().map(|word| u32::from_le_bytes(*word) as usize);
    let (first, second, packed) = (word(0)?, word(4)?, word(8)?);
    if first > MAX_PART || second > MAX_PART {
        return None;
    }
    let (gaps, differences) = rest.split_at_checked(packed)?;
    Some([unpacked(gaps, first)?, unpacked(differences, second)?])
}

/// The model, and the coder that it works with.
pub struct ModelCoder<C> {
    model: Model,
    /// The coder.
    pub coder: C,
    /// Whether a piece is as the base has it, by whether it is a whole one, and whether the last one was.
    whole: [[Bit; 2]; 2],
    was_whole: bool,
}

/// How fast that adapts.
const RATE: u32 = 5;

impl<C> ModelCoder<C> {
    /// An empty model.
    pub fn new(coder: C, table_bits: u8) -> Self {
        Self { model: Model::new(table_bits), coder, whole: [[Bit::NEW; 2]; 2], was_whole: false }
    }
}

impl<C: Coder> Differences for ModelCoder<C> {
    fn knows(&self) -> bool {
        C::KNOWS
    }

    fn whole(&mut self, len: usize, _: bool, is_same: bool) -> bool {
        let flag = &mut self.whole[usize::from(len == PIECE)][usize::from(self.was_whole)];
        self.was_whole = flag.code(&mut self.coder, is_same, RATE);
        self.was_whole
    }

    fn piece(&mut self, place: &Place<'_>, predicted: &[u8], out: &mut [u8]) -> bool {
        self.model.piece(&mut self.coder, place, predicted, out);
        !self.coder.is_overdrawn()
    }

    fn passed(&mut self, literals: &[u8]) {
        self.model.passed(literals);
    }

    fn calm(&mut self, piece: &[u8]) {
        self.model.calm(piece);
    }
}

/// The ends of a decoder.
struct Into<'a, 's> {
    literals: &'a [u8],
    target: Target<'a>,
    sink: Sink<'s>,
    unreadable: Option<Error>,
    section: usize,
}

impl Ends for Into<'_, '_> {
    fn literals(&mut self, _: u64, out: &mut [u8]) -> Result<(), Error> {
        let missing = Error::Section { section: self.section, problem: "it has too few literals" };
        let (literals, rest) = self.literals.split_at_checked(out.len()).ok_or(missing)?;
        out.copy_from_slice(literals);
        self.literals = rest;
        Ok(())
    }

    fn known(&mut self, _: u64, _: &mut [u8]) -> Result<(), Error> {
        Ok(())
    }

    fn give(&mut self, position: u64, bytes: &[u8]) -> Result<(), Error> {
        self.target.give(position, bytes, self.sink)
    }

    fn unreadable(&mut self, offset: u64, source: io::Error) {
        self.unreadable.get_or_insert(Error::Base { offset, source });
    }
}
