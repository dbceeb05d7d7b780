//! Everything that an operator can order, from the order to its end.

use crate::proxy::Proxy;
use crate::site::{MOMENTS, Site, WORKSHOP};
use drydock_agents::{Life, Moment};
use drydock_config::{Confirm, Fleet, Reboot};
use drydock_engine::{fleet, live};
use drydock_hawkbit::Kind;
use drydock_state::{Job, Outcome, SetName};
use std::sync::{Arc, Mutex};

/// What an operator does, and the numbers of the orders.
type Runs = fn(&Arc<Site>, Option<Moment>) -> (Life<'static>, Vec<u64>);
/// What orders come to: the status at the server, and the word of the end.
type Ends = &'static [(&'static str, &'static str)];

/// Something that an operator orders, and what must come of it in the end.
pub(crate) struct Flow {
    pub(crate) name: &'static str,
    runs: Runs,
    /// What the orders come to, in their order.
    ends: Ends,
    /// The version that runs in the end.
    version: &'static str,
    /// The same where a cut of power has restarted the device before somebody has said no.
    restarted: Option<(Ends, &'static str)>,
}

/// What must come of it in the end, whether or not the power is cut.
const fn flow(name: &'static str, runs: Runs, ends: Ends, version: &'static str) -> Flow {
    Flow { name, runs, ends, version, restarted: None }
}

impl Flow {
    /// The same where a cut has restarted the device before somebody has said no.
    const fn or_after_a_restart(self, ends: Ends, version: &'static str) -> Self {
        Self { restarted: Some((ends, version)), ..self }
    }
}

fn asks() -> Fleet {
    Fleet { reboot: Reboot::Ask, ..Fleet::default() }
}

/// Orders of a tenant where somebody at the device has to confirm them.
pub(crate) const CONFIRMED: &[Flow] = &[
    flow(
        "an order that is confirmed",
        |site, moment| {
            let mut life = site.device(Fleet::default(), moment);
            let action = site.assign(&life, "2", Kind::Forced);
            life.settle();
            life.device.live(|machine| fleet::answer(machine, true)).unwrap();
            life.settle();
            (life, vec![action])
        },
        &[("finished", "good")],
        "2",
    ),
    flow(
        "an order that is denied, and then cancelled",
        |site, moment| {
            let mut life = site.device(Fleet::default(), moment);
            let action = site.assign(&life, "2", Kind::Forced);
            life.settle();
            life.device.live(|machine| fleet::answer(machine, false)).unwrap();
            life.settle();
            site.cancel(&life, action);
            life.settle();
            (life, vec![action])
        },
        &[("canceled", "denied")],
        "1",
    ),
    flow(
        "an order that the device confirms by itself",
        |site, moment| {
            let fleet = Fleet { confirm: Confirm::Always, ..Fleet::default() };
            let mut life = site.device(fleet, moment);
            let action = site.assign(&life, "2", Kind::Soft);
            life.settle();
            (life, vec![action])
        },
        &[("finished", "good")],
        "2",
    ),
];

/// Orders of a tenant as it is.
pub(crate) const FLOWS: &[Flow] = &[
    flow(
        "an update",
        |site, moment| {
            let mut life = site.device(Fleet::default(), moment);
            let action = site.assign(&life, "2", Kind::Forced);
            life.settle();
            (life, vec![action])
        },
        &[("finished", "good")],
        "2",
    ),
    flow(
        "a release that is not well",
        |site, moment| {
            let mut life = site.device(Fleet::default(), moment);
            life.device.sick = Some("2".into());
            let action = site.assign(&life, "2", Kind::Soft);
            life.settle();
            (life, vec![action])
        },
        &[("error", "rolled-back")],
        "1",
    ),
    flow(
        "a release that is not for the device",
        |site, moment| {
            let mut life = site.device(Fleet::default(), moment);
            let action = site.assign(&life, "foreign", Kind::Forced);
            life.settle();
            (life, vec![action])
        },
        &[("error", "refused")],
        "1",
    ),
    flow(
        "one release after another",
        |site, moment| {
            let mut life = site.device(Fleet::default(), moment);
            let first = site.assign(&life, "2", Kind::Forced);
            life.settle();
            let second = site.assign(&life, "3", Kind::Soft);
            life.settle();
            (life, vec![first, second])
        },
        &[("finished", "good"), ("finished", "good")],
        "3",
    ),
    flow(
        "a person who lets the device restart",
        |site, moment| {
            let mut life = site.device(asks(), moment);
            let action = site.assign(&life, "2", Kind::Soft);
            life.settle();
            // A device that a cut has restarted does not wait any more.
            let _ = life.device.live(|machine| fleet::answer(machine, true));
            life.settle();
            (life, vec![action])
        },
        &[("finished", "good")],
        "2",
    ),
    flow(
        "an order that is cancelled while it waits",
        |site, moment| {
            let mut life = site.device(asks(), moment);
            let action = site.assign(&life, "2", Kind::Soft);
            life.settle();
            site.cancel(&life, action);
            life.settle();
            (life, vec![action])
        },
        &[("canceled", "cancelled")],
        "1",
    )
    .or_after_a_restart(&[("finished", "good")], "2"),
    flow(
        "an order that is cancelled too late",
        |site, moment| {
            let mut life = site.device(Fleet::default(), moment);
            let action = site.assign(&life, "2", Kind::Forced);
            let (theirs, id, once) = (site.clone(), life.id.clone(), Mutex::new(true));
            life.on_trial = Some(Box::new(move || {
                if std::mem::take(&mut *once.lock().unwrap()) {
                    theirs.operator.cancel(&id, action);
                }
            }));
            life.settle();
            (life, vec![action])
        },
        &[("finished", "good")],
        "2",
    ),
    flow(
        "an order that another one takes the place of",
        |site, moment| {
            let mut life = site.device(asks(), moment);
            let first = site.assign(&life, "2", Kind::Soft);
            life.settle();
            let second = site.assign(&life, "3", Kind::Forced);
            life.settle();
            (life, vec![first, second])
        },
        &[("canceled", "cancelled"), ("finished", "good")],
        "3",
    )
    .or_after_a_restart(&[("finished", "good"), ("finished", "good")], "3"),
    flow(
        "an update that is taken back on the device",
        |site, moment| {
            let mut life = site.device(asks(), moment);
            let action = site.assign(&life, "2", Kind::Soft);
            life.settle();
            let _ = life.device.live(live::cancel);
            life.settle();
            (life, vec![action])
        },
        &[("error", "cancelled")],
        "1",
    )
    .or_after_a_restart(&[("finished", "good")], "2"),
    flow(
        "a download that is installed later",
        |site, moment| {
            let mut life = site.device(Fleet::default(), moment);
            let first = site.assign(&life, "2", Kind::DownloadOnly);
            life.settle();
            let second = site.assign(&life, "2 again", Kind::Forced);
            life.settle();
            (life, vec![first, second])
        },
        &[("downloaded", "downloaded"), ("finished", "good")],
        "2",
    ),
    flow(
        "a release that runs already",
        |site, moment| {
            let mut life = site.device(Fleet::default(), moment);
            life.device.stage("2");
            life.boot();
            let action = site.assign(&life, "2", Kind::Forced);
            life.settle();
            (life, vec![action])
        },
        &[("finished", "good")],
        "2",
    ),
];

/// The servers, and what their operators order.
pub(crate) fn sites() -> [(Arc<Site>, &'static [Flow]); 2] {
    let confirming = crate::site();
    confirming.operator.configure("user.confirmation.flow.enabled", true.into());
    [(Arc::new(crate::site()), FLOWS), (Arc::new(confirming), CONFIRMED)]
}

/// Runs a flow, and returns what is wrong in the end, and how much work it was for the agent.
pub(crate) fn run(site: &Arc<Site>, flow: &Flow, moment: Option<Moment>) -> (Vec<String>, (u64, u64)) {
    let (life, actions) = (flow.runs)(site, moment);
    let mut faults = site.faults(&life);
    let mut wrong = differs(site, &life, &actions, flow.ends, flow.version);
    if let (true, Some((ends, version))) = (moment.is_some(), flow.restarted)
        && differs(site, &life, &actions, ends, version).is_empty()
    {
        wrong.clear();
    }
    faults.extend(wrong);
    if life.record().intent.is_some_and(|intent| matches!(intent.job, Job::Update { .. })) {
        faults.push("an intent waits".into());
    }
    (faults, life.work())
}

/// What has come otherwise than it should.
fn differs(
    site: &Site,
    life: &Life<'_>,
    actions: &[u64],
    ends: &[(&str, &str)],
    version: &str,
) -> Vec<String> {
    let mut faults = Vec::new();
    for (action, (status, end)) in actions.iter().zip(ends) {
        let (found, messages) = site.verdict(life, *action);
        let told = messages.iter().filter(|message| message.starts_with(&format!("[{end}]"))).count();
        if found != *status || told != 1 {
            faults.push(format!("order {action} is {found}, not {status}, {end}: {messages:?}"));
        }
    }
    let runs = life.running().version;
    if runs != version {
        faults.push(format!("{runs} runs, not {version}"));
    }
    faults
}

#[test]
fn whatever_an_operator_orders_server_and_device_agree_in_the_end() {
    for (site, flows) in sites() {
        println!("against {}", site.server.which());
        for flow in flows {
            let (faults, work) = run(&site, flow, None);
            println!("{}: {} requests, {} writes and flushes", flow.name, work.0, work.1);
            assert_eq!(faults, Vec::<String>::new(), "{}", flow.name);
        }
    }
}

#[test]
fn a_release_from_a_stick_is_told_to_the_server() {
    let site = crate::site();
    let mut life = site.device(Fleet::default(), None);
    life.settle();
    life.device.stage("2");
    life.boot();
    life.settle();
    let installed = site.operator.request("GET", &format!("/targets/{}/installedDS", life.id), None).json();
    assert_eq!(installed["version"], "2", "{installed}");
    let attributes = site.operator.attributes(&life.id);
    assert_eq!((attributes["version"].as_str(), attributes["last_update"].as_str()), ("2", "marked-good"));
    assert_eq!(
        site.operator.find("attribute.version==2 and attribute.last_update==marked-good"),
        [life.id.clone()]
    );
    assert_eq!(life.record().sets.get(SetName::B).version, "2");
    let outcomes = life.record().history.iter().filter(|entry| entry.outcome == Outcome::Installed).count();
    assert_eq!(outcomes, 1);
}

#[test]
fn a_device_that_nobody_has_entered_registers_itself_with_a_gateway_token() {
    let site = crate::site();
    let id = format!("new-{}", std::process::id());
    let fleet = Fleet { server: Some(site.server.url()), ..Fleet::default() };
    let authorization = format!("GatewayToken {}", site.server.gateway_key());
    let mut life = Life::new(&WORKSHOP, MOMENTS.first.clone(), (&id, &authorization), fleet, None);
    life.settle();
    assert_eq!(site.operator.attributes(&id)["compatible"], "simulated-pump");
    let action = site.assign(&life, "2", Kind::Forced);
    life.settle();
    assert_eq!((site.verdict(&life, action).0.as_str(), site.faults(&life)), ("finished", vec![]));
}

#[test]
fn an_idle_poll_is_one_request_that_brings_nothing() {
    let site = crate::site();
    let proxy = Proxy::to(&site.server.url());
    let mut life = site.device(Fleet { server: Some(proxy.url()), ..Fleet::default() }, None);
    life.settle();
    let mut agent = None;
    life.turn(&mut agent);
    let (requests, acts) = (proxy.seen().len(), life.work().1);
    for _ in 0..3 {
        life.turn(&mut agent);
    }
    let idle = &proxy.seen()[requests..];
    assert!(idle.len() == 3 && idle.iter().all(|request| !request.contains("configData")), "{idle:?}");
    assert_eq!(proxy.statuses()[requests..], [304, 304, 304]);
    assert_eq!(life.work().1, acts, "an idle agent writes something");
}
