//! The power is cut at every request and at every write of the agent, and at the end server and device agree.

use crate::flows::{run, sites};
use drydock_agents::{Moment, When};
use drydock_simulator::disk::Arrives;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

#[test]
fn after_a_cut_at_any_moment_server_and_device_agree() {
    let sites = sites();
    let mut points = Vec::new();
    for (site, flows) in &sites {
        for flow in *flows {
            let (faults, (requests, acts)) = run(site, flow, None);
            assert_eq!(faults, Vec::<String>::new(), "{}", flow.name);
            for request in 0..requests {
                for when in [When::Unsent, When::Served, When::Answered] {
                    points.push((site, flow, Moment::Request(request, when)));
                }
            }
            for act in 1..=acts {
                for arrives in [Arrives::All, Arrives::Nothing] {
                    points.push((site, flow, Moment::Act(act, arrives)));
                }
            }
        }
    }
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((site, flow, moment)) = points.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let ran = catch_unwind(AssertUnwindSafe(|| run(site, flow, Some(*moment)).0));
                    let faults = ran.unwrap_or_else(|_| vec!["it does not come to an end".into()]);
                    if !faults.is_empty() {
                        let mut failures = failures.lock().unwrap();
                        failures.push(format!("{}, cut at {moment:?}: {faults:?}", flow.name));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    println!("{} cuts, {} of them with faults", points.len(), failures.len());
    assert!(points.len() >= 500, "only {} cuts", points.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
