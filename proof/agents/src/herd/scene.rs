//! What happens to a fleet.

use std::ops::Range;
use std::time::Duration;

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scene {
    /// What it is, in words.
    pub name: &'static str,
    /// How many clients there are.
    pub clients: u32,
    /// How often the server wants to be asked.
    pub sleep: Duration,
    /// How it begins.
    pub begins: Begins,
    /// In which seconds there is no server.
    pub away: Range<u64>,
    /// When it ends, in seconds.
    pub end: u64,
}

/// How a scene begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begins {
    /// All have asked and been answered for long, and out of step.
    Running,
    /// All are switched on, evenly within so many seconds.
    SwitchedOn(u64),
}

/// Seconds of an hour.
const HOUR: u64 = 3600;
/// In so many seconds a whole fleet is switched on when the power comes back.
const BURST: u64 = 10;
/// For how long the server is watched when it is back, in hours.
const WATCHED: u64 = 4;

impl Scene {
    /// The server is away for so many hours, from a fleet that asks evenly.
    pub fn outage(clients: u32, sleep: Duration, hours: u64) -> Self {
        let from = sleep.as_secs();
        let away = from..from + hours * HOUR;
        let end = away.end + WATCHED * HOUR;
        Self { name: "an outage", clients, sleep, begins: Begins::Running, away, end }
    }

    /// All are switched on within ten seconds, and the server is there.
    pub fn power_returns(clients: u32, sleep: Duration) -> Self {
        let end = WATCHED * HOUR;
        Self { name: "power returns", clients, sleep, begins: Begins::SwitchedOn(BURST), away: 0..0, end }
    }

    /// All are switched on within ten seconds, and the server is there only so many hours later.
    pub fn power_returns_first(clients: u32, sleep: Duration, hours: u64) -> Self {
        let away = 0..hours * HOUR;
        let end = away.end + WATCHED * HOUR;
        let name = "power returns, the server later";
        Self { name, clients, sleep, begins: Begins::SwitchedOn(BURST), away, end }
    }
}
