//! A fleet in a discrete-event model: when a million clients ask one server, and what becomes of it and of them.
//!
//! Clients have the pauses that ship, or those of a plain client. Each request is one event; time has milliseconds. To turn a
//! request away costs a server nothing here, which is kinder than a real one is to itself.

mod course;
mod scene;

pub use course::{Course, Second};
pub use scene::{Begins, Scene};

use drydock_config::Fleet;
use drydock_engine::fleet::pause::{self, Answered};
use drydock_fixtures::Random;
use std::time::Duration;

/// How long a request may take in all before it is given up: the limits of a device's network, added up.
pub const PATIENCE: Duration = Duration::from_secs(170);
/// Milliseconds of a second.
const SECOND: u64 = 1000;

/// When clients ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A plain client: always after the same time, and after a failure after another one.
    Fixed {
        /// After a failure; `None`: it makes no difference.
        again: Option<Duration>,
    },
    /// What drydock's agent does.
    Ships,
}

/// One server, or several behind one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Server {
    /// How many requests it answers in a second.
    pub rate: u32,
    /// How many may wait; one more is turned away at once, by 429 or 503. One that its client has given up is answered, too.
    pub waiting: u32,
}

/// A client.
#[derive(Clone, Copy, Debug, Default)]
struct Client {
    /// How many requests in a row have failed.
    failures: u32,
    /// Whether it has been answered since it was switched on.
    knows: bool,
    /// Whether it has been answered since the server is there.
    answered: bool,
}

/// What became of a request, and at which millisecond that was known.
enum End {
    Answered(u64),
    Failed(u64),
}

/// Lets a scene happen. The same seed makes the same course.
pub fn play(scene: &Scene, server: Server, rule: Rule, seed: u64) -> Course {
    let mut random = Random::new(seed);
    let knows = scene.begins == Begins::Running;
    let mut clients = vec![Client { knows, ..Client::default() }; scene.clients as usize];
    let mut calendar = Calendar::new(scene.end);
    for (nth, client) in (0..).zip(&mut clients) {
        let span = match scene.begins {
            // Somewhere in the pause after its last answer.
            Begins::Running => client.is_answered(rule, scene.sleep, random.number() as u32),
            Begins::SwitchedOn(seconds) => seconds * SECOND,
        };
        calendar.enter(random.number() % span.max(1), nth);
    }
    let mut course = Course::new(scene);
    let mut desk = Desk { free: 0, server };
    for second in 0..scene.end {
        for (now, nth) in calendar.page(second) {
            let client = &mut clients[nth as usize];
            let end = if scene.away.contains(&second) { End::Failed(now) } else { desk.ask(now) };
            course.note(second, &end, &mut client.answered);
            let chance = random.number() as u32;
            let next = match end {
                End::Answered(at) => at + client.is_answered(rule, scene.sleep, chance),
                End::Failed(at) => at + client.has_failed(rule, scene.sleep, chance),
            };
            calendar.enter(next, nth);
        }
    }
    course
}

/// Where requests are taken, one after the other.
struct Desk {
    /// When it is free again, in microseconds.
    free: u64,
    server: Server,
}

impl Desk {
    /// A request that comes now, in milliseconds.
    fn ask(&mut self, now: u64) -> End {
        let came = now * 1000;
        let each = 1_000_000 / u64::from(self.server.rate.max(1));
        self.free = self.free.max(came);
        if (self.free - came) / each.max(1) >= u64::from(self.server.waiting) {
            return End::Failed(now);
        }
        self.free += each;
        let (took, patience) = ((self.free - came) / 1000, PATIENCE.as_millis() as u64);
        if took > patience { End::Failed(now + patience) } else { End::Answered(now + took) }
    }
}

impl Client {
    /// The pause after an answer, in milliseconds.
    fn is_answered(&mut self, rule: Rule, sleep: Duration, chance: u32) -> u64 {
        let answered = match (self.failures, self.knows) {
            (0, false) => Answered::AtOnce,
            (0, true) => Answered::Again,
            _ => Answered::AtLast,
        };
        (self.failures, self.knows) = (0, true);
        let pause = match rule {
            Rule::Fixed { .. } => sleep,
            Rule::Ships => pause::after_answer(sleep, answered, chance),
        };
        pause.as_millis() as u64
    }

    /// The pause after a failure, in milliseconds.
    fn has_failed(&mut self, rule: Rule, sleep: Duration, chance: u32) -> u64 {
        self.failures += 1;
        let pause = match rule {
            Rule::Fixed { again } => again.unwrap_or(sleep),
            Rule::Ships => {
                // Until a server has said how often it wants to be asked, the configuration decides.
                let usual = || Fleet::default().poll_seconds.as_duration();
                let sleep = if self.knows { sleep } else { usual() };
                pause::after_failure(sleep, self.failures, None, chance)
            }
        };
        pause.as_millis() as u64
    }
}

/// Who asks when: a page for each second. An entry is the millisecond in it and the client, in one number, which sorts fast.
struct Calendar(Vec<Vec<u64>>);

impl Calendar {
    fn new(end: u64) -> Self {
        Self(vec![Vec::new(); end as usize])
    }

    /// What is beyond the end does not happen.
    fn enter(&mut self, at: u64, client: u32) {
        if let Some(page) = self.0.get_mut((at / SECOND) as usize) {
            page.push(((at % SECOND) << 32) | u64::from(client));
        }
    }

    /// The entries of a second, in order. No pause is so short that what they lead to belongs to the same second.
    fn page(&mut self, second: u64) -> impl Iterator<Item = (u64, u32)> + use<> {
        let mut page = std::mem::take(&mut self.0[second as usize]);
        page.sort_unstable();
        page.into_iter().map(move |entry| (second * SECOND + (entry >> 32), entry as u32))
    }
}
