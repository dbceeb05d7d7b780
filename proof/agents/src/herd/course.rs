//! What a server had to bear, second by second.

use super::{End, Scene};
use std::fmt;

/// What came in a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Second {
    /// How many requests.
    pub asked: u32,
    /// How many of them were turned away, or given up before they were answered.
    pub refused: u32,
}

/// What came, from the first second on.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    /// Each second.
    pub seconds: Vec<Second>,
    /// How many requests a second there are when nothing happens.
    pub steady: f64,
    /// From which second on there is a server.
    back: usize,
    /// How many clients were not answered since then.
    left: u32,
    all: Option<u64>,
    /// How often the server wants to be asked, in seconds.
    sleep: usize,
}

/// For so long a load is looked at as a whole, in seconds.
const MINUTE: usize = 60;
/// A minute with so many times the usual requests is a usual one.
const USUAL: f64 = 1.25;

impl Course {
    pub(super) fn new(scene: &Scene) -> Self {
        Self {
            seconds: vec![Second::default(); scene.end as usize],
            steady: f64::from(scene.clients) / scene.sleep.as_secs_f64(),
            back: scene.away.end as usize,
            left: scene.clients,
            all: None,
            sleep: scene.sleep.as_secs() as usize,
        }
    }

    /// Notes what has become of a request that came in that second.
    pub(super) fn note(&mut self, second: u64, end: &End, answered: &mut bool) {
        let entry = &mut self.seconds[second as usize];
        entry.asked += 1;
        match end {
            End::Failed(_) => entry.refused += 1,
            End::Answered(at) if second as usize >= self.back && !*answered => {
                *answered = true;
                self.left -= 1;
                self.all = (self.left == 0).then_some((at / 1000).saturating_sub(self.back as u64));
            }
            End::Answered(_) => {}
        }
    }

    /// Since there is a server.
    fn since(&self) -> &[Second] {
        &self.seconds[self.back..]
    }

    fn minutes(&self) -> impl DoubleEndedIterator<Item = (f64, u32)> + ExactSizeIterator {
        self.since().chunks_exact(MINUTE).map(|minute| {
            let asked: u32 = minute.iter().map(|second| second.asked).sum();
            (f64::from(asked) / MINUTE as f64, minute.iter().map(|second| second.refused).sum())
        })
    }

    /// The most requests in a second since there is a server.
    pub fn peak(&self) -> u32 {
        self.since().iter().map(|second| second.asked).max().unwrap_or_default()
    }

    /// Requests a second in the busiest minute since there is a server, the first one left out.
    pub fn busiest(&self) -> f64 {
        self.minutes().skip(1).map(|(asked, _)| asked).fold(0.0, f64::max)
    }

    /// In 99 of 100 seconds since there is a server there are so many requests, or fewer.
    pub fn percentile(&self) -> u32 {
        let mut asked: Vec<u32> = self.since().iter().map(|second| second.asked).collect();
        asked.sort_unstable();
        asked.get((asked.len() * 99).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default()
    }

    /// How many requests were turned away or given up since there is a server.
    pub fn refused(&self) -> u64 {
        self.since().iter().map(|second| u64::from(second.refused)).sum()
    }

    /// After how many seconds every client has been answered once; `None`: some never were.
    pub fn all_answered(&self) -> Option<u64> {
        self.all
    }

    /// After how many seconds the load is usual for good: no request is turned away, and no minute has more than five quarters
    /// of the usual requests. `None`: it never is, or not for as long as everybody needs to ask once.
    pub fn usual(&self) -> Option<u64> {
        let bad = self.minutes().rposition(|(asked, refused)| asked > self.steady * USUAL || refused > 0);
        let good = bad.map_or(0, |last| last + 1);
        let lasts = (self.minutes().len() - good) * MINUTE;
        (lasts > self.sleep).then_some((good * MINUTE) as u64)
    }
}

/// As cells of a table: the busiest second, the busiest minute, 99 of 100 seconds, requests refused, minutes until all are
/// answered, minutes until the load is usual.
impl fmt::Display for Course {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = |seconds: Option<u64>| {
            seconds.map_or("never".into(), |seconds| format!("{:.0}", seconds as f64 / 60.0))
        };
        write!(
            f,
            "{} | {:.0} | {} | {} | {} | {}",
            self.peak(),
            self.busiest(),
            self.percentile(),
            self.refused(),
            minutes(self.all_answered()),
            minutes(self.usual())
        )
    }
}
