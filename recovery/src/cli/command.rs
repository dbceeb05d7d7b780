//! What each command does.

use super::settings::find_config;
use super::sink::{JsonEvents, StderrEvents};
use super::{Command, Form, Transfer, Where, fetch, here};
use crate::console::Console;
use crate::machine::Hardware;
use drydock_config::Seconds;
use drydock_engine::event::{Event, Events, Step};
use drydock_engine::fetch::Fetched;
use drydock_engine::history::Line;
use drydock_engine::live::report::status;
use drydock_engine::live::{self, MarkedGood, Staged};
use drydock_engine::machine::{Disk, Setting};
use drydock_engine::state::Seen;
use drydock_engine::update::Look;
use drydock_engine::{Error, journal, update};
use drydock_state::{Intent, MediumSource, Source, log};
use std::path::Path;

impl Command {
    /// Does it, and returns what is to be printed.
    pub(super) fn run(self) -> Result<String, Error> {
        let mut config = find_config()?;
        if self == Self::MarkGood {
            // A medium that brought a new recovery and is gone by now does not hold the boot up.
            config.recovery.medium_wait_seconds = Seconds(1);
            #[cfg(feature = "network")]
            {
                config.network.tries = 1;
            }
        }
        let console =
            Console::on(vec![]).map_err(Error::system("starting", "a thread", "free some memory"))?;
        let streams = matches!(
            self,
            Self::Stage(_, _, Form::Json) | Self::Verify(_, _, Form::Json) | Self::Fetch(_, _, Form::Json)
        );
        let sink: &dyn Events = if streams { &JsonEvents } else { &StderrEvents };
        let machine = here::find_machine(&config, &console, sink)?;
        #[cfg(feature = "fleet")]
        let changes = self.changes();
        let done = self.run_on(&machine);
        // A fleet's server hears of it now, and not at the next poll.
        #[cfg(feature = "fleet")]
        if changes && done.is_ok() {
            super::agent::wake();
        }
        if let (Err(error), true) = (&done, streams) {
            sink.send(Event::Failed { step: Step::Verify, reason: error.to_string() });
        }
        done
    }

    /// Whether it may change what a fleet's server is told.
    #[cfg(feature = "fleet")]
    fn changes(&self) -> bool {
        match self {
            Self::Status(_)
            | Self::Log(_)
            | Self::RecoveryLog(_)
            | Self::Verify(..)
            | Self::Fetch(..)
            | Self::Settle => false,
            #[cfg(feature = "files")]
            Self::VerifyTrees => false,
            _ => true,
        }
    }

    fn run_on(self, machine: &Hardware<'_>) -> Result<String, Error> {
        Ok(match self {
            Self::Status(form) => {
                let seen = Seen::look(machine)?;
                #[cfg_attr(not(feature = "fleet"), allow(unused_mut))]
                let mut status = status(machine, &seen, here::running(machine).ok());
                #[cfg(feature = "fleet")]
                if let Some(fleet) = &mut status.fleet {
                    fleet.word = super::agent::left_word();
                }
                match form {
                    Form::Json => to_json(&status)?,
                    Form::Text => status.to_string(),
                }
            }
            Self::Log(form) => {
                let history = Seen::look(machine)?.record.history;
                match form {
                    Form::Json => to_json(&history)?,
                    Form::Text => history.iter().map(|entry| format!("{}\n", Line(entry))).collect(),
                }
            }
            Self::RecoveryLog(form) => recovery_log(machine, form)?,
            Self::Fetch(url, to, form) => {
                let (path, fetched) = fetch::to_file(machine, &url, to)?;
                let path = path.display().to_string();
                let Fetched { version, received, there, length, .. } = fetched;
                if form == Form::Json {
                    machine.events().send(Event::Fetched { version, path, received, there, length });
                    return Ok(String::new());
                }
                format!(
                    "version {version} is in {path}: {received} bytes came, {there} of {length} are there, and the device has the rest\n"
                )
            }
            Self::Stage(bundle, look, form) => {
                let (look, unread) = match bundle {
                    // Who leaves the transfer to the recovery does not want all of it now.
                    Where::Address(_, Transfer::Later) => (Look::Quick, true),
                    // All that was fetched has been proven on the way.
                    Where::Address(_, Transfer::Now) => (Look::Quick, false),
                    _ => (look, look == Look::Quick),
                };
                let Staged { id, version } = live::stage(machine, bundle.source(machine)?, look)?;
                if form == Form::Json {
                    machine.events().send(Event::Staged { id, version });
                    return Ok(String::new());
                }
                let unread = match unread {
                    false => "",
                    true => {
                        "its contents were not read: if they are damaged, recovery finds that and installs nothing\n"
                    }
                };
                format!("version {version} is staged as intent {id}; the next boot installs it\n{unread}")
            }
            Self::Verify(bundle, look, form) => {
                let source = bundle.leaving_transfers().source(machine)?;
                let seen = Seen::look(machine)?;
                let prepared = update::prepare(machine, &seen.record, &source, None, look)?;
                if form == Form::Json {
                    machine.events().send(prepared.verified());
                    return Ok(String::new());
                }
                prepared.to_string()
            }
            #[cfg(feature = "files")]
            Self::VerifyTrees => drydock_engine::tree::verify(machine)?,
            Self::Cancel => format!("intent {} is taken back\n", live::cancel(machine)?),
            Self::FactoryReset => {
                let id = live::factory_reset(machine)?;
                format!("the next boot makes all data new (intent {id}); `drydock cancel` takes it back\n")
            }
            Self::Wipe(label) => {
                let id = live::wipe(machine, &label)?;
                format!("the next boot wipes {label} (intent {id}); `drydock cancel` takes it back\n")
            }
            Self::MarkGood => {
                let running = here::running(machine)?;
                let MarkedGood { news, waiting } = live::mark_good(machine, &running)?;
                // Room is no reason for a set not to be good.
                #[cfg(any(feature = "network", feature = "service"))]
                if let Err(error) = drydock_engine::fetch::discard_settled(machine) {
                    machine.events().warning(error);
                }
                let now = if news { "now marked good" } else { "good, as before" };
                let text = format!("set {} ({}) is {now}\n", running.set, running.version);
                match waiting {
                    Some(Intent { id, job, .. }) => {
                        format!("{text}intent {id} waits for the next boot: {job}\n")
                    }
                    None => text,
                }
            }
            Self::MarkBad(set) => {
                let running = here::running(machine)?.set;
                let set = set.unwrap_or(running);
                let next = live::mark_bad(machine, running, set)?;
                format!("set {set} is marked bad; set {next} is started next\n")
            }
            Self::Rollback => {
                let next = live::roll_back(machine, here::running(machine)?.set)?;
                format!("set {next} is started from the next boot on\n")
            }
            #[cfg(feature = "fleet")]
            Self::Answer(say) => drydock_engine::fleet::answer(machine, say == super::Say::Yes)? + "\n",
            Self::Settle => {
                live::settle(machine, here::running(machine)?.set)?;
                String::new()
            }
        })
    }
}

impl Where {
    /// The same, but that nothing is fetched to stay.
    fn leaving_transfers(self) -> Self {
        match self {
            Self::Address(url, _) => Self::Address(url, Transfer::Later),
            other => other,
        }
    }

    /// What the intent will name: a file must lie on the data volume, which recovery can open.
    fn source(self, machine: &Hardware<'_>) -> Result<Source, Error> {
        match self {
            Self::Medium(path) => Ok(Source::Medium(MediumSource { path })),
            Self::Partition(label) => Ok(Source::Partition { label }),
            Self::Address(url, Transfer::Later) => Ok(Source::Network { url }),
            Self::Address(url, Transfer::Now) => {
                here::usable_data(machine)?;
                let (path, fetched) = fetch::to_file(machine, &url, None)?;
                machine
                    .events()
                    .note(format_args!("{} bytes came of version {}", fetched.received, fetched.version));
                here::on_data(machine, &path)
            }
            Self::File(path) => here::on_data(machine, Path::new(&path)),
        }
    }
}

/// What the last recovery told, if its log is whole.
fn recovery_log(machine: &Hardware<'_>, form: Form) -> Result<String, Error> {
    let text = log::read(&machine.partition("state")?)?.ok_or_else(|| Error::Missing {
        what: "the log of a recovery".into(),
        advice: "none has run yet, or the partition `state` has no room for one".into(),
    })?;
    let text = String::from_utf8_lossy(&text).into_owned();
    Ok(match form {
        Form::Json => text,
        Form::Text => text.lines().map(|line| journal::as_text(line) + "\n").collect(),
    })
}

fn to_json(value: &impl serde::Serialize) -> Result<String, Error> {
    let text = serde_json::to_string_pretty(value);
    text.map(|text| text + "\n")
        .map_err(|error| Error::Unusable(format!("it can't be written as JSON: {error}")))
}
