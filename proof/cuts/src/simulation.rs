//! The half of the proof that runs on simulated disks.

use drydock_simulator::fetches::{self, Swept};
use drydock_simulator::operations::{self, Moments};
use drydock_simulator::proof::{Case, Depth, Findings, Proof};
use drydock_simulator::setup::SETUPS;
use drydock_simulator::workshop::Workshop;
use std::time::Instant;

/// One fetch in so many is followed by the update that it is for.
const INSTALLED: usize = 4;

/// Cuts fetches, and prints a line, and what went wrong.
pub fn run_fetches() -> Swept {
    let begun = Instant::now();
    let mut all = Swept::default();
    for chosen in SETUPS.into_iter().filter(|chosen| !chosen.data.is_blank()) {
        let workshop = Workshop::new(chosen);
        let moments = Moments::new(&workshop);
        let swept = fetches::cut_everywhere(&workshop, moments.fetches(), INSTALLED);
        all.states.extend(swept.states);
        all.runs += swept.runs;
        all.failures.extend(swept.failures.into_iter().map(|failure| format!("{}: {failure}", chosen.name)));
    }
    all.failures.iter().for_each(|failure| println!("cuts fetch {failure}"));
    println!(
        "{:12}  {:7} distinct states  {:7} fetches gone on with  {:3} failures  {:4} s",
        "fetch",
        all.states.len(),
        all.runs,
        all.failures.len(),
        begun.elapsed().as_secs()
    );
    all
}

/// Goes through every set-up and operation, or the one of this name, or does one case again. Prints a line a set-up, and
/// each failure with the words that lead back to it.
pub fn run(setup: Option<&str>, operation: Option<&str>, case: Option<&Case>, seed: u64) -> Findings {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let depth = Depth { thin: 1, samples: 150, second: 3, seldom: 1, threads, swallow: None };
    let mut all = Findings::default();
    for chosen in SETUPS.into_iter().filter(|own| setup.is_none_or(|name| name == own.name)) {
        let begun = Instant::now();
        let workshop = Workshop::new(chosen);
        let mut findings = Findings::default();
        for own in operations::all(&workshop) {
            if operation.is_some_and(|name| name != own.name) {
                continue;
            }
            let proof = Proof::new(&own, depth);
            let found = match case {
                Some(case) => proof.again(case),
                None => proof.run(seed),
            };
            for (case, failure) in &found.failures {
                println!("cuts {} {} {case}\n    {failure}", chosen.name, own.name);
            }
            findings.add(found);
        }
        println!(
            "{:12}  {:6} cuts  {:7} distinct states  {:7} devices run to their end  {:3} failures  {:4} s",
            chosen.name,
            findings.cuts,
            findings.states.len(),
            findings.runs,
            findings.failures.len(),
            begun.elapsed().as_secs()
        );
        all.add(findings);
    }
    all
}
