//! Which partitions the disk has, and where. No I/O.

use super::content::{Content, SlotImage};
use super::labels::{FACTORY, STASH, STATE};
use drydock_architecture::Architecture;
use drydock_block::SectorSize;
use drydock_bundle::Error;
use drydock_config::{Config, Mib, Role};
use drydock_format::{Bundle, sha256, slot};
use std::ffi::OsStr;

const MIB: u64 = 1 << 20;
/// What `data` gets where the configuration does not say how large the disk is.
const DATA_SIZE: Mib = Mib(256);
/// The size of a partition for trees where the configuration names none.
const TREES: Mib = Mib(256);

/// The end of the year 9999, as far as dates are written with four digits.
const LAST_SECOND: u64 = 253_402_300_799;

/// GPT attributes of slots: read-only and no-auto, so that nothing mounts them by itself.
const SLOT_ATTRIBUTES: u64 = 1 << 60 | 1 << 63;
/// GPT attribute of partitions that only drydock knows what to do with: no-auto.
const PRIVATE_ATTRIBUTES: u64 = 1 << 63;

/// A partition of a bootloader's own.
pub(super) struct Own {
    pub(super) label: &'static str,
    pub(super) kind: Kind,
    pub(super) size: Mib,
}

/// Partition types: UEFI's, GRUB's, and those of the UAPI Discoverable Partitions Specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    BiosBoot,
    Esp,
    Linux,
    /// A root filesystem for this processor.
    Root(Architecture),
}

#[derive(Clone, Debug)]
pub(super) struct Partition {
    /// Its number, from 1; GRUB finds it by that.
    pub(super) index: u32,
    pub(super) label: String,
    pub(super) kind: Kind,
    pub(super) attributes: u64,
    pub(super) guid: String,
    /// In bytes.
    pub(super) start: u64,
    /// In bytes.
    pub(super) size: u64,
}

impl Partition {
    /// Whether this is one of the slots that `content` is written to.
    pub(super) fn holds(&self, content: &Content<'_>) -> bool {
        let copy = self.label.strip_prefix(&content.partition).and_then(|rest| rest.strip_prefix('-'));
        copy.is_some_and(|copy| content.copies.contains(&copy))
    }
}

#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) disk_size: u64,
    pub(super) sector_size: SectorSize,
    pub(super) guid: String,
    /// When the disk was made, for its history, in seconds since 1970: `SOURCE_DATE_EPOCH`, or 0.
    pub(super) time: u64,
    pub(super) partitions: Vec<Partition>,
}

impl Layout {
    /// `own` are the bootloader's partitions, which come first.
    pub(super) fn plan(
        config: &Config,
        contents: &[Content<'_>],
        bundle: &Bundle,
        own: &[Own],
    ) -> Result<Self, Error> {
        let wanted = &config.layout;
        let guid = match &config.disk.guid {
            Some(guid) => guid.to_ascii_lowercase(),
            None => derive_guid(bundle, "disk"),
        };
        let time = source_date_epoch(std::env::var_os("SOURCE_DATE_EPOCH").as_deref())?;
        let disk_size = wanted.disk_mib.bytes();
        let mut plan =
            Self { disk_size, sector_size: wanted.sector_size, guid, time, partitions: Vec::new() };
        let mut add =
            |label: &str, kind, attributes, size: Mib| plan.add(bundle, label, kind, attributes, size);

        for own in own {
            add(own.label, own.kind, PRIVATE_ATTRIBUTES, own.size);
        }
        add(STATE, Kind::Linux, PRIVATE_ATTRIBUTES, Mib(8));
        if wanted.stash_mib > Mib(0) {
            add(STASH, Kind::Linux, PRIVATE_ATTRIBUTES, wanted.stash_mib);
        }
        let recovery = contents.iter().filter(|content| content.role == Role::Recovery);
        for content in recovery.chain(contents.iter().filter(|content| content.role != Role::Recovery)) {
            let given = match content.role {
                Role::Recovery => Some(wanted.recovery_mib).filter(|&size| size > Mib(0)),
                _ => wanted.slot_mib.get(&content.class).copied(),
            };
            // Each of the two may have an image of its own, and both are as large as the larger one needs.
            let all = contents.iter().filter(|other| other.partition == content.partition);
            if !all.clone().next().is_some_and(|first| std::ptr::eq(first, content)) {
                continue;
            }
            let sizes = all.map(|content| slot_size(content, given, bundle));
            let size = sizes.collect::<Result<Vec<_>, _>>()?.into_iter().max().unwrap_or(Mib(0));
            let kind = match content.role {
                Role::Root => Kind::Root(wanted.architecture),
                _ => Kind::Linux,
            };
            for copy in ["a", "b"] {
                add(&format!("{}-{copy}", content.partition), kind, SLOT_ATTRIBUTES, size);
            }
        }
        for label in config.trees.iter().filter_map(|tree| tree.partition.as_ref()) {
            let size = wanted.slot_mib.get(label).copied().unwrap_or(TREES);
            plan.add(bundle, label, Kind::Linux, PRIVATE_ATTRIBUTES, size);
        }
        if wanted.factory_mib > Mib(0) {
            plan.add(bundle, FACTORY, Kind::Linux, PRIVATE_ATTRIBUTES, wanted.factory_mib);
        }
        plan.finish(config, bundle)
    }

    fn add(&mut self, bundle: &Bundle, label: &str, kind: Kind, attributes: u64, size: Mib) {
        let index = self.partitions.len() as u32 + 1;
        let start = self.end();
        let guid = derive_guid(bundle, label);
        let label = label.to_owned();
        self.partitions.push(Partition { index, label, kind, attributes, guid, start, size: size.bytes() });
    }

    /// Where the next partition begins. The first MiB belongs to the partition table.
    fn end(&self) -> u64 {
        self.partitions.last().map_or(MIB, |part| part.start + part.size)
    }

    /// Adds `data` and settles the disk's size. The last MiB belongs to the table's backup.
    fn finish(mut self, config: &Config, bundle: &Bundle) -> Result<Self, Error> {
        if let Some(data) = &config.data {
            let rest = Mib(self.disk_size.saturating_sub(self.end() + MIB) / MIB);
            let size = if self.disk_size == 0 { DATA_SIZE } else { rest };
            self.add(bundle, &data.label, Kind::Linux, PRIVATE_ATTRIBUTES, size);
        }
        let needed = self.end() + MIB;
        if self.disk_size == 0 {
            self.disk_size = needed;
        }
        let last = self.partitions.last().map_or(0, |part| part.size);
        if needed > self.disk_size || last == 0 {
            let at_least = if last == 0 { needed + MIB } else { needed };
            return Err(Error::Input {
                what: "layout.disk_mib".into(),
                problem: format!("the partitions need {} MiB at least", at_least / MIB),
            });
        }
        Ok(self)
    }

    /// The partition with this label.
    pub(super) fn named(&self, label: &str) -> Result<&Partition, Error> {
        let found = self.partitions.iter().find(|part| part.label == label);
        let problem = || "the disk has no such partition".into();
        found.ok_or_else(|| Error::Input { what: format!("partition `{label}`"), problem: problem() })
    }

    /// A FAT's serial number.
    pub(super) fn volume_id(&self, part: &Partition) -> u32 {
        u32::from_str_radix(&part.guid[..8], 16).unwrap_or(0)
    }
}

/// How large each slot of a class is: what was asked for if the image fits, else a quarter more than it needs.
fn slot_size(content: &Content<'_>, given: Option<Mib>, bundle: &Bundle) -> Result<Mib, Error> {
    let needed = match content.image {
        SlotImage::Bundle(image) => slot::min_size(image, bundle.manifest_bytes().len() as u64),
        SlotImage::Raw(raw) => raw.size,
    };
    match given {
        Some(size) if size.bytes() < needed => Err(Error::Input {
            what: format!("slot class `{}`", content.class),
            problem: format!("{size} MiB are too small; its image needs {}", Mib::holding(needed)),
        }),
        Some(size) => Ok(size),
        None => Ok(Mib::holding(needed + needed / 4)),
    }
}

/// When the disk was made, for its history. The specification at reproducible-builds.org wants a build with a malformed
/// value to fail: what would be made in its place is another disk than the one that was meant.
fn source_date_epoch(value: Option<&OsStr>) -> Result<u64, Error> {
    let Some(value) = value else { return Ok(0) };
    let digits = value.to_str().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let time = digits.and_then(|digits| digits.parse().ok()).filter(|&time| time <= LAST_SECOND);
    time.ok_or_else(|| Error::Input {
        what: "SOURCE_DATE_EPOCH".into(),
        problem: format!("{value:?} is not a number of seconds since 1970; set it right, or unset it"),
    })
}

/// A GUID that follows from the release (RFC 9562, version 8), so that the same input gives the same disk.
fn derive_guid(bundle: &Bundle, name: &str) -> String {
    let seed = format!("drydock {} {name}", bundle.manifest_digest());
    let mut hex = sha256(seed.as_bytes()).to_string();
    hex.replace_range(12..13, "8");
    hex.replace_range(16..17, "a");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn a_malformed_source_date_epoch_is_an_error() {
        assert_eq!(source_date_epoch(None).unwrap(), 0);
        for (text, time) in [("0", 0), ("1700000000", 1_700_000_000), ("253402300799", LAST_SECOND)] {
            assert_eq!(source_date_epoch(Some(OsStr::new(text))).unwrap(), time);
        }
        let malformed: [&[u8]; 11] = [
            b"",
            b"abc",
            b"-5",
            b"+5",
            b"1.5",
            b" 5",
            b"5 ",
            b"0x10",
            b"\xff",
            b"253402300800",
            b"99999999999999999999",
        ];
        for bytes in malformed {
            let refused = source_date_epoch(Some(OsStr::from_bytes(bytes))).unwrap_err().to_string();
            assert!(refused.contains("SOURCE_DATE_EPOCH"), "{refused}");
        }
    }
}
