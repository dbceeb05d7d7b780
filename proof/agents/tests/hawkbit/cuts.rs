//! The power is cut at every request and at every write of the agent, and at the end server and device agree.

use crate::flows::{run, sites};
use drydock_agents::{each, moments};
use std::io::Write;

#[test]
fn after_a_cut_at_any_moment_server_and_device_agree() {
    let sites = sites();
    let mut points = Vec::new();
    for (at, (site, flows)) in sites.iter().enumerate() {
        for (number, flow) in flows.iter().enumerate() {
            let (faults, work) = run(site, flow, None);
            assert_eq!(faults, Vec::<String>::new(), "{}", flow.name);
            points.extend(moments(work).into_iter().map(|moment| (at, number, moment)));
        }
    }
    let failures = each(&points, |(at, number, moment)| {
        let (site, flows) = &sites[*at];
        let flow = &flows[*number];
        let (faults, _) = run(site, flow, Some(*moment));
        faults.into_iter().map(|fault| format!("{}: {fault}", flow.name)).collect()
    });
    // Past the capture of what tests print: it is a figure that every run shows.
    let told = format!("agents of hawkBit: {} cuts, {} of them with faults", points.len(), failures.len());
    writeln!(std::io::stderr(), "{told}").unwrap();
    assert!(points.len() >= 500, "only {} cuts", points.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
