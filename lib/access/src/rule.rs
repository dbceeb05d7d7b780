//! What a key may be used for.

use crate::date::Date;
use crate::error::{Error, Why};
use crate::verb::{Request, Verb};
use drydock_format::{KeyId, PublicKey};
use drydock_state::UnixTime;

/// No clock that is earlier than this can be right: the start of 2026.
const EARLIEST: UnixTime = UnixTime(1_767_225_600);

/// A key that the device knows, and what it may be used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Whose key it is, as the history has it.
    pub name: String,
    /// The key.
    pub key: PublicKey,
    /// What it may be used for; `None`: for everything.
    pub verbs: Option<Vec<Verb>>,
    /// The last day on which it may be used.
    pub until: Option<Date>,
    /// How often it may be used on this device.
    pub uses: Option<u32>,
}

/// What is known of the device at the moment.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// The time by the device's clock.
    pub now: UnixTime,
    /// The latest moment that is known to be past.
    pub past: UnixTime,
    /// How often the key has been used on this device.
    pub used: u32,
}

impl Facts {
    /// Whether the clock can be right: it is not earlier than what is past.
    fn clock_is_plausible(&self) -> bool {
        self.now >= self.past.max(EARLIEST)
    }
}

/// An answer that is right: somebody who has the key asks for this. It is not said yet that he may.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "who has signed is not let in by that alone"]
pub struct Signed {
    pub(crate) rule: Rule,
    pub(crate) request: Request,
}

/// Somebody may do what he has asked for, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// The id of the key, which its uses are counted by.
    pub key: KeyId,
    /// Whose key it is.
    pub key_name: String,
    /// What was asked for.
    pub request: Request,
    /// Which use this is, from 1, and how many there are, where they are counted.
    pub counted: Option<(u32, u32)>,
}

impl Signed {
    /// Returns the id of the key, which its uses are counted by.
    pub fn key(&self) -> KeyId {
        self.rule.key.id()
    }

    /// Whether the key's uses are counted.
    pub fn is_counted(&self) -> bool {
        self.rule.uses.is_some()
    }

    /// Decides whether the key may be used for this. Where its uses are counted, whoever calls this makes the new count
    /// durable before anything is done.
    ///
    /// `uses` count always, also where the clock is right: otherwise who can set the clock could go round them. `until` counts
    /// where the clock can be right; where it can't, only a key whose uses are counted is let in, because nothing else would
    /// ever end it.
    ///
    /// # Errors
    /// [`Error::NotAllowed`].
    pub fn judge(self, facts: &Facts) -> Result<Admitted, Error> {
        let Self { rule, request } = self;
        let why = if rule.verbs.as_ref().is_some_and(|verbs| !verbs.contains(&request.verb)) {
            Some(Why::Verb)
        } else if let Some(uses) = rule.uses.filter(|uses| facts.used >= *uses) {
            Some(Why::UsedUp(uses))
        } else {
            rule.until.and_then(|until| match (facts.clock_is_plausible(), rule.uses) {
                (true, _) => until.is_over(facts.now).then_some(Why::Expired(until)),
                (false, Some(_)) => None,
                (false, None) => Some(Why::NoClock(until)),
            })
        };
        match why {
            Some(why) => Err(Error::NotAllowed { key_name: rule.name, request, why }),
            None => Ok(Admitted {
                key: rule.key.id(),
                key_name: rule.name,
                request,
                counted: rule.uses.map(|uses| (facts.used.saturating_add(1), uses)),
            }),
        }
    }
}
