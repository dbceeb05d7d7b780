//! Which of the many disks that a cut could leave are booted.

use crate::blklog::Entry;
use crate::recording::{Recording, play};
use drydock_fixtures::Random;
use drydock_simulator::cut::Choice;
use drydock_simulator::proof::Case;
use std::collections::HashSet;

/// So many cuts are drawn between two flushes; those that leave a disk that another one leaves are dropped.
const DRAWN: usize = 200;

/// Chooses at most `count` cuts, none of which leaves the same disk as another, in the order in which they happen.
///
/// Every gap between two flushes gives one disk in turn, however little or much is written in it. So most are from the
/// few sectors of state, boot environment and trailers, where a wrong order would show, and the others are spread over
/// filesystems and images. Each gap's first disk is the one where all has arrived, on the verge of the flush. With a
/// `count` below the number of gaps, it is the seed that says which ones give a disk.
pub fn choose(recording: &Recording, count: usize, seed: u64) -> Vec<Case> {
    let mut random = Random::new(seed);
    let mut replay = recording.replay();
    let nothing = Choice::Prefix(0);
    let mut seen = HashSet::from([replay.fingerprint(nothing)]);
    let mut found = vec![((0, 0), Case { cut: 0, choice: nothing, second: None })];
    let mut start = 0;
    for gap in recording.entries.split_inclusive(|entry| matches!(entry, Entry::Flush)) {
        let flush = gap.iter().filter(|entry| matches!(entry, Entry::Flush)).count();
        let writes = gap.len() - flush;
        let draws: Vec<usize> = (0..DRAWN).map(|_| random.below(writes + 1)).collect();
        let mut here = Vec::new();
        for done in 0..=writes {
            let flight = replay.flight();
            let drawn = draws.iter().filter(|draw| **draw == done);
            let mut choices: Vec<_> = drawn.map(|_| Choice::any(flight, &mut random)).collect();
            if done == writes {
                choices.insert(0, Choice::Prefix(flight));
            }
            choices.retain(|choice| seen.insert(replay.fingerprint(*choice)));
            here.extend(choices.into_iter().map(|choice| Case { cut: start + done, choice, second: None }));
            if let Some(entry) = gap.get(done) {
                play(&mut replay, entry);
            }
        }
        let verge = here.iter().position(|case| case.cut == start + writes);
        if let Some(verge) = verge {
            here.swap(0, verge);
        }
        (2..here.len()).for_each(|n| here.swap(n, 1 + random.below(n)));
        found.extend(here.into_iter().enumerate().map(|(round, case)| ((round, random.number()), case)));
        start += gap.len();
    }
    found.sort_by_key(|(key, _)| *key);
    let mut cases: Vec<Case> = found.into_iter().take(count).map(|(_, case)| case).collect();
    cases.sort_by_key(|case| case.cut);
    cases
}
