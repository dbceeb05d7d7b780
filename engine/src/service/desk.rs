//! The dialogues on all consoles: who has typed what where, and what becomes of it.

mod at_the_door;

use super::act::{self, Done};
use super::confirm::title;
use super::facts::Facts;
use super::keeper::Keeper;
use super::known;
use super::leaving::{Left, ending};
#[cfg(feature = "lan")]
use super::letters::{AT_WORK, GOES_ON, Led, Letters};
use super::menu::Wish;
use super::offers;
use super::page::harmless;
use super::scene::Scene;
use super::screen::{Action, Screen};
use super::screens::render;
use crate::context::End;
use crate::error::Error;
use crate::limits::MOUNT_TIME;
use crate::machine::{ConsoleId, Heard, Machine, Shelf};
use crate::state::{State, Trust};
use drydock_config::{InstallFrom, Service};
use drydock_state::CopyName;
use std::sync::Arc;
use std::time::Duration;

/// How often a look is taken at what is plugged in.
const LOOK: Duration = Duration::from_secs(2);
/// How often one is taken at letters from the page, where there is one.
#[cfg(feature = "lan")]
const GLANCE: Duration = Duration::from_millis(100);
/// How long a look at all media may take.
const FINDING: Duration = Duration::from_secs(60);

/// The dialogues on all consoles.
pub(crate) struct Desk {
    service: Service,
    dialogues: Vec<Dialogue>,
    keeper: Keeper,
    #[cfg(feature = "lan")]
    letters: Letters,
    /// How often the device was changed from here.
    epoch: u64,
    had_media: bool,
    copy: Option<CopyName>,
}

struct Dialogue {
    console: ConsoleId,
    name: String,
    screen: Screen,
}

/// What an entry came to.
enum Entry {
    /// It was none.
    Nothing,
    /// It was one.
    Made,
    /// It was a part of one: the rest comes in the next line, and nothing is shown before.
    Part,
    /// Nobody is listened to any more.
    Last(Left),
}

impl Desk {
    /// Dialogues on all consoles, if the configuration has a menu.
    pub(crate) fn open(machine: &impl Machine, copy: Option<CopyName>) -> Option<Self> {
        let service = machine.config().service.clone()?;
        let keeper = Keeper::new(machine);
        let consoles = machine.consoles().into_iter();
        let dialogues =
            consoles.map(|(console, name)| Dialogue { console, name, screen: Screen::Main }).collect();
        Some(Self {
            service,
            dialogues,
            keeper,
            #[cfg(feature = "lan")]
            letters: Letters::new(machine),
            epoch: 0,
            had_media: false,
            copy,
        })
    }

    /// How long the device waits for an entry.
    pub(crate) fn patience(&self) -> Duration {
        self.service.idle_seconds.as_duration()
    }

    /// Listens for `limit`, and for as long as the configuration says after each entry. `why` is shown as the reason for
    /// which the device is here. An error means that the memory itself can't be read or written.
    pub(crate) fn serve(
        &mut self,
        machine: &impl Machine,
        state: &mut State<'_>,
        why: Option<&str>,
        limit: Duration,
    ) -> Result<Left, Error> {
        #[cfg(feature = "lan")]
        self.letters.open(state);
        let left = self.listen(machine, state, why, limit);
        #[cfg(feature = "lan")]
        self.letters.close(GOES_ON);
        left
    }

    fn listen(
        &mut self,
        machine: &impl Machine,
        state: &mut State<'_>,
        why: Option<&str>,
        limit: Duration,
    ) -> Result<Left, Error> {
        let scene = Facts { why: why.map(Into::into), seconds: limit.as_secs(), ..Facts::default() };
        self.draw_all(machine, state, &scene);
        let (mut left, mut unseen) = (limit, LOOK);
        loop {
            if unseen >= LOOK {
                unseen = Duration::ZERO;
                if let Some(left) = self.look_at_media(machine, state, why.is_some())? {
                    return Ok(left);
                }
            }
            #[cfg(feature = "lan")]
            match self.letter(machine, state, &scene)? {
                Entry::Nothing => {}
                Entry::Made | Entry::Part => left = left.max(self.patience()),
                Entry::Last(left) => return Ok(left),
            }
            let slice = left.min(self.slice());
            machine.events().allow(slice + LOOK);
            let heard = machine.hear(slice);
            unseen += slice;
            match heard {
                Heard::Off => return Ok(Left::Ended(End::SwitchedOff(why.unwrap_or_default().into()))),
                Heard::Nothing => left = left.saturating_sub(slice),
                Heard::Line { console, text, waited } => {
                    left = left.saturating_sub(waited);
                    match self.entry(machine, state, &scene, console, &text)? {
                        Entry::Nothing => {}
                        Entry::Made | Entry::Part => left = left.max(self.patience()),
                        Entry::Last(left) => return Ok(left),
                    }
                }
            }
            if left.is_zero() {
                return Ok(Left::Idle);
            }
        }
    }

    /// How long is listened before a look is taken at something else.
    fn slice(&self) -> Duration {
        #[cfg(feature = "lan")]
        if self.letters.may_come() {
            return GLANCE;
        }
        LOOK
    }

    /// Reads a letter from the page, if there is one. What is done for it shows on all consoles.
    #[cfg(feature = "lan")]
    fn letter(
        &mut self,
        machine: &impl Machine,
        state: &mut State<'_>,
        scene: &Facts,
    ) -> Result<Entry, Error> {
        let Some(letter) = self.letters.next() else { return Ok(Entry::Nothing) };
        match self.letters.read(machine, state, &self.keeper, self.copy, &mut self.epoch, &letter)? {
            Led::Nothing => return Ok(Entry::Nothing),
            Led::Use => {}
            Led::Done(Done::Told(text) | Done::Refused(text)) => {
                machine.events().note(format_args!("at the page: {}", harmless(&text, 300)));
                self.letters.open(state);
                self.draw_all(machine, state, scene);
            }
            Led::Done(done) => return Ok(Entry::Last(ending(machine, state, done))),
        }
        Ok(Entry::Made)
    }

    /// Where media have come: installs the newest bundle on them, if the configuration says so.
    fn look_at_media(
        &mut self,
        machine: &impl Machine,
        state: &mut State<'_>,
        tells: bool,
    ) -> Result<Option<Left>, Error> {
        let has = machine.has_media();
        let had = std::mem::replace(&mut self.had_media, has);
        if had || !has {
            return Ok(None);
        }
        if self.service.stick.install == InstallFrom::Newer && *state.trust() == Trust::Whole {
            machine.events().allow(FINDING);
            let shelf = Shelf::Media(self.service.stick.folder.clone());
            let found = offers::find(machine, &state.record, &shelf).unwrap_or_else(|error| {
                machine.events().warning(error);
                Vec::new()
            });
            if let Some(offer) = offers::newest(&found) {
                machine.events().note(format_args!(
                    "version {} on a medium is newer than what runs; it is installed",
                    harmless(&offer.version, 40)
                ));
                let action = Action::Install(offer.clone());
                let scene = Scene { machine, copy: self.copy, console: None, begun: None };
                self.epoch += 1;
                match self.act(scene, state, &action)? {
                    Done::Told(why) | Done::Refused(why) => machine.events().warning(why),
                    done => return Ok(Some(ending(machine, state, done))),
                }
            }
        }
        Ok(tells.then_some(Left::MediaCame))
    }

    /// Takes a line that was typed on a console.
    fn entry(
        &mut self,
        machine: &impl Machine,
        state: &mut State<'_>,
        scene: &Facts,
        console: ConsoleId,
        text: &[u8],
    ) -> Result<Entry, Error> {
        let Some(at) = self.dialogues.iter().position(|dialogue| dialogue.console == console) else {
            return Ok(Entry::Nothing);
        };
        let choices = known::choices(machine, state, &self.service, self.epoch);
        let wish = self.dialogues.get(at).map(|dialogue| dialogue.screen.enter(text, &choices));
        let mut entry = Entry::Made;
        match wish.unwrap_or(Wish::Again) {
            Wish::Again => {
                self.keeper.begin_again(console);
                entry = Entry::Nothing;
            }
            Wish::Show(screen) => {
                self.keeper.withdraw(console);
                match screen.is_view() {
                    true => entry = self.admit(machine, state, at, Action::Look(Box::new(screen)), None)?,
                    false => self.show(at, screen),
                }
            }
            Wish::Find(shelf) => {
                machine.tell(console, "Looking; this may take a while.\n");
                machine.events().allow(FINDING + MOUNT_TIME);
                let screen = match offers::find(machine, &state.record, &shelf) {
                    Ok(offers) => Screen::Offers { offers: Arc::new(offers), page: 0 },
                    Err(error) => Screen::Told(error.to_string()),
                };
                self.show(at, screen);
            }
            Wish::Do { action, epoch } => entry = self.admit(machine, state, at, action, epoch)?,
            Wish::Answer(line) => entry = self.answer(machine, state, at, &line)?,
            Wish::GoOn => return Ok(Entry::Last(Left::GoOn)),
        }
        if !matches!(entry, Entry::Last(_) | Entry::Part) {
            self.draw(machine, state, at, scene);
        }
        Ok(entry)
    }

    /// Does what may be done, once: what was asked for before the device was changed from elsewhere is not.
    fn perform(
        &mut self,
        machine: &impl Machine,
        state: &mut State<'_>,
        at: usize,
        action: &Action,
        epoch: Option<u64>,
    ) -> Result<Entry, Error> {
        if epoch.is_some_and(|epoch| epoch != self.epoch) {
            let told = "The device was changed from elsewhere meanwhile. Look again, and ask again.";
            self.show(at, Screen::Told(told.into()));
            return Ok(Entry::Made);
        }
        if let Action::Look(screen) = action {
            self.show(at, (**screen).clone());
            return Ok(Entry::Made);
        }
        let Some((console, name)) = self.dialogues.get(at).map(|it| (it.console, it.name.clone())) else {
            return Ok(Entry::Nothing);
        };
        if epoch.is_some() {
            self.epoch += 1;
            machine.events().note(format_args!("at the console {name}: {}", title(action)));
        }
        let scene = Scene { machine, copy: self.copy, console: Some(console), begun: None };
        match self.act(scene, state, action)? {
            Done::Told(text) | Done::Refused(text) => self.show(at, Screen::Told(text)),
            Done::Shown(screen) => self.show(at, screen),
            done => return Ok(Entry::Last(ending(machine, state, done))),
        }
        Ok(Entry::Made)
    }

    /// Does it, while the page takes nothing.
    fn act<M: Machine>(
        &self,
        mut scene: Scene<'_, M>,
        state: &mut State<'_>,
        action: &Action,
    ) -> Result<Done, Error> {
        #[cfg(feature = "lan")]
        self.letters.close(AT_WORK);
        let done = act::act(&mut scene, state, action);
        #[cfg(feature = "lan")]
        self.letters.open(state);
        done
    }

    fn draw_all(&self, machine: &impl Machine, state: &State<'_>, scene: &Facts) {
        for at in 0..self.dialogues.len() {
            self.draw(machine, state, at, scene);
        }
    }

    fn show(&mut self, at: usize, screen: Screen) {
        if let Some(dialogue) = self.dialogues.get_mut(at) {
            dialogue.screen = screen;
        }
    }

    fn draw(&self, machine: &impl Machine, state: &State<'_>, at: usize, scene: &Facts) {
        let Some(dialogue) = self.dialogues.get(at) else { return };
        let facts = known::facts(machine, state, &dialogue.screen, scene);
        machine.tell(dialogue.console, &format!("\n{}", render(&dialogue.screen, &facts)));
    }
}
