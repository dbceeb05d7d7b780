//! A part of the proof that takes a minute, and the proof that it can fail. `make cuts` is the whole.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_block::Flush;
use drydock_simulator::disk::Op;
use drydock_simulator::factory::{Factory, SETUPS};
use drydock_simulator::operations::{self, Operation};
use drydock_simulator::proof::{Depth, Findings, Proof};
use std::collections::BTreeSet;

const DEPTH: Depth = Depth { thin: 40, samples: 32, second: 1, seldom: 8, threads: 2, swallow: None };

fn a_part_of(setup: usize) {
    let factory = Factory::new(SETUPS[setup]);
    let mut all = Findings::default();
    for operation in operations::all(&factory) {
        let findings = Proof::new(&operation, DEPTH).run(1);
        for (case, failure) in &findings.failures {
            println!("cuts {} {} {case}\n    {failure}", factory.setup.name, operation.name);
        }
        all.add(findings);
    }
    println!("{}: {} states, {} devices", factory.setup.name, all.states.len(), all.runs);
    assert!(
        all.failures.is_empty(),
        "the lines above lead back to each case: cargo run --bin cuts -- SETUP ..."
    );
    assert!(all.states.len() > 500, "{}", all.states.len());
}

#[test]
fn plain_slots_with_small_sectors_survive_cuts() {
    a_part_of(0);
}

#[test]
fn plain_slots_with_large_sectors_survive_cuts() {
    a_part_of(1);
}

#[test]
fn luks_slots_with_small_sectors_survive_cuts() {
    a_part_of(2);
}

#[test]
fn luks_slots_with_large_sectors_survive_cuts() {
    a_part_of(3);
}

/// The flushes of an operation that nothing disturbs.
fn flushes(operation: &Operation<'_>, depth: Depth) -> BTreeSet<Flush> {
    let proof = Proof::new(operation, depth);
    let name = |op: &Op| if let Op::Flush(name) = op { Some(*name) } else { None };
    proof.log().iter().filter_map(name).collect()
}

/// Every flush is needed: without it, a device breaks somewhere.
#[test]
fn a_flush_that_does_nothing_is_noticed() {
    let factory = Factory::new(SETUPS[0]);
    let operations = operations::all(&factory);
    let used: Vec<BTreeSet<Flush>> = operations.iter().map(|operation| flushes(operation, DEPTH)).collect();
    let known = [
        Flush::TrailerInvalidated,
        Flush::ImageWritten,
        Flush::TrailerWritten,
        Flush::StateFirstReplica,
        Flush::StateSecondReplica,
        Flush::BootEnvironment,
        Flush::StashCommitted,
        Flush::StashCleared,
        Flush::FilesystemWritten,
        Flush::PartitionWiped,
        Flush::BundleOffered,
    ];
    // A reset that is cut begins its volume anew, so it does not need these; who formats without a stash does, and
    // luks/tests/cuts.rs shows it.
    let of_a_format =
        [Flush::LuksOldHeaderWiped, Flush::LuksKeyMaterial, Flush::LuksFirstHeader, Flush::LuksSecondHeader];
    assert_eq!(
        used.iter().flatten().copied().collect::<BTreeSet<_>>(),
        known.into_iter().chain(of_a_format).collect()
    );
    for flush in known {
        let depth = Depth { swallow: Some(flush), second: 4, ..DEPTH };
        let users = operations.iter().zip(&used).filter(|(_, used)| used.contains(&flush));
        let found = users.map(|(operation, _)| operation).find_map(|operation| {
            let findings = Proof::new(operation, depth).run(1);
            findings.failures.into_iter().next().map(|(case, failure)| (operation.name, case, failure))
        });
        match found {
            Some((name, case, failure)) => println!("without {flush:?}: {name} {case}: {failure}"),
            None => panic!("nothing notices that {flush:?} does nothing"),
        }
    }
}
