//! The index of a delta: what it leads from and to, and how large the parts of each section are.

use crate::error::Error;
use crate::limits::{MAGIC, MAX_GROUPS, MAX_PART, MAX_SECTIONS, TABLE_BITS, VERSION};
use drydock_format::tree::GROUP;
use std::ops::Range;

/// How the bytes that differ from the prediction are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// By the model, whose tables have 2 to the power of this many entries.
    Model {
        /// The power.
        table_bits: u8,
    },
    /// As zstd streams: larger, and quicker to decode.
    Streams,
}

/// One section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// How many groups of the image it gives.
    pub groups: u32,
    /// Whether it begins within an executable that has begun in the section before.
    pub joined: bool,
    /// The bytes of its runs.
    pub control: u32,
    /// The bytes of what differs.
    pub differences: u32,
    /// The bytes of its literals.
    pub literals: u32,
}

impl Section {
    /// Returns the bytes of all of its parts.
    pub fn len(&self) -> u64 {
        u64::from(self.control) + u64::from(self.differences) + u64::from(self.literals)
    }

    /// Returns whether it has no parts: then it could give nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// The bytes of the base.
    pub base_size: u64,
    /// The bytes of the target.
    pub target_size: u64,
    /// How differences are coded.
    pub coding: Coding,
    /// The sections, in the order of the image. Their data lie one after the other in the same order.
    pub sections: Vec<Section>,
}

/// The bytes before the sections, and of each section.
const HEAD: usize = 40;
const ENTRY: usize = 16;

/// What marks a joined section, beside the number of groups.
const JOINED: u32 = 1 << 31;

impl Index {
    /// Reads an index, and checks all that it says. `data_len` is the length of the data that it describes.
    pub fn parse(bytes: &[u8], data_len: u64) -> Result<Self, Error> {
        let wrong = |problem: &str| Err(Error::Index { problem: problem.into() });
        let word = |at: usize| bytes.get(at..)?.first_chunk().map(|word| u32::from_le_bytes(*word));
        let long = |at: usize| bytes.get(at..)?.first_chunk().map(|word| u64::from_le_bytes(*word));
        if !bytes.starts_with(&MAGIC) {
            return wrong("it does not begin as one");
        }
        match word(8) {
            Some(VERSION) => (),
            Some(later) => return wrong(&format!("it is of version {later}, and {VERSION} is known here")),
            None => return wrong("it is cut off"),
        }
        let (Some(base_size), Some(target_size), Some(coding), Some(count)) =
            (long(16), long(24), word(12), long(32))
        else {
            return wrong("it is cut off");
        };
        let coding = match u8::try_from(coding) {
            Ok(0) => Coding::Streams,
            Ok(table_bits) if TABLE_BITS.contains(&table_bits) => Coding::Model { table_bits },
            _ => return wrong("its coding is not known here"),
        };
        let entries = bytes.get(HEAD..).unwrap_or_default();
        if count > MAX_SECTIONS as u64 || entries.len() as u64 != count * ENTRY as u64 {
            return wrong("it does not have the length that its sections need");
        }
        let sections: Vec<_> = entries.as_chunks::<ENTRY>().0.iter().map(section).collect();
        let index = Self { base_size, target_size, coding, sections };
        index.check(data_len).map(|()| index)
    }

    fn check(&self, data_len: u64) -> Result<(), Error> {
        let wrong = |problem: String| Err(Error::Index { problem });
        let most = MAX_PART as u32;
        for (nth, section) in self.sections.iter().enumerate() {
            if section.groups == 0 || section.groups > MAX_GROUPS {
                return wrong(format!(
                    "section {nth} has {} groups, 1 to {MAX_GROUPS} are allowed",
                    section.groups
                ));
            }
            if section.control > most || section.differences > most || section.literals > most {
                return wrong(format!("a part of section {nth} is longer than {most} bytes"));
            }
        }
        if self.sections.first().is_some_and(|first| first.joined) {
            return wrong("its first section goes on with another one".into());
        }
        let groups: u64 = self.sections.iter().map(|section| u64::from(section.groups)).sum();
        if groups != self.target_size.div_ceil(GROUP as u64) {
            return wrong(format!("its sections have {groups} groups, which is not what the image has"));
        }
        let len: u64 = self.sections.iter().map(Section::len).sum();
        if len != data_len {
            return wrong(format!("its sections have {len} bytes, the data have {data_len}"));
        }
        Ok(())
    }

    /// Returns the bytes of the index.
    pub fn to_bytes(&self) -> Vec<u8> {
        let coding = match self.coding {
            Coding::Streams => 0,
            Coding::Model { table_bits } => table_bits.into(),
        };
        let mut bytes = MAGIC.to_vec();
        for word in [VERSION, coding] {
            bytes.extend(word.to_le_bytes());
        }
        for long in [self.base_size, self.target_size, self.sections.len() as u64] {
            bytes.extend(long.to_le_bytes());
        }
        for section in &self.sections {
            let groups = section.groups | if section.joined { JOINED } else { 0 };
            for word in [groups, section.control, section.differences, section.literals] {
                bytes.extend(word.to_le_bytes());
            }
        }
        bytes
    }

    /// Returns which groups a section gives.
    pub fn groups(&self, section: usize) -> Range<u64> {
        let before = self.sections.iter().take(section);
        let start = before.map(|section| u64::from(section.groups)).sum();
        start..start + self.sections.get(section).map_or(0, |section| section.groups.into())
    }

    /// Returns which part of the image a section gives.
    pub fn target(&self, section: usize) -> Range<u64> {
        let Range { start, end } = self.groups(section);
        let at = |group: u64| (group * GROUP as u64).min(self.target_size);
        at(start)..at(end)
    }

    /// Returns where the data of a section lie.
    pub fn data(&self, section: usize) -> Range<u64> {
        let start = self.sections.iter().take(section).map(Section::len).sum();
        start..start + self.sections.get(section).map_or(0, Section::len)
    }

    /// Returns the sections whose runs must be known to decode this one: those that share an executable with it, and those
    /// that share one with these.
    pub fn chain(&self, section: usize) -> Range<usize> {
        let joined = |nth: usize| self.sections.get(nth).is_some_and(|section| section.joined);
        let (mut start, mut end) = (section, section + 1);
        while joined(start) && start > 0 {
            start -= 1;
        }
        while joined(end) {
            end += 1;
        }
        start..end
    }

    /// Returns where the data lie that are read to decode a section: its own, and the runs of its chain. They are in order,
    /// and do not overlap.
    pub fn needed(&self, section: usize) -> Vec<Range<u64>> {
        let range = |nth: usize| {
            let data = self.data(nth);
            let control = self.sections.get(nth).map_or(0, |section| u64::from(section.control));
            if nth == section { data } else { data.start..data.start + control }
        };
        self.chain(section).map(range).collect()
    }
}

fn section(entry: &[u8; ENTRY]) -> Section {
    let word = |nth: usize| {
        let at = entry.as_chunks::<4>().0.get(nth);
        at.map_or(0, |word| u32::from_le_bytes(*word))
    };
    Section {
        groups: word(0) & !JOINED,
        joined: word(0) & JOINED != 0,
        control: word(1),
        differences: word(2),
        literals: word(3),
    }
}
