//! What is not set through hawkBit's API but when it is started: how often it may be asked, and whether it believes a proxy.

use std::time::Instant;

/// How the double runs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How many requests that only read it takes in a second; more get 429 with nothing in it. `None` for as many as come, which is
    /// what hawkBit allows clients on loopback.
    pub reads_a_second: Option<u32>,
    /// The same for requests that change something.
    pub writes_a_second: Option<u32>,
    /// Whether a proxy's `X-Forwarded-Proto`, `-Host` and `-Port` decide what links look like.
    pub forwarded_headers: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { reads_a_second: None, writes_a_second: None, forwarded_headers: true }
    }
}

/// What has come in the second that runs.
#[derive(Debug, Default)]
pub(crate) struct Buckets {
    reads: (Option<Instant>, u32),
    writes: (Option<Instant>, u32),
}

impl Buckets {
    /// Whether one more request is taken.
    pub(crate) fn take(&mut self, settings: &Settings, reads: bool) -> bool {
        let (bucket, most) = if reads {
            (&mut self.reads, settings.reads_a_second)
        } else {
            (&mut self.writes, settings.writes_a_second)
        };
        let Some(most) = most else { return true };
        if bucket.0.is_none_or(|since| since.elapsed().as_secs() >= 1) {
            *bucket = (Some(Instant::now()), 0);
        }
        bucket.1 += 1;
        bucket.1 <= most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_are_counted_apart() {
        let mut buckets = Buckets::default();
        let settings = Settings { writes_a_second: Some(0), ..Settings::default() };
        assert!(buckets.take(&settings, true));
        assert!(!buckets.take(&settings, false));
    }
}
