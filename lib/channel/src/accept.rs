//! Old copies told from new ones, and what time it is at least.

use crate::{Channel, Decision, Device, Error, decide};
use drydock_format::Digest;
use drydock_state::UnixTime;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a device remembers of the channel that it follows. It is to be on stable storage before anything is started.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Seen {
    /// The channel's name.
    pub channel: String,
    /// The highest sequence number so far.
    pub sequence: u64,
    /// The digest of the document that had it.
    pub digest: Digest,
    /// The latest time that was known: it can't be earlier than that.
    pub time: UnixTime,
}

/// The time by which a device decides: that of its clock, unless it is known to be later.
///
/// It is never later than what the clock says or what was signed, but for the time that the device was on. So a device
/// without a clock may come late to a wave; and a document that ends does so for it, too, once it has been on for as long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    clock: UnixTime,
    kept: UnixTime,
}

impl Time {
    /// The time of a process that begins now: by a clock that knows its floor, and what was seen before.
    pub fn begin(clock: UnixTime, seen: Option<&Seen>) -> Self {
        Self { clock, kept: seen.map(|seen| seen.time).unwrap_or_default() }
    }

    /// Returns the time, in a process that has been running for so long. A clock that was set back since was wrong before.
    pub fn now(self, clock: UnixTime, running: Duration) -> UnixTime {
        let later = |began: UnixTime| UnixTime(began.0.saturating_add(running.as_secs()));
        let by_clock = if clock < self.clock { clock } else { clock.max(later(self.clock)) };
        by_clock.max(later(self.kept))
    }
}

/// A channel that is not older than what was seen before, at a time.
#[derive(Clone, Debug)]
pub struct Accepted<'c> {
    channel: &'c Channel,
    seen: Seen,
}

impl Channel {
    /// Compares it with the name of the channel that the device follows and with what it has seen of that before. What was seen
    /// of another channel counts for its time only.
    ///
    /// # Errors
    /// It is another channel, an older document, or another one with the same sequence number.
    pub fn accept(&self, name: &str, seen: Option<&Seen>, now: UnixTime) -> Result<Accepted<'_>, Error> {
        let document = self.document();
        let (sequence, digest) = (document.sequence, self.digest());
        if document.channel != name {
            return Err(Error::OtherChannel { wanted: name.into(), found: document.channel.clone() });
        }
        match seen.filter(|seen| seen.channel == name) {
            Some(seen) if seen.sequence > sequence => {
                return Err(Error::Fallen { seen: seen.sequence, found: sequence });
            }
            Some(seen) if seen.sequence == sequence && seen.digest != digest => {
                return Err(Error::Changed { sequence });
            }
            _ => {}
        }
        // Who signed it had a clock. What is later than the end of a document is not kept: a clock that was wrong in the future
        // once spoils this document, and not all that come after it.
        let known = now.max(document.made).min(document.expires);
        let time = seen.map_or(known, |seen| seen.time.max(known));
        Ok(Accepted { channel: self, seen: Seen { channel: name.into(), sequence, digest, time } })
    }
}

impl<'c> Accepted<'c> {
    /// What the device is to remember from now on.
    pub fn seen(&self) -> &Seen {
        &self.seen
    }

    /// Returns whether it is worth a write: another document was seen, or the time that is kept has become old, by a day, and
    /// where the clock is behind it, by an hour. So much at most a device without a clock forgets when it is switched off.
    pub fn is_news(&self, kept: Option<&Seen>, clock: UnixTime) -> bool {
        let every = if clock < self.seen.time { 3600 } else { 86_400 };
        kept.is_none_or(|kept| {
            let same = kept.channel == self.seen.channel && kept.digest == self.seen.digest;
            !same || self.seen.time.0.saturating_sub(kept.time.0) >= every
        })
    }

    /// Which release is meant for a device. It is asked again before each act that starts something; what is under way in the
    /// recovery is never undone by a channel.
    pub fn meant(&self, device: &Device) -> Decision<'c> {
        decide::meant(self.channel.document(), device, self.seen.time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Document;
    use crate::document::tests::sample;
    use crate::open::tests::{signed, trusted};
    use proptest::prelude::*;

    fn channel(document: &Document) -> Channel {
        Channel::open(&signed(document, &[1]), &trusted(&[1], 1)).unwrap()
    }

    #[test]
    fn a_sequence_number_may_not_fall_or_name_two_documents() {
        let now = UnixTime(1500);
        let seventh = channel(&sample());
        let seen = seventh.accept("stable", None, now).unwrap().seen().clone();
        assert_eq!((seen.sequence, seen.time), (7, now));
        assert!(seventh.accept("stable", Some(&seen), now).is_ok());
        let other = channel(&Document { halt: true, ..sample() });
        assert!(matches!(other.accept("stable", Some(&seen), now), Err(Error::Changed { sequence: 7 })));
        let sixth = channel(&Document { sequence: 6, ..sample() });
        assert!(sixth.accept("stable", None, now).is_ok());
        let fallen = sixth.accept("stable", Some(&seen), now);
        assert!(matches!(fallen, Err(Error::Fallen { seen: 7, found: 6 })));
    }

    #[test]
    fn another_channel_is_not_taken_for_the_one_that_is_followed() {
        let stable = channel(&sample());
        assert!(matches!(stable.accept("beta", None, UnixTime(0)), Err(Error::OtherChannel { .. })));
        let digest = stable.digest();
        let beta = Seen { channel: "beta".into(), sequence: 90, digest, time: UnixTime(5000) };
        let seen = stable.accept("stable", Some(&beta), UnixTime(0)).unwrap().seen().clone();
        assert_eq!(seen, Seen { channel: "stable".into(), sequence: 7, digest, time: UnixTime(5000) });
    }

    #[test]
    fn without_a_clock_it_is_at_least_as_late_as_what_was_signed_and_seen() {
        let stable = channel(&sample());
        let accept = |seen: Option<&Seen>, now| stable.accept("stable", seen, now).unwrap().seen().clone();
        let seen = accept(None, UnixTime(0));
        assert_eq!(seen.time, UnixTime(1000));
        // The clock is set, and lost again.
        let seen = accept(Some(&seen), UnixTime(2500));
        let seen = accept(Some(&seen), UnixTime(3));
        assert_eq!(seen.time, UnixTime(2500));
        let time = Time::begin(UnixTime(3), Some(&seen));
        assert_eq!(time.now(UnixTime(13), Duration::from_secs(10)), UnixTime(2510));
        assert_eq!(time.now(UnixTime(4000), Duration::from_secs(11)), UnixTime(4000));
    }

    #[test]
    fn a_clock_that_was_wrong_in_the_future_spoils_one_document_at_most() {
        let stable = channel(&sample());
        let wrong = UnixTime(4_000_000_000);
        let time = Time::begin(wrong, None);
        let second = Duration::from_secs(1);
        assert_eq!(time.now(UnixTime(2000), second), UnixTime(2000));
        let kept = stable.accept("stable", None, time.now(wrong, second)).unwrap().seen().clone();
        assert_eq!(kept.time, UnixTime(9000));
        let (next, time) = (
            Document { sequence: 8, expires: UnixTime(20_000), ..sample() },
            Time::begin(UnixTime(2000), Some(&kept)),
        );
        let next = channel(&next);
        let seen =
            next.accept("stable", Some(&kept), time.now(UnixTime(2001), second)).unwrap().seen().clone();
        assert_eq!(seen.time, UnixTime(9001));
    }

    #[test]
    fn what_is_kept_is_written_when_it_has_changed_enough() {
        let stable = channel(&Document { expires: UnixTime(200_000), ..sample() });
        let kept = stable.accept("stable", None, UnixTime(2000)).unwrap().seen().clone();
        let is_news = |now, clock| {
            stable.accept("stable", Some(&kept), UnixTime(now)).unwrap().is_news(Some(&kept), UnixTime(clock))
        };
        assert!(!is_news(5599, 0) && is_news(5600, 0));
        assert!(!is_news(88_399, 88_399) && is_news(88_400, 88_400));
        let next = channel(&Document { sequence: 8, ..sample() });
        let accepted = next.accept("stable", Some(&kept), UnixTime(2000)).unwrap();
        assert!(accepted.is_news(Some(&kept), UnixTime(2000)) && accepted.is_news(None, UnixTime(2000)));
    }

    proptest! {
        /// A device without a clock that is switched off again and again: what it was on for adds up, and the document ends.
        #[test]
        fn no_document_is_valid_for_ever(spells in proptest::collection::vec(1u64..4000, 1..40)) {
            let stable = channel(&sample());
            let mut seen: Option<Seen> = None;
            let mut on = 0;
            for spell in spells {
                let time = Time::begin(UnixTime(0), seen.as_ref());
                let begun = stable.accept("stable", seen.as_ref(), time.now(UnixTime(0), Duration::ZERO)).unwrap();
                let first = begun.seen().clone();
                let time = Time::begin(UnixTime(0), Some(&first));
                let now = time.now(UnixTime(spell), Duration::from_secs(spell));
                seen = Some(stable.accept("stable", Some(&first), now).unwrap().seen().clone());
                on += spell;
                prop_assert_eq!(seen.as_ref().unwrap().time, UnixTime(9000.min(1000 + on)));
            }
        }
    }
}
