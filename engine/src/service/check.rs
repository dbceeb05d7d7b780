//! Whether the disk can be read and free memory holds what it is given. Nothing is written to the disk.

use super::page::harmless;
use super::scene::Scene;
use crate::machine::Machine;
use drydock_block::BlockDevice;
use std::hint::black_box;
use std::time::Duration;

/// So much is read at once.
const CHUNK: usize = 1 << 20;
/// What can't be read is looked at in parts of this size.
const PART: u64 = 64 << 10;
/// How long a disk may try to read one part.
const READ: Duration = Duration::from_secs(60);
/// How often it is said how far a check is, in hundredths.
const SAID: u64 = 10;
/// So many places are named.
const NAMED: usize = 4;
/// Memory is taken in parts of this size.
const BLOCK: usize = 8 << 20;
/// At most so much of it is tried.
const MOST: u64 = 1 << 30;
/// What is written to memory, one after the other: every bit is once set and once not, beside one that is not.
const PATTERNS: [u64; 4] = [0x5555_5555_5555_5555, 0xaaaa_aaaa_aaaa_aaaa, 0, u64::MAX];

/// Reads all partitions of our disk from their first byte to their last. Returns what was found.
pub(super) fn disk<M: Machine>(scene: &Scene<'_, M>) -> String {
    let (mut bad, mut read) = (Vec::new(), 0);
    scene.say("Reading the whole disk; Enter stops it.");
    for (label, device) in scene.machine.extents() {
        let label = harmless(&label, 36);
        let device = match device {
            Ok(device) => device,
            Err(error) => {
                bad.push(format!("{label}: {error}"));
                continue;
            }
        };
        let (size, mut at, mut said) = (device.size(), 0, 0);
        while at < size {
            let length = size.saturating_sub(at).min(CHUNK as u64);
            scene.machine.events().allow(READ);
            if !is_readable(&device, at, length) {
                let part = (at..at + length).step_by(PART as usize).find(|at| {
                    scene.machine.events().allow(READ);
                    !is_readable(&device, *at, (size - at).min(PART))
                });
                bad.push(format!("{label} at {}", part.unwrap_or(at)));
            }
            at += length;
            read += length;
            let done = at * 100 / size;
            if done >= said + SAID {
                said = done;
                scene.say(&format!("{label:<36} {done:3} %"));
            }
            if scene.is_stopped() {
                return format!("Stopped. {}", verdict(read, &bad));
            }
        }
    }
    verdict(read, &bad)
}

fn is_readable(device: &dyn BlockDevice, at: u64, length: u64) -> bool {
    drydock_block::read_vec(device, at, length as usize).is_ok()
}

fn verdict(read: u64, bad: &[String]) -> String {
    let mib = read >> 20;
    if bad.is_empty() {
        return format!("{mib} MiB were read without an error.");
    }
    let more = if bad.len() > NAMED { ", and more" } else { "" };
    let named = bad.get(..bad.len().min(NAMED)).unwrap_or_default().join(", ");
    format!("Of {mib} MiB {} places can't be read: {named}{more}. Replace the disk.", bad.len())
}

/// Writes patterns to half of the memory that is free, and reads them back. Returns what was found.
pub(super) fn memory<M: Machine>(scene: &Scene<'_, M>) -> String {
    let wanted = (scene.machine.free_memory() / 2).min(MOST);
    let mut blocks: Vec<Vec<u64>> = Vec::new();
    scene.say(&format!("Trying {} MiB of free memory; Enter stops it.", wanted >> 20));
    while (blocks.len() + 1) * BLOCK <= wanted as usize {
        let mut block = Vec::new();
        if block.try_reserve_exact(BLOCK / size_of::<u64>()).is_err() {
            break;
        }
        block.resize(BLOCK / size_of::<u64>(), 0);
        blocks.push(block);
    }
    let mib = (blocks.len() * BLOCK) >> 20;
    for (round, pattern) in (1..).zip(PATTERNS) {
        for (number, block) in blocks.iter_mut().enumerate() {
            scene.machine.events().allow(READ);
            fill(block, number, pattern);
            if scene.is_stopped() {
                return "Stopped; nothing was found so far.".into();
            }
        }
        for (number, block) in blocks.iter().enumerate() {
            scene.machine.events().allow(READ);
            if let Some(at) = wrong(block, number, pattern) {
                let place = number * BLOCK + at * size_of::<u64>();
                return format!(
                    "Memory does not hold what it is given ({place} bytes into what was tried). Replace it."
                );
            }
        }
        scene.say(&format!("round {round} of {}", PATTERNS.len()));
    }
    match mib {
        0 => "There is too little free memory to try any.".into(),
        mib => format!("{mib} MiB of memory hold what they are given."),
    }
}

/// Every word is unlike all others, so that one that is reached by two addresses shows, however far they are apart.
fn word(pattern: u64, block: usize, at: usize) -> u64 {
    pattern ^ (block * (BLOCK / size_of::<u64>()) + at) as u64
}

fn fill(block: &mut [u64], number: usize, pattern: u64) {
    for (at, place) in block.iter_mut().enumerate() {
        *place = word(pattern, number, at);
    }
    // What is never looked at need not be written.
    black_box(block);
}

fn wrong(block: &[u64], number: usize, pattern: u64) -> Option<usize> {
    black_box(block).iter().enumerate().position(|(at, place)| *place != word(pattern, number, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_that_does_not_stay_is_found_by_one_of_the_patterns() {
        for stuck in 0..64 {
            for value in [0, 1_u64 << stuck] {
                let found = PATTERNS.iter().any(|pattern| {
                    let mut block = vec![0; 100];
                    fill(&mut block, 3, *pattern);
                    block[50] = block[50] & !(1 << stuck) | value;
                    wrong(&block, 3, *pattern) == Some(50)
                });
                assert!(found, "bit {stuck} that is {value}");
            }
        }
    }

    #[test]
    fn a_line_of_address_that_does_nothing_is_found() {
        let mut block = vec![0; 64];
        fill(&mut block, 0, PATTERNS[0]);
        for at in 32..64 {
            block[at - 32] = block[at];
        }
        assert_eq!(wrong(&block, 0, PATTERNS[0]), Some(0));
    }

    #[test]
    fn blocks_that_are_one_are_found() {
        for pattern in PATTERNS {
            let mut only = vec![0; 64];
            fill(&mut only, 0, pattern);
            fill(&mut only, 1, pattern);
            assert_eq!(wrong(&only, 0, pattern), Some(0));
        }
    }

    #[test]
    fn only_some_places_are_named() {
        let bad: Vec<String> = (0..9).map(|n| format!("root-a at {n}")).collect();
        let told = verdict(5 << 20, &bad);
        assert!(told.contains("9 places") && told.contains("root-a at 3, and more"), "{told}");
        assert_eq!(verdict(5 << 20, &[]), "5 MiB were read without an error.");
    }
}
