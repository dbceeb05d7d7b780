//! What U-Boot makes of its environment: a model of `bootloader-scripts/u-boot/boot.cmd`, of what U-Boot 2023.01 loads at its
//! start (`env/common.c`, `lib/hashtable.c`), and of what its `saveenv` writes (`env/mmc.c`), byte for byte.
//!
//! The crash simulator lets it choose where a device would run U-Boot; `qemu-tests` compares it with the real one over a
//! table of whole, damaged, torn, truncated and missing environments.

use crate::start::{Kernel, Reason, Start};
use drydock_block::crc32;
use drydock_state::u_boot::second_is_newer;
use drydock_state::{CopyName, SetName};
use std::collections::BTreeMap;

/// What a board's U-Boot brings.
#[derive(Clone, Copy, Debug)]
pub struct Board<'a> {
    /// The environment that is built in: names and values.
    pub built_in: &'a [(&'a str, &'a str)],
    /// What it sets by itself before it runs the script.
    pub at_start: &'a [(&'a str, &'a str)],
}

/// U-Boot's choice, and what it has written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What runs now; `None` means that nothing can be started, and U-Boot resets the machine.
    pub start: Option<Start>,
    /// What `saveenv` wrote, in this order: to which copy, counted from 0, and its bytes. U-Boot does not flush it.
    pub saves: Vec<(usize, Vec<u8>)>,
}

type Variables = BTreeMap<Vec<u8>, Vec<u8>>;

/// What U-Boot has in memory.
struct Memory {
    variables: Variables,
    /// The copy that it was loaded from, or saved to last.
    from: usize,
    flag: u8,
    redundant: bool,
    size: usize,
    saves: Vec<(usize, Vec<u8>)>,
}

/// What U-Boot does with these copies of its environment, one or two, of `size` bytes; `None` is one that can't be read. For
/// those kernels for which `whole` says so, kernel and initramfs are there and have the right checksums. With a size of 0
/// nothing can be saved.
pub fn decide(
    copies: &[Option<Vec<u8>>],
    size: usize,
    board: &Board<'_>,
    whole: impl Fn(Kernel) -> bool,
) -> Decision {
    let mut memory = Memory::load(copies, size, board);
    let start = memory.choose(whole);
    Decision { start, saves: memory.saves }
}

impl Memory {
    fn load(copies: &[Option<Vec<u8>>], size: usize, board: &Board<'_>) -> Self {
        let redundant = copies.len() > 1;
        let header = if redundant { 5 } else { 4 };
        let sound = |copy: &Option<Vec<u8>>| {
            let copy = copy.as_ref().filter(|copy| copy.len() > header)?;
            let summed = crc32(&copy[header..]).to_le_bytes();
            (copy[..4] == summed).then(|| (if redundant { copy[4] } else { 0 }, copy[header..].to_vec()))
        };
        let mut found: Vec<_> = copies.iter().map(sound).collect();
        let newest = match found.as_slice() {
            [Some((first, _)), Some((second, _))] => Some(usize::from(second_is_newer(*first, *second))),
            all => all.iter().position(Option::is_some),
        };
        let loaded =
            newest.and_then(|index| found[index].take().map(|(flag, strings)| (index, flag, strings)));
        // Where no copy is whole U-Boot goes on as if it had taken the first one.
        let (from, flag) = loaded.as_ref().map_or((0, 0), |(index, flag, _)| (*index, *flag));
        let built_in = || pairs(board.built_in);
        let mut variables = loaded.and_then(|(_, _, strings)| import(&strings)).unwrap_or_else(built_in);
        variables.extend(pairs(board.at_start));
        Self { variables, from, flag, redundant, size, saves: Vec::new() }
    }

    fn get(&self, name: &str) -> &[u8] {
        self.variables.get(name.as_bytes()).map_or(b"", Vec::as_slice)
    }

    /// The counter of this name, if it is one digit.
    fn counter(&self, name: &str) -> Option<u8> {
        match self.get(name) {
            [digit @ b'0'..=b'9'] => Some(digit - b'0'),
            _ => None,
        }
    }

    /// Counts, on the disk. False if that fails.
    fn count(&mut self, name: &str, left: u8) -> bool {
        self.variables.insert(name.into(), vec![b'0' + left]);
        self.save()
    }

    /// U-Boot's `saveenv`: to the copy that does not count, with the next flag.
    fn save(&mut self) -> bool {
        let strings = export(&self.variables);
        let header = if self.redundant { 5 } else { 4 };
        if header + strings.len() > self.size {
            return false;
        }
        let mut bytes = vec![0; self.size];
        bytes[header..header + strings.len()].copy_from_slice(&strings);
        let checksum = crc32(&bytes[header..]).to_le_bytes();
        bytes[..4].copy_from_slice(&checksum);
        let copy = usize::from(self.redundant && self.from == 0);
        if self.redundant {
            self.flag = self.flag.wrapping_add(1);
            bytes[4] = self.flag;
        }
        self.from = copy;
        self.saves.push((copy, bytes));
        true
    }

    fn choose(&mut self, whole: impl Fn(Kernel) -> bool) -> Option<Start> {
        let set = |set| whole(Kernel::Set(set)).then_some(Start::Set(set));
        let recovery = |copy: CopyName, reason| {
            let copy = [copy, copy.other()].into_iter().find(|&copy| whole(Kernel::Recovery(copy)))?;
            Some(Start::Recovery { copy, reason })
        };
        let (mut first, mut copy) = (SetName::A, CopyName::A);
        if let Some(valid) = self.valid() {
            (first, copy) = valid;
            let mut counted = true;
            if self.get("dd_mode") == b"r"
                && let Some(left) = self.counter("dd_r").filter(|&left| left > 0)
            {
                counted = self.count("dd_r", left - 1);
                if let Some(start) = recovery(copy, Reason::Intent).filter(|_| counted) {
                    return Some(start);
                }
            }
            for name in [first, first.other()] {
                let counter = if name == SetName::A { "dd_a" } else { "dd_b" };
                if let Some(left) = self.counter(counter).filter(|&left| counted && left > 0) {
                    counted = self.count(counter, left - 1);
                    if let Some(start) = set(name).filter(|_| counted) {
                        return Some(start);
                    }
                }
            }
            match self.counter("dd_r") {
                _ if !counted => {}
                Some(left) if left > 0 => drop(self.count("dd_r", left - 1)),
                _ => {
                    // So often it did not come up: now the other one, and then from the beginning.
                    copy = copy.other();
                    self.count("dd_r", 9);
                }
            }
        } else {
            self.save();
        }
        recovery(copy, Reason::Fallback).or_else(|| set(first)).or_else(|| set(first.other()))
    }

    /// The set and the copy that are first, if the variables pass the script's check.
    fn valid(&self) -> Option<(SetName, CopyName)> {
        let generation = self.get("dd_gen");
        let counters = ["dd_a", "dd_b", "dd_r"].iter().all(|name| self.counter(name).is_some());
        if generation.is_empty() || self.get("dd_end") != generation || !counters {
            return None;
        }
        if !matches!(self.get("dd_mode"), b"n" | b"r") {
            return None;
        }
        let first = match self.get("dd_order") {
            b"ab" => SetName::A,
            b"ba" => SetName::B,
            _ => return None,
        };
        match self.get("dd_copy") {
            b"" | b"a" => Some((first, CopyName::A)),
            b"b" => Some((first, CopyName::B)),
            _ => None,
        }
    }
}

fn pairs(list: &[(&str, &str)]) -> Variables {
    list.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec())).collect()
}

/// U-Boot's `himport_r`: strings that end in a NUL, up to an empty one. A backslash takes the next byte as it is, a name without a
/// value takes the variable away, blanks before a name are passed over, `#` begins a comment. An empty name makes U-Boot
/// refuse all of it.
fn import(strings: &[u8]) -> Option<Variables> {
    let mut variables = Variables::new();
    for string in strings.split(|&byte| byte == 0).take_while(|string| !string.is_empty()) {
        let blanks = string.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let string = &string[blanks..];
        if string.starts_with(b"#") {
            continue;
        }
        let mut parts = string.splitn(2, |&byte| byte == b'=');
        let (name, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        if value.is_empty() {
            variables.remove(name);
            continue;
        }
        if name.is_empty() {
            return None;
        }
        let mut plain = Vec::new();
        let mut bytes = value.iter();
        while let Some(&byte) = bytes.next() {
            plain.push(if byte == b'\\' { bytes.next().copied().unwrap_or(byte) } else { byte });
        }
        variables.insert(name.to_vec(), plain);
    }
    Some(variables)
}

/// U-Boot's `hexport_r`: sorted by name, backslashes doubled, and an empty string after the last.
fn export(variables: &Variables) -> Vec<u8> {
    let mut strings = Vec::new();
    for (name, value) in variables.iter().filter(|(_, value)| !value.is_empty()) {
        strings.extend_from_slice(name);
        strings.push(b'=');
        for &byte in value {
            strings.extend((byte == b'\\').then_some(byte));
            strings.push(byte);
        }
        strings.push(0);
    }
    strings.push(0);
    strings
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_state::u_boot::Environment;
    use drydock_state::{Generation, Mode, Starts, Wanted};
    use proptest::prelude::*;

    const SIZE: usize = 1024;
    const BOARD: Board<'_> =
        Board { built_in: &[("bootcmd", "x"), ("odd", "a\\b")], at_start: &[("at", "1")] };

    fn any_wanted() -> impl Strategy<Value = Wanted> {
        let counters = (0u8..10, 0u8..10, 0u8..10);
        (0u32..100_000_000, any::<[bool; 3]>(), counters).prop_map(|(generation, [b, r, copy_b], left)| {
            Wanted {
                generation: Generation(generation),
                first: if b { SetName::B } else { SetName::A },
                mode: if r { Mode::Recovery } else { Mode::Normal },
                attempts: Starts { a: left.0, b: left.1, recovery: left.2 },
                copy: if copy_b { CopyName::B } else { CopyName::A },
            }
        })
    }

    fn told(wanted: &Wanted) -> Environment {
        Environment::from_lines(["bootcmd=x", "odd=a\\\\b"].into_iter()).unwrap().telling(wanted)
    }

    fn is_whole(whole: u8) -> impl Fn(Kernel) -> bool {
        move |kernel| {
            let index = match kernel {
                Kernel::Set(SetName::A) => 0,
                Kernel::Set(SetName::B) => 1,
                Kernel::Recovery(CopyName::A) => 2,
                Kernel::Recovery(CopyName::B) => 3,
            };
            whole >> index & 1 == 1
        }
    }

    proptest! {
        #[test]
        fn a_whole_environment_is_obeyed_and_counted(wanted in any_wanted(), redundant: bool) {
            let copy = Some(told(&wanted).encode(SIZE, redundant).unwrap());
            let copies = if redundant { vec![copy, None] } else { vec![copy] };
            let decision = decide(&copies, SIZE, &BOARD, |_| true);
            let mut after = wanted;
            let (sets, left) = ([wanted.first, wanted.first.other()], wanted.attempts);
            let start = if wanted.mode == Mode::Recovery && left.recovery > 0 {
                after.attempts.recovery -= 1;
                Start::Recovery { copy: wanted.copy, reason: Reason::Intent }
            } else if let Some(set) = sets.into_iter().find(|&set| left.of(set) > 0) {
                *after.attempts.of_mut(set) -= 1;
                Start::Set(set)
            } else if left.recovery > 0 {
                after.attempts.recovery -= 1;
                Start::Recovery { copy: wanted.copy, reason: Reason::Fallback }
            } else {
                after.attempts.recovery = 9;
                Start::Recovery { copy: wanted.copy.other(), reason: Reason::Fallback }
            };
            prop_assert_eq!(decision.start, Some(start));
            let [(to, saved)] = &decision.saves[..] else { panic!("it saves once") };
            prop_assert_eq!(*to, usize::from(redundant));
            let saved = Environment::decode(saved, redundant).unwrap();
            prop_assert_eq!(saved.observed().unwrap(), after.fresh());
            prop_assert_eq!((saved.get("bootcmd"), saved.get("odd"), saved.get("at")), (Some("x"), Some("a\\\\b"), Some("1")));
        }

        #[test]
        fn what_u_boot_believes_drydock_believes(
            wanted in any_wanted(), other in any_wanted(), flags in any::<[u8; 2]>(), flip in 0usize..SIZE, mask: u8, which: bool,
        ) {
            let mut copies = [&wanted, &other].map(|wanted| told(wanted).encode(SIZE, true).unwrap());
            copies[0][4] = flags[0];
            copies[1][4] = flags[1];
            copies[usize::from(which)][flip] ^= mask;
            let device = drydock_block::MemoryDevice::new(2 * SIZE as u64, drydock_block::SectorSize::S512);
            drydock_block::BlockDevice::write_at(&device, 0, &copies.concat()).unwrap();
            let place = drydock_state::u_boot::Place { offset: 0, second: Some(SIZE as u64), size: SIZE as u32 };
            let store = drydock_state::u_boot::UBoot::open(&device, place).unwrap();
            let copies = copies.map(Some);
            let memory = Memory::load(&copies, SIZE, &BOARD);
            let observed = drydock_state::Bootloader::observe(&store);
            prop_assert_eq!(memory.valid().is_some(), observed.is_ok());
            if let (Some((first, copy)), Ok(observed)) = (memory.valid(), observed) {
                prop_assert_eq!((first, copy), (observed.first, observed.copy));
                prop_assert_eq!(memory.counter("dd_a"), Some(observed.left.a));
            }
        }

        #[test]
        fn something_is_started_as_long_as_one_kernel_is_whole(
            bytes in proptest::collection::vec(any::<u8>(), 0..512), whole in 1u8..16, size in 0usize..SIZE,
        ) {
            let mut good = vec![0; 4];
            good.extend(&bytes);
            let checksum = crc32(&bytes).to_le_bytes();
            good[..4].copy_from_slice(&checksum);
            for copies in [vec![None], vec![Some(bytes)], vec![Some(good)], vec![None, None]] {
                let start = decide(&copies, size, &BOARD, is_whole(whole)).start.expect("one is whole");
                let kernel = match start {
                    Start::Set(set) => Kernel::Set(set),
                    Start::Recovery { copy, .. } => Kernel::Recovery(copy),
                };
                prop_assert!(is_whole(whole)(kernel), "{:?}", start);
            }
        }
    }

    #[test]
    fn where_nothing_is_whole_u_boots_built_in_environment_is_saved_for_drydock_to_add_to() {
        for redundant in [false, true] {
            let copies = vec![Some(vec![0xff; SIZE]); if redundant { 2 } else { 1 }];
            let decision = decide(&copies, SIZE, &BOARD, |_| true);
            assert_eq!(decision.start, Some(Start::Recovery { copy: CopyName::A, reason: Reason::Fallback }));
            let [(copy, saved)] = &decision.saves[..] else { panic!("{:?}", decision.saves) };
            assert_eq!(*copy, usize::from(redundant), "of two copies it is the second that is written");
            let saved = Environment::decode(saved, redundant).unwrap();
            assert_eq!((saved.get("bootcmd"), saved.get("dd_gen")), (Some("x"), None));
        }
    }

    #[test]
    fn a_start_that_cannot_be_counted_is_left_to_recovery() {
        let attempts = Starts { a: 3, b: 3, recovery: 0 };
        let (generation, copy) = (Generation(1), CopyName::A);
        let wanted = Wanted { generation, first: SetName::A, mode: Mode::Normal, attempts, copy };
        let copies = [Some(told(&wanted).encode(SIZE, false).unwrap())];
        let decision = decide(&copies, 0, &BOARD, |_| true);
        let fallback = Start::Recovery { copy: CopyName::A, reason: Reason::Fallback };
        assert_eq!((decision.start, decision.saves), (Some(fallback), vec![]));
    }
}
