//! What networks and servers do wrong, and what an agent makes of it.

use crate::proxy::{Fault, Proxy};
use crate::site::Site;
use drydock_agents::Life;
use drydock_config::Fleet;
use drydock_engine::fleet::{Agent, Round};
use drydock_hawkbit::Kind;
use std::time::Duration;

/// A device behind a proxy, and an order for it.
fn behind(site: &Site) -> (Proxy, Life<'static>, u64) {
    behind_with(site, Fleet::default())
}

fn behind_with(site: &Site, fleet: Fleet) -> (Proxy, Life<'static>, u64) {
    let proxy = Proxy::to(&site.server.url());
    let life = site.device(Fleet { server: Some(proxy.url()), ..fleet }, None);
    let action = site.assign(&life, "2", Kind::Forced);
    (proxy, life, action)
}

/// One turn, which comes to nothing.
fn fails(life: &mut Life<'_>, agent: &mut Option<Agent>) -> Round {
    let before = life.record().sets;
    let (round, restarts) = life.turn(agent);
    assert!(round.trouble.is_some() && !restarts, "{round:?}");
    assert_eq!((life.record().sets, life.record().intent), (before, None));
    round
}

/// In the end the order is carried out all the same.
fn goes_well(site: &Site, proxy: &Proxy, life: &mut Life<'_>, action: u64) {
    proxy.does(|_| Fault::None);
    life.settle();
    assert_eq!(site.verdict(life, action).0, "finished");
    assert_eq!((life.running().version.as_str(), site.faults(life)), ("2", vec![]));
}

#[test]
fn pauses_grow_while_a_server_is_away_and_the_order_is_carried_out_when_it_is_back() {
    let site = crate::site();
    let (proxy, mut life, action) = behind(&site);
    let mut agent = None;
    let mut pauses = Vec::new();
    for number in 0..30 {
        proxy.does(move |_| match number % 4 {
            0 => Fault::Answer(503, "text/html", "<html>"),
            1 => Fault::Closed,
            2 => Fault::Cut(40),
            _ => Fault::Answer(500, "application/json", "{}"),
        });
        pauses.push(fails(&mut life, &mut agent).next);
    }
    assert!(pauses[0] <= Duration::from_secs(300) && pauses[29] >= Duration::from_secs(1800), "{pauses:?}");
    assert!(pauses.iter().all(|pause| *pause <= Duration::from_secs(3600)), "{pauses:?}");
    goes_well(&site, &proxy, &mut life, action);
}

#[test]
fn a_server_that_asks_for_patience_gets_it() {
    let site = crate::site();
    let (proxy, mut life, action) = behind(&site);
    proxy.does(|_| Fault::Later(429, "5000"));
    let round = fails(&mut life, &mut None);
    assert!((5000..7501).contains(&round.next.as_secs()), "{round:?}");
    goes_well(&site, &proxy, &mut life, action);
}

#[test]
fn a_server_that_is_slow_or_never_answers_is_left_and_asked_again() {
    let site = crate::site();
    let (proxy, mut life, action) = behind(&site);
    proxy.does(|_| Fault::Slow(Duration::from_secs(6)));
    fails(&mut life, &mut None);
    goes_well(&site, &proxy, &mut life, action);
}

#[test]
fn what_is_no_answer_of_a_server_changes_nothing() {
    let site = crate::site();
    let (proxy, mut life, action) = behind(&site);
    for (kind, text) in [
        ("text/html", "<html>log in to our network</html>"),
        ("application/json", "[]"),
        ("application/json", "{\"status\":\"ok\"}"),
        ("application/json", "{\"_links\":{\"deploymentBase\":{\"href\":\"/deploymentBase/x\"}}}"),
        ("application/hal+json", ""),
        ("text/plain", "{"),
    ] {
        proxy.does(move |_| Fault::Answer(200, kind, text));
        fails(&mut life, &mut None);
    }
    let deep: &'static str = Box::leak("[".repeat(10_000).into_boxed_str());
    proxy.does(move |_| Fault::Answer(200, "application/json", deep));
    fails(&mut life, &mut None);
    goes_well(&site, &proxy, &mut life, action);
}

#[test]
fn an_order_of_another_shape_is_not_carried_out() {
    let site = crate::site();
    let (proxy, mut life, action) = behind(&site);
    for (old, new) in
        [("\"deployment\"", "\"depl\""), ("\"forced\"", "\"perhaps\""), ("\"id\"", "\"number\"")]
    {
        let new = new.to_owned();
        proxy.does(move |request| match request.contains("/deploymentBase/") && request.starts_with("GET") {
            true => Fault::Replaced(old, new.clone()),
            false => Fault::None,
        });
        fails(&mut life, &mut None);
    }
    goes_well(&site, &proxy, &mut life, action);
}

#[test]
fn a_device_that_is_not_known_backs_off_and_does_not_restart_for_what_waits() {
    let site = crate::site();
    let (proxy, mut life, action) = behind(&site);
    life.gate = Some("the pump runs".into());
    life.settle();
    assert!(life.record().intent.is_some());
    life.gate = None;
    for code in [401, 403, 404, 400] {
        proxy.does(move |_| Fault::Answer(code, "text/html", "<html>"));
        let (round, restarts) = life.turn(&mut None);
        assert!(round.trouble.is_some() && !restarts, "{code}: {round:?}");
    }
    goes_well(&site, &proxy, &mut life, action);
}

#[test]
fn what_is_staged_is_installed_while_the_server_is_away_and_told_later() {
    let site = crate::site();
    let (proxy, mut life, action) = behind(&site);
    life.gate = Some("the pump runs".into());
    life.settle();
    life.gate = None;
    proxy.does(|_| Fault::Closed);
    let (_, restarts) = life.turn(&mut None);
    assert!(restarts);
    life.boot();
    assert_eq!(life.running().version, "2");
    assert!(site.is_open(&life, action));
    goes_well(&site, &proxy, &mut life, action);
}

#[test]
fn a_server_that_can_not_take_attributes_is_obeyed_all_the_same() {
    let site = crate::site();
    let (proxy, mut life, action) = behind(&site);
    proxy.does(|request| match request.ends_with("/configData") {
        true => Fault::Answer(500, "text/plain", ""),
        false => Fault::None,
    });
    let (round, restarts) = life.turn(&mut None);
    assert!(restarts && round.trouble.is_some_and(|why| why.contains("what this device is")));
    life.boot();
    goes_well(&site, &proxy, &mut life, action);
}

#[test]
fn a_link_to_another_host_is_not_followed() {
    let site = crate::site();
    let (proxy, mut life, action) = behind(&site);
    proxy.does(|request| match request.contains("/deploymentBase/") && request.starts_with("GET") {
        true => Fault::Replaced("http://127.0.0.1", "http://evil.example".into()),
        false => Fault::None,
    });
    life.settle();
    let (status, messages) = site.verdict(&life, action);
    let last = messages.last().unwrap();
    assert!(status == "error" && last.contains("evil.example"), "{messages:?}");
    assert_eq!(site.faults(&life), Vec::<String>::new());
}

#[test]
fn a_bundle_that_is_not_the_one_that_the_order_names_is_refused() {
    let mut site = crate::site();
    let (second, third) = (crate::site::WORKSHOP.version("2"), crate::site::WORKSHOP.version("3"));
    site.push("exchanged", &second.bundle, Some(drydock_format::sha256(&third.manifest)));
    let mut life = site.device(Fleet::default(), None);
    let action = site.assign(&life, "exchanged", Kind::Forced);
    life.settle();
    let (status, messages) = site.verdict(&life, action);
    assert!(
        status == "error" && messages.last().unwrap().contains("not the one that the order names"),
        "{messages:?}"
    );
    assert_eq!((life.running().version.as_str(), site.faults(&life)), ("1", vec![]));
}

#[test]
fn an_order_with_as_many_reports_as_the_server_takes_is_still_closed() {
    let site = crate::site();
    let (proxy, mut life, action) = behind(&site);
    let full = r#"{"errorCode":"hawkbit.server.error.quota.tooManyEntries"}"#;
    proxy.does(move |request| {
        // The last report passes, and is the one behind what the device has become.
        let feedback = request.ends_with("/feedback");
        if feedback { Fault::Answer(429, "application/json", full) } else { Fault::None }
    });
    let (_, restarts) = life.turn(&mut None);
    assert!(restarts, "{:?}", life.last);
    life.boot();
    let reports = proxy.seen().iter().filter(|request| request.ends_with("/feedback")).count();
    assert!((4..=8).contains(&reports), "{:?}", proxy.seen());
    goes_well(&site, &proxy, &mut life, action);
}

#[test]
fn an_order_is_given_up_when_the_server_has_forgotten_the_device() {
    let site = crate::site();
    let (_proxy, mut life, _) = behind(&site);
    life.gate = Some("the pump runs".into());
    life.settle();
    site.operator.delete_target(&life.id);
    let token = site.operator.create_target(&life.id);
    life.shows(&format!("TargetToken {token}"));
    life.settle();
    assert_eq!((life.record().intent, life.record().fleet.order), (None, None));
    assert_eq!(site.faults(&life), Vec::<String>::new());
}

#[test]
fn a_maintenance_window_of_the_server_is_waited_for() {
    let site = crate::site();
    let Some(double) = site.server.double() else {
        println!("the time of a real hawkBit can't be moved: not tried against it");
        return;
    };
    let proxy = Proxy::to(&site.server.url());
    let mut life = site.device(Fleet { server: Some(proxy.url()), ..Fleet::default() }, None);
    // Opens each day at 3 in the morning for an hour.
    let hour = 3600 * 1000;
    let day = 24 * hour;
    let now = double.clock().now();
    double.clock().forward(Duration::from_millis((day - now % day) + hour));
    let window = ("0 0 3 * * ?", "01:00:00", "+00:00");
    let action = site.assign_in_window(&life, "2", Kind::Forced, window);
    life.settle();
    let (status, messages) = site.verdict(&life, action);
    assert!(messages.last().unwrap().starts_with("[downloaded]"), "{status} {messages:?}");
    assert_eq!(life.record().intent, None);
    life.gate = Some("the pump runs".into());
    double.clock().forward(Duration::from_millis(hour * 5 / 2));
    life.settle();
    assert!(life.record().intent.is_some(), "{:?}", life.last);
    // The gate lets it when the window is over: it waits for the next one, also where the server is away.
    life.gate = None;
    double.clock().forward(Duration::from_millis(hour));
    life.settle();
    assert!(life.record().intent.is_some() && life.running().version == "1", "{:?}", life.last);
    proxy.does(|_| Fault::Closed);
    let (round, restarts) = life.turn(&mut None);
    assert!(round.trouble.is_some() && !restarts, "{round:?}");
    proxy.does(|_| Fault::None);
    double.clock().forward(Duration::from_millis(hour * 23));
    life.settle();
    assert_eq!((site.verdict(&life, action).0.as_str(), site.faults(&life)), ("finished", vec![]));
}

#[test]
fn an_order_that_becomes_forced_is_not_asked_for_any_more() {
    let site = crate::site();
    let fleet = Fleet { reboot: drydock_config::Reboot::Ask, ..Fleet::default() };
    let mut life = site.device(fleet, None);
    let action = site.assign(&life, "2", Kind::Soft);
    life.settle();
    assert!(life.record().intent.is_some(), "{:?}", life.last);
    site.operator.force(&life.id, action);
    life.settle();
    assert_eq!((site.verdict(&life, action).0.as_str(), site.faults(&life)), ("finished", vec![]));
}

#[test]
fn a_restart_that_nobody_has_planned_is_told_once() {
    let site = crate::site();
    let (proxy, mut life, action) = behind(&site);
    proxy.does(|request| match request.contains("/artifacts/") {
        true => Fault::Closed,
        false => Fault::None,
    });
    life.turn(&mut None);
    assert!(life.record().fleet.order.is_some_and(|order| order.intent == 0));
    life.boot();
    goes_well(&site, &proxy, &mut life, action);
    let (_, messages) = site.verdict(&life, action);
    assert_eq!(messages.iter().filter(|message| message.starts_with("[resumed")).count(), 1, "{messages:?}");
}

#[test]
fn an_order_that_the_operator_has_ended_by_force_is_given_up_while_it_waits() {
    let site = crate::site();
    let mut life = site.device(Fleet::default(), None);
    life.gate = Some("the pump runs".into());
    let action = site.assign(&life, "2", Kind::Forced);
    life.settle();
    assert!(life.record().intent.is_some());
    site.operator.cancel(&life.id, action);
    site.operator.force_quit(&life.id, action);
    life.gate = None;
    life.settle();
    assert_eq!((life.record().intent, life.running().version.as_str()), (None, "1"));
    assert_eq!((site.verdict(&life, action).0.as_str(), site.faults(&life)), ("canceled", vec![]));
}

#[test]
fn an_order_that_is_ended_by_force_too_late_is_carried_out_and_nobody_is_told() {
    let site = std::sync::Arc::new(crate::site());
    let mut life = site.device(Fleet::default(), None);
    let action = site.assign(&life, "2", Kind::Forced);
    let (theirs, id, once) = (site.clone(), life.id.clone(), std::sync::Once::new());
    life.on_trial = Some(Box::new(move || {
        once.call_once(|| {
            theirs.operator.cancel(&id, action);
            theirs.operator.force_quit(&id, action);
        });
    }));
    life.settle();
    assert_eq!((life.running().version.as_str(), site.faults(&life)), ("2", vec![]));
    let (status, messages) = site.verdict(&life, action);
    assert!(
        status == "canceled" && messages.iter().all(|message| !message.starts_with("[good]")),
        "{messages:?}"
    );
    // The next order finds a device that has forgotten nothing.
    let next = site.assign(&life, "3", Kind::Forced);
    life.settle();
    assert_eq!((site.verdict(&life, next).0.as_str(), site.faults(&life)), ("finished", vec![]));
}

#[test]
fn an_order_that_the_server_closes_by_itself_for_a_newer_one_makes_way() {
    let site = crate::site();
    site.operator.configure("repository.actions.autoclose.enabled", true.into());
    let mut life = site.device(Fleet::default(), None);
    life.gate = Some("the pump runs".into());
    let first = site.assign(&life, "2", Kind::Forced);
    life.settle();
    let second = site.assign(&life, "3", Kind::Forced);
    life.gate = None;
    life.settle();
    assert_eq!((site.verdict(&life, second).0.as_str(), site.faults(&life)), ("finished", vec![]));
    assert!(!site.is_open(&life, first));
    assert_eq!(life.running().version, "3");
}
