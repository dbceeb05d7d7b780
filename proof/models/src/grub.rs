//! What GRUB makes of a boot environment: a model of `bootloader-scripts/grub/grub.cfg` and of the commands
//! `load_env` and `save_env` that it uses, byte for byte.
//!
//! The crash simulator lets it choose where a device would run GRUB; `qemu-tests` compares it with the real
//! one over a table of whole, damaged, torn, truncated and missing environments.

use crate::start::{Kernel, Reason, Start};
use drydock_state::{CopyName, SetName};

const SIGNATURE: &[u8] = b"# GRUB Environment Block\n";

/// GRUB's choice, and what it has written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What runs now; `None` means that nothing can be started, and GRUB tries again from the beginning.
    pub start: Option<Start>,
    /// The file `grubenv` afterwards, if there is one. GRUB does not flush it.
    pub file: Option<Vec<u8>>,
}

/// What GRUB does with this file `grubenv`, and with those kernels for which `whole` says that both files are there
/// and have the right hashes.
pub fn decide(file: Option<&[u8]>, whole: impl Fn(Kernel) -> bool) -> Decision {
    let mut file = file.map(<[u8]>::to_vec);
    let start = choose(&mut file, whole);
    Decision { start, file }
}

fn choose(file: &mut Option<Vec<u8>>, whole: impl Fn(Kernel) -> bool) -> Option<Start> {
    let set = |set| whole(Kernel::Set(set)).then_some(Start::Set(set));
    let recovery = |copy: CopyName, reason| {
        let copy = [copy, copy.other()].into_iter().find(|&copy| whole(Kernel::Recovery(copy)))?;
        Some(Start::Recovery { copy, reason })
    };
    let (mut first, mut copy) = (SetName::A, CopyName::A);
    if let Some((file, variables)) = file.as_mut().and_then(|file| Variables::load(file).map(|v| (file, v))) {
        (first, copy) = (variables.first, variables.copy);
        let mut left_recovery = variables.left_recovery;
        let mut counted = true;
        if variables.recovery_has_a_job && left_recovery > 0 {
            left_recovery -= 1;
            counted = save(file, b"dd_r", left_recovery);
            if let Some(start) = recovery(copy, Reason::Intent).filter(|_| counted) {
                return Some(start);
            }
        }
        for name in [first, first.other()] {
            let left = variables.left(name);
            if counted && left > 0 {
                counted = save(file, if name == SetName::A { b"dd_a" } else { b"dd_b" }, left - 1);
                if let Some(start) = set(name).filter(|_| counted) {
                    return Some(start);
                }
            }
        }
        if counted && left_recovery > 0 {
            save(file, b"dd_r", left_recovery - 1);
        } else if counted {
            // So often it did not come up: now the other one, and then from the beginning.
            copy = copy.other();
            save(file, b"dd_r", 9);
        }
    }
    recovery(copy, Reason::Fallback).or_else(|| set(first)).or_else(|| set(first.other()))
}

/// The variables that passed the script's check.
struct Variables {
    first: SetName,
    recovery_has_a_job: bool,
    left_a: u8,
    left_b: u8,
    left_recovery: u8,
    copy: CopyName,
}

impl Variables {
    fn load(file: &[u8]) -> Option<Self> {
        let all = load_env(file)?;
        let get = |name: &[u8]| all.iter().rev().find(|(key, _)| key == name).map_or(&b""[..], |(_, v)| v);
        let generation = get(b"dd_gen");
        let digits = generation.len() == 8 && generation.iter().all(u8::is_ascii_digit);
        if !digits || get(b"dd_end") != generation {
            return None;
        }
        let digit = |name| match get(name) {
            [digit @ b'0'..=b'9'] => Some(digit - b'0'),
            _ => None,
        };
        Some(Self {
            first: match get(b"dd_order") {
                b"ab" => SetName::A,
                b"ba" => SetName::B,
                _ => return None,
            },
            recovery_has_a_job: match get(b"dd_mode") {
                b"r" => true,
                b"n" => false,
                _ => return None,
            },
            left_a: digit(b"dd_a")?,
            left_b: digit(b"dd_b")?,
            left_recovery: digit(b"dd_r")?,
            copy: match get(b"dd_copy") {
                b"" | b"a" => CopyName::A,
                b"b" => CopyName::B,
                _ => return None,
            },
        })
    }

    fn left(&self, set: SetName) -> u8 {
        match set {
            SetName::A => self.left_a,
            SetName::B => self.left_b,
        }
    }
}

/// GRUB's `load_env`: all variables in the file's order; a later one replaces an earlier one. A line without `=`
/// becomes part of the next name, one without an end is dropped, a backslash takes the next byte as it is.
fn load_env(file: &[u8]) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    if file.len() <= SIGNATURE.len() || !file.starts_with(SIGNATURE) {
        return None;
    }
    let mut variables = Vec::new();
    let mut at = SIGNATURE.len();
    while at < file.len() {
        if file[at] != b'#' {
            let Some(equals) = file[at..].iter().position(|&b| b == b'=').map(|n| at + n) else { break };
            let end = value_end(file, equals + 1);
            if end >= file.len() {
                break;
            }
            let mut value = Vec::new();
            let mut bytes = file[equals + 1..end].iter();
            while let Some(&byte) = bytes.next() {
                value.extend(if byte == b'\\' { bytes.next().copied() } else { Some(byte) });
            }
            variables.push((until_nul(&file[at..equals]), until_nul(&value)));
            at = end;
        }
        at = value_end(file, at) + 1;
    }
    Some(variables)
}

/// GRUB's `save_env` of one variable with a value of one digit. False if it finds the block broken or full; then
/// nothing is written.
fn save(file: &mut [u8], name: &[u8], value: u8) -> bool {
    let padding = file.iter().rev().take_while(|&&b| b == b'#').count();
    let space = file.len() - padding;
    if file[space - 1] != b'\n' {
        return false;
    }
    let mut at = SIGNATURE.len();
    while at + name.len() + 1 < space {
        if file[at..].starts_with(name) && file[at + name.len()] == b'=' {
            let start = at + name.len() + 1;
            let end = value_end(file, start);
            if end >= file.len() || (end == start && padding == 0) {
                return false;
            }
            let (old, len) = (end - start, file.len());
            if old == 0 {
                file.copy_within(end..len - 1, start + 1);
            } else {
                file.copy_within(end.., start + 1);
                file[space - (old - 1)..space].fill(b'#');
            }
            file[start] = b'0' + value;
            return true;
        }
        at = value_end(file, at) + 1;
    }
    if padding < name.len() + 3 {
        return false;
    }
    let line = [name, &[b'=', b'0' + value, b'\n']].concat();
    file[space..space + line.len()].copy_from_slice(&line);
    true
}

/// Where the line at `at` ends: at its newline, or at or behind the file's end. Backslashes hide newlines.
fn value_end(file: &[u8], mut at: usize) -> usize {
    while at < file.len() && file[at] != b'\n' {
        at += if file[at] == b'\\' { 2 } else { 1 };
    }
    at
}

fn until_nul(bytes: &[u8]) -> Vec<u8> {
    bytes.split(|&b| b == 0).next().unwrap_or_default().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_state::grub::{decode_env, encode_env};
    use drydock_state::{Generation, Mode, Starts, Wanted};
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn a_whole_environment_is_obeyed_and_counted(told in any_wanted()) {
            let decision = decide(Some(&encode_env(&told)), |_| true);
            let mut after = told;
            let (sets, left) = ([told.first, told.first.other()], told.attempts);
            let start = if told.mode == Mode::Recovery && left.recovery > 0 {
                after.attempts.recovery -= 1;
                Start::Recovery { copy: told.copy, reason: Reason::Intent }
            } else if let Some(set) = sets.into_iter().find(|&set| left.of(set) > 0) {
                *after.attempts.of_mut(set) -= 1;
                Start::Set(set)
            } else if left.recovery > 0 {
                after.attempts.recovery -= 1;
                Start::Recovery { copy: told.copy, reason: Reason::Fallback }
            } else {
                after.attempts.recovery = 9;
                Start::Recovery { copy: told.copy.other(), reason: Reason::Fallback }
            };
            prop_assert_eq!(decision.start, Some(start));
            prop_assert_eq!(decision.file.unwrap(), encode_env(&after));
        }

        #[test]
        fn linux_and_grub_agree_on_which_environments_are_valid(
            a in any_wanted(), b in any_wanted(), cut in 0usize..512, flip in 0usize..512, mask in any::<u8>(),
        ) {
            let mut block = encode_env(&a);
            block[cut..].copy_from_slice(&encode_env(&b)[cut..]);
            block[flip] ^= mask;
            // GRUB may refuse more: what is refused goes to recovery, which writes it again.
            if Variables::load(&block).is_some() {
                prop_assert!(decode_env(&block).is_ok());
            }
        }

        #[test]
        fn something_is_started_as_long_as_one_kernel_is_whole(
            bytes in proptest::collection::vec(any::<u8>(), 0..512), whole in 1u8..16,
        ) {
            let index = |kernel| match kernel {
                Kernel::Set(SetName::A) => 0,
                Kernel::Set(SetName::B) => 1,
                Kernel::Recovery(CopyName::A) => 2,
                Kernel::Recovery(CopyName::B) => 3,
            };
            let is_whole = |kernel| whole >> index(kernel) & 1 == 1;
            let block = [SIGNATURE, &bytes].concat();
            for file in [None, Some(&bytes[..]), Some(&block)] {
                let start = decide(file, is_whole).start.expect("one is whole");
                let kernel = match start {
                    Start::Set(set) => Kernel::Set(set),
                    Start::Recovery { copy, .. } => Kernel::Recovery(copy),
                };
                prop_assert!(is_whole(kernel), "{:?}", start);
            }
        }
    }

    #[test]
    fn a_start_that_cannot_be_counted_is_left_to_recovery() {
        let mut block = encode_env(&Wanted {
            generation: Generation(1),
            first: SetName::A,
            mode: Mode::Normal,
            attempts: Starts { a: 3, b: 3, recovery: 0 },
            copy: CopyName::A,
        });
        block[511] = 0;
        let decision = decide(Some(&block), |_| true);
        let fallback = Start::Recovery { copy: CopyName::A, reason: Reason::Fallback };
        assert_eq!((decision.start, decision.file.as_deref()), (Some(fallback), Some(&block[..])));
        assert_eq!(
            decide(Some(&block), |k| k == Kernel::Set(SetName::B)).start,
            Some(Start::Set(SetName::B))
        );
    }
}
