//! `make cuts`: cuts the power of devices, simulated ones and ones in QEMU, and lets all of them run to their end.
//!
//! - `cuts`: everything, and a summary;
//! - `cuts SETUP [OPERATION [CASE]]`: of the simulation, one set-up, one operation, one case again;
//! - `cuts fetch`: fetches from a server;
//! - `cuts boot [RECORDING [CASE | NUMBER]]`: in QEMU, all recordings, one with so many cuts, or one case of the
//!   recording that was made last.
//!
//! A failure is printed with the words that do it again.

use drydock_cuts::{boots, job::Job, points, recording::Recording, simulation};
use drydock_qemu_tests::QemuError;
use drydock_simulator::fetches::Swept;
use drydock_simulator::proof::{Case, Findings, Kind};
use std::process::ExitCode;
use std::time::Instant;

/// The seed of all random choices.
const SEED: u64 = 1;
/// How many cuts of each recording are booted.
const BOOTED: usize = 51;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("cuts: {why}");
            ExitCode::from(2)
        }
    }
}

/// Does what the words say, and tells whether nothing was found.
fn run(words: &[&str]) -> Result<bool, String> {
    let count = words.get(2).and_then(|word| word.parse().ok());
    let case = words.get(2).filter(|_| count.is_none()).map(|case| case.parse::<Case>()).transpose()?;
    let count = count.unwrap_or(BOOTED);
    let (nothing, no_fetches) = (Findings::default, Swept::default);
    let (simulated, fetched, booted) = match words.first() {
        None => {
            let simulated = simulation::run(None, None, None, SEED);
            (simulated, simulation::run_fetches(), boot(None, None, count)?)
        }
        Some(&"fetch") => (nothing(), simulation::run_fetches(), nothing()),
        Some(&"boot") => (nothing(), no_fetches(), boot(words.get(1).copied(), case.as_ref(), count)?),
        setup => {
            let simulated = simulation::run(setup.copied(), words.get(1).copied(), case.as_ref(), SEED);
            (simulated, no_fetches(), nothing())
        }
    };
    let failures = || simulated.failures.iter().chain(&booted.failures);
    let count = |kind| failures().filter(|(_, failure)| failure.kind == kind).count();
    println!("distinct states simulated: {}", simulated.states.len() + fetched.states.len());
    println!("cut points booted in QEMU: {}", booted.cuts);
    println!("bricked: {}", count(Kind::Bricked));
    println!("results that were neither old nor new: {}", count(Kind::Half));
    println!("histories that lied: {}", count(Kind::Lie));
    println!("promises broken: {}", count(Kind::Broken));
    println!("fetches that went wrong: {}", fetched.failures.len());
    Ok(failures().next().is_none() && fetched.failures.is_empty())
}

/// Records and boots; a single case is one of a recording that is there.
fn boot(name: Option<&str>, case: Option<&Case>, count: usize) -> Result<Findings, String> {
    let text = |error: QemuError| error.to_string();
    let mut all = Findings::default();
    if let (Some(name), Some(case)) = (name, case) {
        let recording = Recording::load(name).map_err(text)?;
        all.add(report(&recording, std::slice::from_ref(case)));
        return Ok(all);
    }
    let names = name.map_or_else(|| Job::NAMES.to_vec(), |name| vec![name]);
    let jobs = names.into_iter().map(Job::named).collect::<Result<Vec<_>, _>>().map_err(text)?;
    // A guest has one processor: the recordings are made side by side.
    let recordings = std::thread::scope(|scope| {
        let made: Vec<_> = jobs.iter().map(|job| scope.spawn(|| Recording::make(job.name, job))).collect();
        made.into_iter().map(|made| made.join().expect("a recording")).collect::<Result<Vec<_>, _>>()
    });
    for recording in recordings.map_err(text)? {
        all.add(report(&recording, &points::choose(&recording, count, SEED)));
    }
    Ok(all)
}

/// Boots, and prints a line.
fn report(recording: &Recording, cases: &[Case]) -> Findings {
    let begun = Instant::now();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let findings = boots::run(recording, cases, threads);
    println!(
        "{:12}  {:6} cuts  of {} writes and flushes in QEMU, {} boots  {:3} failures  {:4} s",
        recording.name,
        findings.cuts,
        recording.entries.len(),
        findings.runs,
        findings.failures.len(),
        begun.elapsed().as_secs()
    );
    findings
}
