//! What a fleet does to its server when all of it is in step, with the pauses that ship: a part of a
//! million clients, and of what their server can bear.

use drydock_agents::herd::{Course, Rule, Scene, Server, play};
use std::time::Duration;

const FIVE_MINUTES: Duration = Duration::from_secs(300);
const HOUR: Duration = Duration::from_secs(3600);
/// Where clients ask seldom it takes more of them until chance evens out.
const FLEETS: [(u32, Duration); 2] = [(20_000, FIVE_MINUTES), (100_000, HOUR)];
const SEEDS: [u64; 2] = [1, 2];
const PLAIN: Rule = Rule::Fixed { again: None };
const HASTY: Rule = Rule::Fixed { again: Some(Duration::from_secs(30)) };

/// A server that can bear so many times what comes when nothing happens.
fn server(scene: &Scene, times: f64) -> Server {
    let rate = (f64::from(scene.clients) / scene.sleep.as_secs_f64() * times) as u32;
    Server { rate, waiting: 8192 / (1_000_000 / scene.clients) }
}

fn ships(scene: &Scene, times: f64) -> Vec<Course> {
    SEEDS.map(|seed| play(scene, server(scene, times), Rule::Ships, seed)).into()
}

#[test]
fn after_an_outage_a_server_that_bears_twice_the_usual_load_turns_nobody_away() {
    for (clients, sleep) in FLEETS {
        for course in ships(&Scene::outage(clients, sleep, 4), 2.0) {
            assert_eq!(course.refused(), 0, "{course}");
            assert!(course.busiest() < course.steady * 2.0, "{course}");
            assert!(course.all_answered().is_some_and(|seconds| seconds <= 3700), "{course}");
            assert!(course.usual().is_some_and(|seconds| seconds <= 3600), "{course}");
        }
    }
}

#[test]
fn a_fleet_that_was_switched_on_at_one_moment_is_out_of_step_within_three_quarters_of_an_hour() {
    for (clients, sleep) in FLEETS {
        for course in ships(&Scene::power_returns(clients, sleep), 4.0) {
            assert!(course.all_answered().is_some_and(|seconds| seconds <= 2700), "{course}");
            assert!(course.usual().is_some_and(|seconds| seconds <= 2700), "{course}");
        }
    }
}

#[test]
fn a_fleet_that_was_switched_on_while_the_server_was_away_comes_back_evenly() {
    for (clients, sleep) in FLEETS {
        for course in ships(&Scene::power_returns_first(clients, sleep, 4), 2.0) {
            assert_eq!(course.refused(), 0, "{course}");
            assert!(course.busiest() < course.steady * 2.0, "{course}");
        }
    }
}

#[test]
fn plain_clients_that_are_in_step_stay_in_step_and_some_are_never_answered() {
    let scene = Scene::power_returns(20_000, FIVE_MINUTES);
    let course = play(&scene, server(&scene, 2.0), PLAIN, 1);
    assert!(course.all_answered().is_none() && course.usual().is_none(), "{course}");
    assert!(f64::from(course.percentile()) > course.steady * 10.0, "{course}");
}

#[test]
fn clients_that_try_again_soon_come_back_all_at_once() {
    let scene = Scene::outage(20_000, HOUR, 4);
    let course = play(&scene, server(&scene, 2.0), HASTY, 1);
    assert!(f64::from(course.peak()) > course.steady * 50.0, "{course}");
    assert!(course.refused() > u64::from(scene.clients) * 10, "{course}");
}

#[test]
fn a_fleet_to_which_nothing_happens_asks_evenly() {
    let scene = Scene { away: 0..0, ..Scene::outage(20_000, FIVE_MINUTES, 0) };
    for course in ships(&scene, 1.25) {
        assert_eq!((course.refused(), course.usual()), (0, Some(0)), "{course}");
        assert!(course.busiest() < course.steady * 1.25, "{course}");
    }
}
