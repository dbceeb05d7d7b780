//! What EFI Boot Guard makes of its two environments: a model of `load_config` in its `env/fatvars.c`, byte for byte, oddities
//! included.
//!
//! The crash simulator lets it choose; `qemu-tests` compares it with the real one, under real firmware, over a table of
//! whole, damaged, torn, truncated and missing environments.

use drydock_block::crc32;
use drydock_state::efi_boot_guard::ENV_SIZE;

const IN_PROGRESS: usize = 1020;
const USTATE: usize = 1021;
const REVISION: usize = 1024;
const CRC: usize = ENV_SIZE - 4;

const INSTALLED: u8 = 1;
const TESTING: u8 = 2;
const FAILED: u8 = 3;

/// EFI Boot Guard's choice, and what it has written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What it tries to start, as the environment names it. Where it can't be loaded the loader gives control back to the
    /// firmware, and a watchdog that it has started is left running.
    pub kernel: String,
    /// The files afterwards. The firmware writes and flushes a whole file.
    pub files: [Option<Vec<u8>>; 2],
}

/// An environment in the loader's memory.
struct Loaded {
    /// Of which file, if of any.
    file: Option<usize>,
    bytes: Vec<u8>,
    valid: bool,
}

/// What it does with the files `BGENV.DAT` on the two partitions, in the order in which the firmware has them.
pub fn decide(files: [Option<&[u8]>; 2]) -> Decision {
    let mut now = files.map(|file| file.map(<[u8]>::to_vec));
    // A partition without the file does not count, and the next one takes its place. Zeros stand for what is missing.
    let mut loaded: Vec<Loaded> = (0..2).filter_map(|n| Some(load(n, now[n].as_deref()?))).collect();
    let counts = loaded.len() == 2;
    loaded.resize_with(2, || Loaded { file: None, bytes: vec![0; ENV_SIZE], valid: true });

    let (mut latest, mut latest_revision, mut other, mut other_revision) = (0, 0, 0, 0);
    for (n, found) in loaded.iter().enumerate().filter(|(_, found)| found.valid) {
        let revision = found.revision();
        if revision > latest_revision {
            (other, other_revision) = (latest, latest_revision);
            (latest, latest_revision) = (n, revision);
        } else if revision > other_revision {
            (other, other_revision) = (n, revision);
        }
    }
    let chosen = &mut loaded[latest];
    let mut current = latest;
    if chosen.bytes[IN_PROGRESS] == 1 {
        current = other;
    } else if chosen.bytes[USTATE] == TESTING {
        chosen.bytes[USTATE] = FAILED;
        chosen.bytes[REVISION..REVISION + 4].fill(0);
        chosen.save(counts, &mut now);
        current = other;
    } else if chosen.bytes[USTATE] == INSTALLED {
        chosen.bytes[USTATE] = TESTING;
        chosen.save(counts, &mut now);
    }
    Decision { kernel: loaded[current].kernel(), files: now }
}

fn load(n: usize, file: &[u8]) -> Loaded {
    let mut bytes = file[..file.len().min(ENV_SIZE)].to_vec();
    let whole = bytes.len() == ENV_SIZE;
    bytes.resize(ENV_SIZE, 0);
    let sum = crc32(&bytes[..CRC]).to_le_bytes();
    let valid = whole && sum == bytes[CRC..];
    if whole {
        // Both strings end where their room does.
        bytes[508..510].fill(0);
        bytes[1018..1020].fill(0);
    }
    Loaded { file: Some(n), bytes, valid }
}

impl Loaded {
    fn revision(&self) -> u32 {
        u32::from_le_bytes(self.bytes[REVISION..REVISION + 4].try_into().unwrap_or_default())
    }

    fn kernel(&self) -> String {
        let units = self.bytes[..510].as_chunks().0.iter().map(|pair| u16::from_le_bytes(*pair));
        String::from_utf16_lossy(&units.take_while(|&unit| unit != 0).collect::<Vec<_>>())
    }

    /// Writes it back, with a new checksum; not where one of the two files is missing, so that nobody else's is overwritten.
    fn save(&mut self, counts: bool, files: &mut [Option<Vec<u8>>; 2]) {
        let sum = crc32(&self.bytes[..CRC]).to_le_bytes();
        self.bytes[CRC..].copy_from_slice(&sum);
        let Some(file) = self.file.filter(|_| counts).and_then(|n| files[n].as_mut()) else { return };
        if file.len() < ENV_SIZE {
            file.resize(ENV_SIZE, 0);
        }
        file[..ENV_SIZE].copy_from_slice(&self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_state::efi_boot_guard::{Environment, Ustate};
    use proptest::prelude::*;

    fn environment(kernel: &str, ustate: Ustate, revision: u32) -> Environment {
        let kernel = kernel.into();
        Environment { kernel, in_progress: false, ustate, watchdog: 0, revision, variables: Vec::new() }
    }

    /// What is started at each of the next starts, if nobody else writes.
    fn starts(mut files: [Option<Vec<u8>>; 2], count: usize) -> Vec<String> {
        let mut start = || {
            let decision = decide([files[0].as_deref(), files[1].as_deref()]);
            files = decision.files;
            decision.kernel
        };
        (0..count).map(|_| start()).collect()
    }

    #[test]
    fn the_higher_revision_has_one_try_and_the_other_one_is_left_with_one_more() {
        let second = environment("second", Ustate::Installed, 1);
        let first = environment("first", Ustate::Installed, 2);
        let all = ["first", "second", "second", "second", "second"];
        assert_eq!(starts([Some(second.encode()), Some(first.encode())], 5), all);
        // Where both have failed it is the partition that counts.
        let all = ["first", "second", "second", "first", "first"];
        assert_eq!(starts([Some(first.encode()), Some(second.encode())], 5), all);
    }

    #[test]
    fn what_is_ok_is_started_for_ever_and_what_somebody_works_on_is_not() {
        let ok = environment("ok", Ustate::Ok, 5).encode();
        let other = environment("other", Ustate::Ok, 4).encode();
        assert_eq!(starts([Some(ok), Some(other.clone())], 2), ["ok", "ok"]);
        let busy = Environment { in_progress: true, ..environment("busy", Ustate::Installed, 5) }.encode();
        assert_eq!(starts([Some(busy), Some(other)], 1), ["other"]);
    }

    #[test]
    fn nothing_is_counted_where_a_file_is_missing() {
        let only = environment("only", Ustate::Installed, 2).encode();
        let decision = decide([None, Some(&only)]);
        assert_eq!((decision.kernel.as_str(), decision.files), ("only", [None, Some(only)]));
        assert_eq!(decide([None, None]).kernel, "");
    }

    proptest! {
        #[test]
        fn a_torn_environment_is_passed_over(cut in 1usize..=2, extra in 0usize..256) {
            let (old, new) = (environment("old", Ustate::Failed, 0), environment("new", Ustate::Installed, 2));
            let good = environment("good", Ustate::Installed, 1).encode();
            let cut = cut * 512 + extra * 512;
            let torn = [&new.encode()[..cut], &old.encode()[cut..]].concat();
            prop_assert_eq!(starts([Some(good), Some(torn)], 1), ["good"]);
        }
    }
}
