//! `make bench-fleet`: what a server has to bear from a fleet, and how a rollout goes.
//!
//! `bench-fleet` lets agents, the code that ships on light simulated devices, follow the double of hawkBit, and a real one if the
//! environment names its jar in `HAWKBIT_JAR`: polls a second, what each costs the server, its memory, the bytes of an idle
//! device, and the time that a rollout takes. Then it lets a million clients in a model do what these figures can't show.
//! `bench-fleet double|real|herd [COUNT]` does one of the three. It measures, and holds nothing against a limit: that is for the
//! tests.

mod herd;
mod process;
mod rounds;
mod serve;
#[cfg(feature = "network")]
mod wire;

use std::process::ExitCode;

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

const USAGE: &str = "usage: bench-fleet [double|real|herd [COUNT]]";
/// How many agents follow the double, and how many a real server, unless said otherwise.
const AGENTS: u32 = 10_000;
const REAL: u32 = 1_000;
/// How many clients the model has, unless said otherwise.
const CLIENTS: u32 = 1_000_000;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        // A process of its own, so that what it takes can be told from what agents take.
        ["serve"] => serve::serve(),
        [] => all(),
        [what] => one(what, None),
        [what, count] => match count.parse::<u32>() {
            Ok(count) if count > 0 => one(what, Some(count)),
            _ => Err(USAGE.into()),
        },
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("bench-fleet: {why}");
            ExitCode::FAILURE
        }
    }
}

fn all() -> Fallible<()> {
    one("double", None)?;
    match std::env::var_os("HAWKBIT_JAR").filter(|jar| !jar.is_empty()) {
        Some(_) => one("real", None)?,
        None => println!("\na real hawkBit: left out, HAWKBIT_JAR names none"),
    }
    one("herd", None)
}

fn one(what: &str, count: Option<u32>) -> Fallible<()> {
    println!("\n{}", process::machine()?);
    match what {
        "double" => rounds::rounds(serve::Which::Double, count.unwrap_or(AGENTS)),
        "real" => rounds::rounds(serve::Which::Real, count.unwrap_or(REAL)),
        "herd" => herd::herd(count.unwrap_or(CLIENTS)),
        _ => Err(USAGE.into()),
    }
}
