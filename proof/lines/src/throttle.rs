use std::time::Duration;

/// What a line may catch up with, where whoever writes to it came late.
const LATE: Duration = Duration::from_millis(5);

/// How much a line of a certain speed carries, by a clock of the caller's.
#[derive(Clone, Debug)]
pub struct Throttle {
    /// In bytes a second.
    rate: u32,
    /// From then on the line carries the next byte.
    free_at: Duration,
}

impl Throttle {
    /// A line at this many baud, with ten bits a byte.
    pub fn baud(baud: u32) -> Self {
        Self::bytes(baud / 10)
    }

    /// A line that carries so many bytes a second, one at least.
    pub fn bytes(rate: u32) -> Self {
        Self { rate: rate.max(1), free_at: Duration::ZERO }
    }

    /// Returns how many bytes the line carries in a twentieth of a second: so many may be written at once without anybody
    /// noticing.
    pub fn chunk(&self) -> usize {
        (self.rate / 20).max(1) as usize
    }

    /// Returns how many bytes may be written now. What an idle line would have carried is not made up for.
    pub fn allows(&self, now: Duration) -> usize {
        let begun = self.free_at.max(now.saturating_sub(LATE));
        match now.checked_sub(begun) {
            None => 0,
            Some(free) => 1 + (free.as_nanos() * u128::from(self.rate) / 1_000_000_000) as usize,
        }
    }

    /// So many bytes have been written. Returns when the line will have carried them.
    pub fn wrote(&mut self, bytes: usize, now: Duration) -> Duration {
        let nanos = bytes as u64 * 1_000_000_000 / u64::from(self.rate);
        self.free_at = self.free_at.max(now.saturating_sub(LATE)) + Duration::from_nanos(nanos);
        self.free_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_line_at_9600_baud_carries_960_bytes_a_second_however_often_one_looks() {
        for step in [1, 3, 40] {
            let (mut line, mut carried) = (Throttle::baud(9600), 0);
            for now in (0..10_000).step_by(step).map(Duration::from_millis) {
                let most = line.allows(now);
                line.wrote(most, now);
                carried += most;
            }
            // Five bytes each time are all that there is to catch up with: who looks seldom loses the rest.
            let most = 9600.min(5 * 10_000 / step);
            assert!((most - 60..most + 60).contains(&carried), "{carried} at {step}");
        }
    }

    #[test]
    fn whoever_waits_until_it_is_free_has_its_whole_speed_and_an_idle_line_saves_nothing() {
        let mut line = Throttle::baud(115_200);
        let mut now = SECOND;
        for _ in 0..20 {
            now = line.wrote(line.chunk(), now);
        }
        assert!((now - SECOND).abs_diff(SECOND) < 2 * LATE, "{now:?}");
        assert_eq!(line.allows(now - LATE), 0);
        assert!(line.allows(100 * SECOND) < 100);
    }
}
