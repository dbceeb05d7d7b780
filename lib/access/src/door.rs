//! The door: what is asked now, and who has answered.
//!
//! There is one for each start of the device, so that no challenge outlives one. Consoles and the page on the LAN share it,
//! each of them being a [`Place`] with its own challenge and its own pauses: what comes from one place keeps nobody at
//! another one out. The memory is bounded, and so is the work: a signature is only looked at where a challenge is open and no
//! pause goes on, a challenge is void after [`WRONG`] wrong answers, and there are only so many places.

use crate::answer::Answer;
use crate::challenge::Challenge;
use crate::error::Error;
use crate::limits::NONCE;
use crate::pace::Pace;
use crate::rule::{Rule, Signed};
use crate::verb::Request;
use std::time::Duration;

/// After so many wrong answers a challenge is void.
pub const WRONG: u32 = 5;
/// So long a challenge may be answered: somebody may have to be called who signs it.
pub const LIFE: Duration = Duration::from_secs(30 * 60);
/// So many places of a kind there are.
const PLACES: usize = 16;
/// After so many wrong answers the history is told of them first.
const TELL: u64 = 5;
/// So long a place on the network is not taken away from whoever was given a challenge there.
const HELD: Duration = Duration::from_secs(120);

/// Where somebody asks and answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A console, by whatever number.
    Console(u8),
    /// Somebody on the network, by whatever tells him from others.
    Peer(u64),
}

/// See the [module's text](self).
#[derive(Clone, Debug)]
pub struct Door {
    compatible: String,
    device: String,
    rules: Vec<Rule>,
    desks: Vec<Desk>,
    wrong: u64,
    tell_at: u64,
}

#[derive(Clone, Debug)]
struct Desk {
    place: Place,
    asked: Option<Asked>,
    pace: Pace,
    last: Duration,
}

#[derive(Clone, Debug)]
struct Asked {
    request: Request,
    challenge: Challenge,
    at: Duration,
    wrong: u32,
}

impl Door {
    /// The door of the device with this name, for these keys.
    pub fn new(compatible: impl Into<String>, device: impl Into<String>, rules: Vec<Rule>) -> Self {
        Self {
            compatible: compatible.into(),
            device: device.into(),
            rules,
            desks: Vec::new(),
            wrong: 0,
            tell_at: TELL,
        }
    }

    /// Returns the name of the device, as its challenges have it.
    pub fn device(&self) -> &str {
        &self.device
    }

    /// Returns how many wrong answers have been looked at since the door was made.
    pub fn wrong(&self) -> u64 {
        self.wrong
    }

    /// Returns how many wrong answers there were, where it is time to tell the history of them: after five, and whenever
    /// they are twice as many as were told. So a flood is told of, and wears nothing out.
    pub fn to_tell(&mut self) -> Option<u64> {
        if self.wrong < self.tell_at {
            return None;
        }
        self.tell_at = self.wrong.saturating_mul(2);
        Some(self.wrong)
    }

    /// Returns the challenge for a request. What was asked at this place before is void.
    ///
    /// `random` is as unlike any other as can be; `now` is the time since some moment, and never goes back.
    ///
    /// # Errors
    /// [`Error::Busy`]: too many on the network are being asked.
    pub fn ask(
        &mut self,
        place: Place,
        request: Request,
        random: [u8; NONCE],
        now: Duration,
    ) -> Result<Challenge, Error> {
        let challenge = Challenge::new(&self.compatible, &self.device, &request, random);
        let desk = self.desk(place, now)?;
        desk.last = now;
        desk.asked = Some(Asked { request, challenge: challenge.clone(), at: now, wrong: 0 });
        Ok(challenge)
    }

    /// Returns whether an answer is waited for at this place.
    pub fn asks(&self, place: Place) -> bool {
        self.desks.iter().any(|desk| desk.place == place && desk.asked.is_some())
    }

    /// Nothing is asked at this place any more.
    pub fn withdraw(&mut self, place: Place) {
        if let Some(desk) = self.desks.iter_mut().find(|desk| desk.place == place) {
            desk.asked = None;
        }
    }

    /// Looks at an answer to what is asked at this place, which is this request. A right one is taken once: the challenge is
    /// void then, whatever [`Signed::judge`] says. One that can't be read costs nothing, and nobody a try.
    ///
    /// # Errors
    /// Whatever is wrong with the answer, or that none is looked at now.
    pub fn answer(
        &mut self,
        place: Place,
        request: &Request,
        text: &str,
        now: Duration,
    ) -> Result<Signed, Error> {
        let desk = self.desks.iter_mut().find(|desk| desk.place == place).ok_or(Error::NothingAsked)?;
        let asked =
            desk.asked.as_mut().filter(|asked| asked.request == *request).ok_or(Error::NothingAsked)?;
        if now.saturating_sub(asked.at) > LIFE {
            desk.asked = None;
            return Err(Error::Late);
        }
        if let Some(seconds) = desk.pace.wait(now) {
            return Err(Error::Wait { seconds });
        }
        let answer = Answer::parse(text)?;
        let mut known = self.rules.iter().filter(|rule| answer.by.may_be(&rule.key)).peekable();
        let is_known = known.peek().is_some();
        if let Some(rule) = known.find(|rule| answer.holds(&rule.key, &asked.challenge)) {
            let signed = Signed { rule: rule.clone(), request: asked.request.clone() };
            desk.asked = None;
            return Ok(signed);
        }
        asked.wrong += 1;
        let left = WRONG.saturating_sub(asked.wrong);
        if left == 0 {
            desk.asked = None;
        }
        desk.last = now;
        desk.pace.wrong(now);
        self.wrong = self.wrong.saturating_add(1);
        Err(if is_known { Error::Wrong { left } } else { Error::UnknownKey })
    }

    /// The desk of a place. Where there is no room for another one, the one that was used longest ago makes way, unless
    /// somebody was given a challenge there a moment ago.
    fn desk(&mut self, place: Place, now: Duration) -> Result<&mut Desk, Error> {
        let found = self.desks.iter().position(|desk| desk.place == place);
        let new = Desk { place, asked: None, pace: Pace::default(), last: now };
        let index = match found {
            Some(index) => index,
            None => {
                let of_kind =
                    |desk: &Desk| std::mem::discriminant(&desk.place) == std::mem::discriminant(&place);
                let same = self.desks.iter().enumerate().filter(|(_, desk)| of_kind(desk));
                if same.clone().count() < PLACES {
                    self.desks.push(new);
                    self.desks.len() - 1
                } else {
                    let free = |desk: &Desk| {
                        desk.asked.as_ref().is_none_or(|asked| now.saturating_sub(asked.at) >= HELD)
                    };
                    let oldest =
                        same.clone().filter(|(_, desk)| free(desk)).min_by_key(|(_, desk)| desk.last);
                    let Some((index, _)) = oldest else {
                        let first =
                            same.filter_map(|(_, desk)| desk.asked.as_ref().map(|asked| asked.at)).min();
                        let left = (first.unwrap_or(now) + HELD).saturating_sub(now);
                        return Err(Error::Busy { seconds: left.as_secs().max(1) });
                    };
                    if let Some(desk) = self.desks.get_mut(index) {
                        *desk = new;
                    }
                    index
                }
            }
        };
        self.desks.get_mut(index).ok_or(Error::NothingAsked)
    }
}
