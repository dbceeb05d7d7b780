//! `make cuts`: cuts the power of simulated devices at every write and flush of every operation.
//!
//! `cuts` goes through everything; `cuts SETUP` through one set-up; `cuts SETUP OPERATION CASE` does one case again,
//! in the words that a failure was printed with.

use drydock_simulator::factory::{Factory, SETUPS};
use drydock_simulator::operations;
use drydock_simulator::proof::{Case, Depth, Findings, Kind, Proof};
use std::process::ExitCode;
use std::time::Instant;

/// The seed of all random choices; the same seed makes the same cuts.
const SEED: u64 = 1;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let depth = Depth { thin: 1, samples: 250, second: 5, seldom: 1, threads, swallow: None };
    let case = match words.get(2).map(|case| case.parse::<Case>()).transpose() {
        Ok(case) => case,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::from(2);
        }
    };
    let mut all = Findings::default();
    for setup in SETUPS.into_iter().filter(|setup| words.first().is_none_or(|name| name == setup.name)) {
        let begun = Instant::now();
        let factory = Factory::new(setup);
        let mut findings = Findings::default();
        for operation in operations::all(&factory) {
            let begun = Instant::now();
            if words.get(1).is_some_and(|name| name != operation.name) {
                continue;
            }
            let proof = Proof::new(&operation, depth);
            let found = match &case {
                Some(case) => proof.again(case),
                None => proof.run(SEED),
            };
            if std::env::var_os("CUTS_TIMES").is_some() {
                println!(
                    "    {:14} {:7} states  {:7} runs  {:4} s",
                    operation.name,
                    found.states.len(),
                    found.runs,
                    begun.elapsed().as_secs()
                );
            }
            for (case, failure) in &found.failures {
                println!("{} {} {case}\n    {failure}", setup.name, operation.name);
            }
            findings.add(found);
        }
        println!(
            "{:10}  {:6} cuts  {:7} distinct states  {:7} devices run to their end  {:3} failures  {:4} s",
            setup.name,
            findings.cuts,
            findings.states.len(),
            findings.runs,
            findings.failures.len(),
            begun.elapsed().as_secs()
        );
        all.add(findings);
    }
    let count = |kind| all.failures.iter().filter(|(_, failure)| failure.kind == kind).count();
    println!(
        "{} distinct states simulated, {} cut points, {} devices run to their end",
        all.states.len(),
        all.cuts,
        all.runs
    );
    println!(
        "bricked {}, neither old nor new {}, told what is not so {}, promises broken {}",
        count(Kind::Bricked),
        count(Kind::Half),
        count(Kind::Lie),
        count(Kind::Broken)
    );
    if all.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
