//! A million clients in the model: before, and after.

use crate::Fallible;
use drydock_agents::herd::{Rule, Scene, Server, play};
use std::time::Duration;

/// How often servers want to be asked, in seconds: hawkBit's own, and what fits a million devices.
const SLEEPS: [u64; 2] = [300, 3600];
/// How many times the usual load the server bears.
const TIMES: u32 = 2;
/// How many requests may wait at one server: as many connections as Tomcat takes unless it is told otherwise.
const WAITING: u32 = 8192;
/// For how long the server is away, in hours.
const HOURS: u64 = 2;
const RULES: [(&str, Rule); 3] = [
    ("fixed", Rule::Fixed { again: None }),
    ("fixed, 30 s after an error", Rule::Fixed { again: Some(Duration::from_secs(30)) }),
    ("drydock", Rule::Ships),
];

/// Lets each rule go through each scene, and prints a table.
pub(crate) fn herd(clients: u32) -> Fallible<()> {
    println!("\n{clients} clients in the model; a server that bears {TIMES} times the usual load");
    println!(
        "| every | usual | what happens | pauses | busiest second | busiest minute, by second | 99 of 100 seconds | refused | all answered, min | usual again, min |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for sleep in SLEEPS.map(Duration::from_secs) {
        let scenes = [
            Scene::outage(clients, sleep, HOURS),
            Scene::power_returns(clients, sleep),
            Scene::power_returns_first(clients, sleep, HOURS),
        ];
        for scene in &scenes {
            let usual = f64::from(clients) / sleep.as_secs_f64();
            let server = Server { rate: (usual * f64::from(TIMES)) as u32, waiting: WAITING };
            for (name, rule) in RULES {
                let course = play(scene, server, rule, 1);
                let every = sleep.as_secs();
                println!("| {every} s | {usual:.0} | {} | {name} | {course} |", scene.name);
            }
        }
    }
    Ok(())
}
