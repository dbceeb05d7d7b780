//! A part of the proof that takes a minute, and the proof that it can fail. `make cuts` is the whole.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_block::Flush;
use drydock_simulator::disk::Op;
use drydock_simulator::operations::{self, Operation};
use drydock_simulator::proof::{Depth, Findings, Proof};
use drydock_simulator::setup::{SETUPS, Setup, WITH_EFI_BOOT_GUARD, WITH_U_BOOT, WITHOUT_BOOTLOADER};
use drydock_simulator::workshop::Workshop;
use std::collections::BTreeSet;

const DEPTH: Depth = Depth { thin: 40, samples: 32, second: 1, seldom: 8, threads: 2, swallow: None };

/// The first set-up: slots in the clear, sectors of 512 bytes, `data` with something in it.
const ORDINARY: usize = 0;
/// A `data` in the clear that the first boot makes.
const FIRST_BOOT: usize = 4;

fn a_part_of(setup: usize, least: usize) {
    a_part_of_one(SETUPS[setup], DEPTH, least);
}

fn a_part_of_one(setup: Setup, depth: Depth, least: usize) {
    let workshop = Workshop::new(setup);
    let mut all = Findings::default();
    for operation in operations::all(&workshop) {
        let findings = Proof::new(&operation, depth).run(1);
        for (case, failure) in &findings.failures {
            println!("cuts {} {} {case}\n    {failure}", workshop.setup.name, operation.name);
        }
        all.add(findings);
    }
    println!("{}: {} states, {} devices", workshop.setup.name, all.states.len(), all.runs);
    assert!(
        all.failures.is_empty(),
        "the lines above lead back to each case: cargo run --bin cuts -- SETUP ..."
    );
    assert!(all.states.len() > least, "{}", all.states.len());
}

#[test]
fn plain_slots_with_small_sectors_survive_cuts() {
    a_part_of(0, 500);
}

#[test]
fn plain_slots_with_large_sectors_survive_cuts() {
    a_part_of(1, 500);
}

#[test]
fn luks_slots_with_small_sectors_survive_cuts() {
    a_part_of(2, 500);
}

#[test]
fn luks_slots_with_large_sectors_survive_cuts() {
    a_part_of(3, 500);
}

#[test]
fn a_first_boot_and_what_a_cut_tears_later_survive_cuts_with_small_sectors() {
    a_part_of(FIRST_BOOT, 70);
}

#[test]
fn a_first_boot_on_an_erased_disk_with_large_sectors_survives_cuts() {
    a_part_of(5, 70);
}

#[test]
fn a_first_boot_that_makes_a_luks_volume_survives_cuts() {
    a_part_of(6, 100);
}

#[test]
fn two_copies_of_u_boots_environment_survive_cuts_of_drydocks_writes_and_of_u_boots_own() {
    a_part_of_one(WITH_U_BOOT[0], DEPTH, 500);
}

#[test]
fn one_copy_of_u_boots_environment_survives_cuts_with_large_sectors() {
    a_part_of_one(WITH_U_BOOT[1], DEPTH, 500);
}

#[test]
fn a_device_without_a_bootloader_survives_cuts_of_what_process_1_counts_itself() {
    a_part_of_one(WITHOUT_BOOTLOADER, DEPTH, 500);
}

#[test]
fn a_device_with_efi_boot_guard_survives_cuts_in_the_loaders_own_writes_too() {
    // Each look at its files reads and sums up 264 KB.
    a_part_of_one(WITH_EFI_BOOT_GUARD, Depth { thin: 200, samples: 8, ..DEPTH }, 100);
}

/// The flushes of an operation that nothing disturbs.
fn flushes(operation: &Operation<'_>, depth: Depth) -> BTreeSet<Flush> {
    let proof = Proof::new(operation, depth);
    let name = |op: &Op| if let Op::Flush(name) = op { Some(*name) } else { None };
    proof.log().iter().filter_map(name).collect()
}

/// Looks for a device that breaks because this flush does nothing; says which.
fn notices(operations: &[Operation<'_>], flush: Flush, second: usize) -> Option<String> {
    let depth = Depth { swallow: Some(flush), second, ..DEPTH };
    let mut users = operations.iter().filter(|operation| flushes(operation, DEPTH).contains(&flush));
    users.find_map(|operation| {
        let findings = Proof::new(operation, depth).run(1);
        let (case, failure) = findings.failures.into_iter().next()?;
        Some(format!("without {flush:?}: {} {case}: {failure}", operation.name))
    })
}

/// Every flush is needed: without it, a device breaks somewhere.
#[test]
fn a_flush_that_does_nothing_is_noticed() {
    let ordinary = Workshop::new(SETUPS[ORDINARY]);
    let operations = operations::all(&ordinary);
    let used = operations.iter().flat_map(|operation| flushes(operation, DEPTH)).collect::<BTreeSet<_>>();
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
    // A reset that is cut begins its volume anew, and so does a first boot, whose mark says that nothing is lost by it: they
    // do not need these. Who formats without a stash and a mark does, and luks/tests/cuts.rs shows it.
    let of_a_format =
        [Flush::LuksOldHeaderWiped, Flush::LuksKeyMaterial, Flush::LuksFirstHeader, Flush::LuksSecondHeader];
    assert_eq!(used, known.into_iter().chain(of_a_format).collect());
    for flush in known {
        match notices(&operations, flush, 4) {
            Some(told) => println!("{told}"),
            None => panic!("nothing notices that {flush:?} does nothing"),
        }
    }
}

/// A first boot has flushes of its own of the same name as a reset's.
#[test]
fn a_flush_that_does_nothing_is_noticed_at_a_first_boot() {
    let workshop = Workshop::new(SETUPS[FIRST_BOOT]);
    let operations = operations::all(&workshop);
    let told = notices(&operations[..1], Flush::FilesystemWritten, 1);
    println!("{}", told.expect("a first boot needs its flushes"));
}
