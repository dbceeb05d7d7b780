//! Agents and one server: what they cost it, and how a rollout goes.

use crate::Fallible;
use crate::serve::{Served, Which};
use drydock_agents::crowd::{Crowd, LIGHT, Tally};
use drydock_format::sha256;
use drydock_hawkbit::RolloutOf;
use drydock_simulator::workshop::{COMPATIBLE, Workshop};
use std::time::{Duration, Instant};

/// The groups of a rollout, and the thresholds that `drydock-fleet rollout` has unless it is told others.
const GROUPS: u32 = 5;
const SUCCESS: u32 = 50;
const ERROR: u32 = 10;
/// How often it is asked how far a rollout is.
const LOOK: Duration = Duration::from_secs(1);
/// A rollout that takes longer is given up.
const PATIENCE: Duration = Duration::from_secs(3600);
const MB: f64 = 1e6;

/// Measures one server.
pub(crate) fn rounds(which: Which, agents: u32) -> Fallible<()> {
    let served = Served::start(which)?;
    println!("\n{agents} agents and {}", served.name);
    let workshop = Workshop::new(LIGHT);
    let crowd = Crowd::new(&workshop, agents, &served.url, &served.key);
    println!("  memory of the server before: {:.0} MB", served.taken()?.memory as f64 / MB);
    phase("the first turn of each: registers, and tells what it is", &served, || crowd.take_turns(1))?;
    phase("one more, which asks anew", &served, || crowd.take_turns(1))?;
    phase("polls in which nothing is new", &served, || crowd.take_turns(if agents < 3000 { 5 } else { 2 }))?;
    let own = crate::process::taken(std::process::id())?.memory.saturating_sub(served.taken()?.memory);
    println!(
        "  memory of an agent with its simulated device: {:.0} kB",
        own as f64 / f64::from(agents) / 1e3
    );
    #[cfg(feature = "network")]
    crate::wire::wire(&served, &workshop)?;
    rollout(&served, &workshop, &crowd, agents)?;
    let violations = crowd.violations();
    if violations.is_empty() { Ok(()) } else { Err(violations.join("; ").into()) }
}

/// Measures what turns cost the server.
fn phase(what: &str, served: &Served, work: impl FnOnce() -> Tally) -> Fallible<()> {
    let (before, begun) = (served.taken()?, Instant::now());
    let tally = work();
    let (after, seconds) = (served.taken()?, begun.elapsed().as_secs_f64());
    let cost = (after.time - before.time).as_secs_f64();
    println!(
        "  {what}: {} requests in {seconds:.1} s, {:.0} a second; of the server {:.2} ms of processor time each, {:.0} MB; {} troubles",
        tally.requests,
        tally.requests as f64 / seconds,
        cost * 1000.0 / tally.requests.max(1) as f64,
        after.memory as f64 / MB,
        tally.troubles,
    );
    Ok(())
}

/// Gives all of them version 2, group by group, and waits until 99 of 100 have it.
fn rollout(served: &Served, workshop: &Workshop, crowd: &Crowd<'_>, agents: u32) -> Fallible<()> {
    let operator = served.operator();
    let release = workshop.version("2");
    let module = operator.module(COMPATIBLE, "2");
    operator.upload(module, "2.drydock", &release.bundle);
    operator.module_metadata(module, "manifest", &sha256(&release.manifest).to_string(), true);
    let set = operator.distribution_set(COMPATIBLE, "2", &[module]);
    let of = RolloutOf {
        name: "all",
        set,
        search: "controllerId==device-*",
        groups: GROUPS,
        success: SUCCESS,
        error: ERROR,
    };
    let made = Instant::now();
    let id = operator.rollout(&of);
    let made = made.elapsed().as_secs_f64();
    let before = served.taken()?;
    operator.start_rollout(id);
    let begun = Instant::now();
    let (mut half, mut most, mut done, mut asked) = (None, None, 0, Instant::now());
    let tally = crowd.live(|| {
        if asked.elapsed() < LOOK {
            return false;
        }
        asked = Instant::now();
        let shown = operator.rollout_status(id);
        done = shown["totalTargetsPerStatus"]["finished"].as_u64().unwrap_or_default();
        let since = begun.elapsed().as_secs_f64();
        let reached = |per_cent: u64| done * 100 >= u64::from(agents) * per_cent;
        half = half.or(reached(50).then_some(since));
        most = most.or(reached(99).then_some(since));
        most.is_some() || begun.elapsed() > PATIENCE
    });
    let cost = (served.taken()?.time - before.time).as_secs_f64();
    let told = |time: Option<f64>| time.map_or("not reached".into(), |time| format!("{time:.0} s"));
    println!(
        "  a rollout to {agents} in {GROUPS} groups ({SUCCESS} and {ERROR} per cent), polled every 30 s: made in {made:.0} s, 50 % after {}, 99 % after {} ({done} done); {} requests, {:.1} for each update; of the server {:.1} ms of processor time for each update, {:.0} MB; {} troubles",
        told(half),
        told(most),
        tally.requests,
        tally.requests as f64 / done.max(1) as f64,
        cost * 1000.0 / done.max(1) as f64,
        served.taken()?.memory as f64 / MB,
        tally.troubles,
    );
    Ok(())
}
