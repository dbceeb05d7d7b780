//! The power is cut at every request and at every write of an agent that follows a channel.

use crate::site::Site;
use drydock_agents::{Life, Moment, each, moments};
use drydock_config::Fleet;
use std::io::Write;

/// What is done, what is told of it, and which version runs then.
type Flow = (&'static str, fn(&Site, Option<Moment>) -> Life<'static>, &'static [&'static str], &'static str);

const FLOWS: [Flow; 2] = [
    (
        "two releases",
        |site, moment| {
            let mut life = site.device(Fleet::default(), moment);
            for (sequence, version) in [(1, "2"), (2, "3")] {
                site.publish(site.document(sequence, &[version]));
                life.settle();
            }
            life
        },
        &["1 2 good", "2 3 good"],
        "3",
    ),
    (
        "a release that is not well",
        |site, moment| {
            let mut life = site.device(Fleet::default(), moment);
            life.device.sick = Some("2".into());
            site.publish(site.document(1, &["2"]));
            life.settle();
            life
        },
        &["1 2 rolled-back"],
        "1",
    ),
];

fn run((_, live, told, version): &Flow, moment: Option<Moment>) -> (Vec<String>, (u64, u64)) {
    let site = Site::new();
    let life = live(&site, moment);
    let mut faults = site.faults(&life);
    if site.told(&life) != *told || life.running().version != *version {
        faults.push(format!("{:?} was told, and {} runs", site.told(&life), life.running().version));
    }
    (faults, life.work())
}

#[test]
fn after_a_cut_at_any_moment_the_device_has_done_and_told_what_it_should() {
    let mut points = Vec::new();
    for (number, flow) in FLOWS.iter().enumerate() {
        let (faults, work) = run(flow, None);
        assert_eq!(faults, Vec::<String>::new(), "{}", flow.0);
        points.extend(moments(work).into_iter().map(|moment| (number, moment)));
    }
    let failures = each(&points, |(number, moment)| run(&FLOWS[*number], Some(*moment)).0);
    // Past the capture of what tests print: it is a figure that every run shows.
    let told = format!("agents of a channel: {} cuts, {} of them with faults", points.len(), failures.len());
    writeln!(std::io::stderr(), "{told}").unwrap();
    assert!(points.len() >= 200 && failures.is_empty(), "{}", failures.join("\n"));
}
