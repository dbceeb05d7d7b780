//! What letters from the page lead to: the same as entries of the menu do, at the same door.

use super::access::{self, admit_into};
use super::act::{self, Done};
use super::confirm::title;
use super::keeper::Keeper;
use super::scene::Scene;
use super::screen::Action;
use super::sent;
use crate::error::Error;
use crate::lan::{Letter, Mailbox, Received, Reply, request, summary};
use crate::machine::Machine;
use crate::state::State;
use drydock_access::Place;
use drydock_page::Wish;
use drydock_state::CopyName;
use std::sync::Arc;
use std::time::Duration;

/// So many wishes are remembered with what the device was when they were asked for.
const WISHES: usize = 16;
/// So many questions in a row count as use though nobody answers them: a stranger keeps no device in its menu.
const UNANSWERED: u32 = 10;
/// Before a boot ends for a letter: the reply and what is shown last have to reach somebody.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Why the page is refused while something is done for somebody.
pub(super) const AT_WORK: &str = "the device is at work for somebody; wait until that is over";
/// The same once nobody is listened to any more.
pub(super) const GOES_ON: &str = "the device goes on, and nobody is asked any more";

/// Those who come by the page.
pub(super) struct Letters {
    mailbox: Option<Arc<Mailbox>>,
    /// What was asked for, and how often the device had been changed then.
    asked: Vec<(Wish, u64)>,
    unanswered: u32,
}

/// What a letter led to.
pub(super) enum Led {
    /// Nothing that counts.
    Nothing,
    /// Somebody is there.
    Use,
    /// Something was done, which came to this.
    Done(Done),
}

impl Letters {
    /// Those of this machine.
    pub(super) fn new(machine: &impl Machine) -> Self {
        Self { mailbox: machine.mailbox(), asked: Vec::new(), unanswered: 0 }
    }

    /// Whether any may come.
    pub(super) fn may_come(&self) -> bool {
        self.mailbox.is_some()
    }

    /// Takes them from now on.
    pub(super) fn open(&self, state: &State<'_>) {
        if let Some(mailbox) = &self.mailbox {
            mailbox.open(summary(&state.record));
        }
    }

    /// Takes none until [`open`](Self::open) is called, for this reason.
    pub(super) fn close(&self, why: &'static str) {
        if let Some(mailbox) = &self.mailbox {
            mailbox.close(why);
        }
    }

    /// Returns the next one, if there is any.
    pub(super) fn next(&self) -> Option<Received> {
        self.mailbox.as_ref()?.next()
    }

    /// Reads one, does what it asks for, and replies to it. `epoch` says how often the device was changed from here.
    ///
    /// # Errors
    /// The memory itself can't be read or written.
    pub(super) fn read<M: Machine>(
        &mut self,
        machine: &M,
        state: &mut State<'_>,
        keeper: &Keeper,
        copy: Option<CopyName>,
        epoch: &mut u64,
        received: &Received,
    ) -> Result<Led, Error> {
        let (key, granted) = match &received.letter {
            Letter::Ask(who, wish) => {
                let counts = self.unanswered < UNANSWERED;
                self.unanswered = self.unanswered.saturating_add(1);
                self.remember(wish, *epoch);
                if counts {
                    machine.events().note(format_args!("somebody at the page asks for: {wish}"));
                }
                received.reply(ask(machine, keeper, Place::Peer(who.0), wish));
                return Ok(if counts { Led::Use } else { Led::Nothing });
            }
            Letter::Answer(who, wish, text) => {
                let answered = answer(machine, state, keeper, Place::Peer(who.0), wish, text);
                let is_right = answered.is_ok();
                received.reply(answered);
                if !is_right {
                    return Ok(Led::Nothing);
                }
                self.unanswered = 0;
                return Ok(Led::Use);
            }
            Letter::Act(wish, key) => {
                (key, self.is_as_it_was(wish, *epoch).and_then(|()| action(wish)).map(Some))
            }
            Letter::Bundle(release, _, key) => {
                (key, self.is_as_it_was(&Wish::Install(release.clone()), *epoch).map(|()| None))
            }
        };
        let action = match granted {
            Ok(action) => action,
            Err(error) => {
                received.reply(Err(error));
                return Ok(Led::Nothing);
            }
        };
        self.close(AT_WORK);
        *epoch += 1;
        let what = action.as_ref().map_or_else(|| "a bundle is sent".into(), title);
        let by = if key.is_empty() { String::new() } else { format!(", by the key {key}") };
        machine.events().note(format_args!("at the page{by}: {what}"));
        let begun = |text: &str| received.reply(Ok(Reply::Text(text.into())));
        let mut scene = Scene { machine, copy, console: None, begun: Some(&begun) };
        let done = match &action {
            Some(action) => act::act(&mut scene, state, action)?,
            None => sent::install(&scene, state, received)?,
        };
        let reply = match &done {
            Done::Told(text) => Ok(text.clone()),
            Done::Refused(why) => Err(Error::Refused(why.clone())),
            // A screen is for consoles: the page has no wish that leads to one.
            Done::HandOver | Done::Shown(_) => Ok(String::new()),
            Done::SwitchOff => Ok("The device is switched off.".into()),
            Done::Restart => Ok("The device restarts.".into()),
        };
        received.reply(reply.map(Reply::Text));
        if matches!(done, Done::Refused(_)) {
            // It is as it was, so what was asked for may be tried again.
            *epoch -= 1;
        }
        if !matches!(done, Done::Told(_) | Done::Shown(_) | Done::Refused(_)) {
            machine.pause(LAST_WORDS);
        }
        Ok(Led::Done(done))
    }

    fn remember(&mut self, wish: &Wish, epoch: u64) {
        self.asked.retain(|(other, _)| other != wish);
        if self.asked.len() >= WISHES {
            self.asked.remove(0);
        }
        self.asked.push((wish.clone(), epoch));
    }

    /// What was asked for before the device was changed from elsewhere is not done.
    fn is_as_it_was(&self, wish: &Wish, epoch: u64) -> Result<(), Error> {
        match self.asked.iter().any(|asked| *asked == (wish.clone(), epoch)) {
            true => Ok(()),
            false => {
                Err(Error::Refused("the device was changed meanwhile; look again, and ask again".into()))
            }
        }
    }
}

fn ask(machine: &impl Machine, keeper: &Keeper, place: Place, wish: &Wish) -> Result<Reply, Error> {
    let request = request(wish)?;
    if !access::needs_key(machine.config(), request.verb) {
        return Ok(Reply::Granted);
    }
    let challenge = access::ask(machine, keeper.door(), place, request, machine.since_start())?;
    Ok(Reply::Text(challenge.line().into()))
}

fn answer(
    machine: &impl Machine,
    state: &mut State<'_>,
    keeper: &Keeper,
    place: Place,
    wish: &Wish,
    text: &str,
) -> Result<Reply, Error> {
    let (request, now) = (request(wish)?, machine.since_start());
    let admitted = admit_into(machine, state, keeper.door(), place, &request, text, now)?;
    machine.events().note(format_args!("at the page: {wish}: admitted by the key {}", admitted.key_name));
    Ok(Reply::Text(admitted.key_name))
}

/// What is done for a wish that is no more than a word.
fn action(wish: &Wish) -> Result<Action, Error> {
    match wish {
        Wish::RollBack => Ok(Action::RollBack),
        Wish::FactoryReset => Ok(Action::FactoryReset),
        Wish::Restart => Ok(Action::Restart),
        Wish::PowerOff => Ok(Action::PowerOff),
        Wish::View | Wish::Install(_) => Err(Error::Refused("that is not done by a word".into())),
    }
}
