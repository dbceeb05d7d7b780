//! The command line in the live system.

use crate::console::Console;
use crate::disk::discover::{self, Hotplug, LABELS};
use crate::disk::modules::Aliases;
use crate::disk::uevent::Uevents;
use crate::machine::{Hardware, Part};
use crate::mount::place;
use crate::pid1::read_config;
use drydock_config::Config;
use drydock_engine::Error;
use drydock_engine::context::{BootContext, Purpose, RunningSet};
use drydock_engine::event::{Event, Events};
use drydock_engine::live::report::{Line, status};
use drydock_engine::live::{self, MarkedGood, Staged};
use drydock_engine::machine::Setting;
use drydock_engine::state::Seen;
use drydock_engine::update::{self, Look};
use drydock_state::{Intent, MaybeDigest, MediumSource, SetName, Source};
use nix::libc;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "\
drydock: updates this device from its recovery

  drydock status [--json]        what runs, what is installed, what waits, what has happened
  drydock stage FILE             read and prove a bundle on the data volume, and install it at the next boot
  drydock stage --medium PATH    the same for a file on a removable medium
  drydock stage --partition LABEL   the same for a raw partition
  drydock stage --quick …        the same without reading the contents: damage to them is found only by recovery
  drydock verify FILE            say what an update would do, without doing it (--medium, --partition, --quick as above)
  drydock cancel                 take the staged bundle back
  drydock factory-reset          make all data new at the next boot, but for what the configuration keeps
  drydock wipe LABEL             wipe a partition at the next boot, as the configuration says
  drydock mark-good              say that the running set is well
  drydock mark-bad [a|b]         give a set up for good (the running one if none is named)
  drydock rollback               start the other set from the next boot on
  drydock settle                 make the boot environment agree with the state again
  drydock log [--json]           the whole history
  drydock --version

Exit codes: 0 done, 1 failed or refused, 2 the command line makes no sense.
";

/// Runs one command and prints what it has to say.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let outcome = Invocation::parse(arguments).and_then(|invocation| match invocation {
        Invocation::Help => Ok(USAGE.into()),
        Invocation::Version => Ok(concat!("drydock ", env!("CARGO_PKG_VERSION"), "\n").into()),
        Invocation::Command(command) => command.run(),
    });
    match outcome {
        Ok(text) => {
            // A reader that has gone is no reason to fail.
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => {
            let usage = matches!(error, Error::Usage(_));
            // What may not be opened looks like what is not there.
            let hint = if usage || nix::unistd::geteuid().is_root() { "" } else { "; run drydock as root" };
            let _ = writeln!(std::io::stderr(), "drydock: {error}{hint}");
            ExitCode::from(if usage { 2 } else { 1 })
        }
    }
}

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Invocation {
    Help,
    Version,
    Command(Command),
}

/// What is done with the device.
#[derive(Debug, PartialEq, Eq)]
enum Command {
    Status { json: bool },
    Log { json: bool },
    Stage(Where, Look),
    Verify(Where, Look),
    Cancel,
    MarkGood,
    FactoryReset,
    Wipe(String),
    MarkBad(Option<SetName>),
    Rollback,
    Settle,
}

/// A bundle as the command line names it.
#[derive(Debug, PartialEq, Eq)]
enum Where {
    File(String),
    Medium(String),
    Partition(String),
}

impl Invocation {
    fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, Error> {
        let mut parser = lexopt::Parser::from_args(arguments);
        Self::parse_all(&mut parser).map_err(|error| Error::Usage(format!("{error}; see drydock --help")))
    }

    fn parse_all(parser: &mut lexopt::Parser) -> Result<Self, lexopt::Error> {
        use lexopt::prelude::*;
        let (mut command, mut operand, mut json, mut look) = (None, None, false, Look::Whole);
        while let Some(argument) = parser.next()? {
            match argument {
                Long("help") | Short('h') => return Ok(Self::Help),
                Long("version") | Short('V') => return Ok(Self::Version),
                Long("json") => json = true,
                Long("quick") => look = Look::Quick,
                Long("medium") => operand = Some(Where::Medium(parser.value()?.string()?)),
                Long("partition") => operand = Some(Where::Partition(parser.value()?.string()?)),
                Value(word) if command.is_none() => command = Some(word.string()?),
                Value(word) if operand.is_none() => operand = Some(Where::File(word.string()?)),
                other => return Err(other.unexpected()),
            }
        }
        let bundle = |operand: Option<Where>| operand.ok_or("which bundle?");
        let Some(command) = command.filter(|command| command != "help") else { return Ok(Self::Help) };
        Ok(Self::Command(match command.as_str() {
            "status" => Command::Status { json },
            "log" => Command::Log { json },
            "stage" => Command::Stage(bundle(operand)?, look),
            "verify" => Command::Verify(bundle(operand)?, look),
            "cancel" => Command::Cancel,
            "mark-good" => Command::MarkGood,
            "factory-reset" => Command::FactoryReset,
            "wipe" => match operand {
                Some(Where::File(label)) => Command::Wipe(label),
                _ => return Err("which partition?".into()),
            },
            "mark-bad" => Command::MarkBad(match operand {
                None => None,
                Some(Where::File(set)) => Some(set.parse().map_err(|()| format!("there is no set `{set}`"))?),
                Some(_) => return Err("which set?".into()),
            }),
            "rollback" => Command::Rollback,
            "settle" => Command::Settle,
            other => return Err(format!("there is no command `{other}`").into()),
        }))
    }
}

impl Command {
    fn run(self) -> Result<String, Error> {
        let config = ["/run/drydock/config.json", "/etc/drydock/config.json"].iter().map(Path::new);
        let config = config.into_iter().find(|path| path.exists()).ok_or_else(|| Error::Missing {
            what: "/run/drydock/config.json".into(),
            advice: "it is left by drydock's initramfs; with another one, install /etc/drydock/config.json"
                .into(),
        })?;
        let mut config = read_config(config)?;
        if self == Self::MarkGood {
            // A medium that brought a new recovery and is gone by now does not hold the boot up.
            config.recovery.medium_wait_seconds = 1;
        }
        let console =
            Console::on(vec![]).map_err(Error::system("starting", "a thread", "free some memory"))?;
        let machine = find_machine(&config, &console)?;
        self.run_on(&machine)
    }

    fn run_on(self, machine: &Hardware<'_>) -> Result<String, Error> {
        Ok(match self {
            Self::Status { json } => {
                let seen = Seen::look(machine)?;
                let status = status(machine, &seen, running(machine).ok());
                if json { to_json(&status)? } else { status.to_string() }
            }
            Self::Log { json } => {
                let history = Seen::look(machine)?.record.history;
                if json {
                    to_json(&history)?
                } else {
                    history.iter().map(|entry| format!("{}\n", Line(entry))).collect()
                }
            }
            Self::Stage(bundle, look) => {
                let Staged { id, version } = live::stage(machine, bundle.source(machine)?, look)?;
                let unread = match look {
                    Look::Whole => "",
                    Look::Quick => {
                        "its contents were not read: if they are damaged, recovery finds that and installs nothing\n"
                    }
                };
                format!("version {version} is staged as intent {id}; the next boot installs it\n{unread}")
            }
            Self::Verify(bundle, look) => {
                let source = bundle.source(machine)?;
                let seen = Seen::look(machine)?;
                update::prepare(machine, &seen.record, &source, None, look)?.to_string()
            }
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
                let running = running(machine)?;
                let MarkedGood { news, waiting } = live::mark_good(machine, &running)?;
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
                let running = running(machine)?.set;
                let set = set.unwrap_or(running);
                let next = live::mark_bad(machine, running, set)?;
                format!("set {set} is marked bad; set {next} is started next\n")
            }
            Self::Rollback => {
                let next = live::roll_back(machine, running(machine)?.set)?;
                format!("set {next} is started from the next boot on\n")
            }
            Self::Settle => {
                live::settle(machine, running(machine)?.set)?;
                String::new()
            }
        })
    }
}

impl Where {
    /// What the intent will name: a file must lie on the data volume, which recovery can open.
    fn source(self, machine: &Hardware<'_>) -> Result<Source, Error> {
        match self {
            Self::Medium(path) => Ok(Source::Medium(MediumSource { path })),
            Self::Partition(label) => Ok(Source::Partition { label }),
            Self::File(path) => {
                let data = machine.config().data.as_ref().ok_or_else(|| {
                    Error::Usage("there is no data volume to read a file from; use --medium".into())
                })?;
                if left_word()?.is_some_and(|running| running.degraded) {
                    return Err(Error::Refused(
                        "this boot is degraded (data is missing or read-only), so recovery may not find the file; mend that first, or use --medium".into(),
                    ));
                }
                let failed = || Error::system("opening", &path, "check the path");
                let full = fs::canonicalize(&path).map_err(failed())?;
                let file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(&full);
                let partition = &machine.disk().partition(&data.label)?.node;
                let inside = place::on_volume(&file.map_err(failed())?, &full, partition)?;
                let inside = inside.to_str().ok_or_else(|| {
                    Error::Usage(format!("{} is not UTF-8; rename the file", inside.display()))
                })?;
                Ok(Source::Data { path: inside.into() })
            }
        }
    }
}

/// What process 1 has left about this boot, if it was drydock.
fn left_word() -> Result<Option<RunningSet>, Error> {
    let path = "/run/drydock/boot.json";
    let Ok(bytes) = fs::read(path) else { return Ok(None) };
    let word = serde_json::from_slice(&bytes);
    word.map(Some)
        .map_err(|error| Error::Unusable(format!("{path}: {error}; it is written anew at the next boot")))
}

/// What process 1 has left about this boot. Where that was not drydock, the kernel's command line has the set.
fn running(machine: &Hardware<'_>) -> Result<RunningSet, Error> {
    if let Some(running) = left_word()? {
        return Ok(running);
    }
    let command_line = "/proc/cmdline";
    let words = fs::read_to_string(command_line).map_err(Error::system(
        "reading",
        command_line,
        "the system needs /proc",
    ))?;
    match BootContext::from_command_line(&words).purpose {
        Purpose::Set(set) => Ok(RunningSet {
            set,
            root_hash: MaybeDigest::None,
            version: Seen::look(machine)?.record.sets.get(set).version.clone(),
            degraded: false,
        }),
        Purpose::Recovery(_) => Err(Error::Missing {
            what: format!("`drydock.set=` in {command_line}"),
            advice: "this system is none of the sets that the bootloader has started".into(),
        }),
    }
}

fn find_machine<'a>(config: &'a Config, console: &'a Console) -> Result<Hardware<'a>, Error> {
    let mut warn = |text: String| StderrEvents.send(Event::Warning { text });
    let mut hotplug = Hotplug { events: Uevents::open()?, aliases: Aliases::default() };
    let disk = discover::find_disk(&config.disk, &LABELS, &mut hotplug, &mut warn)?;
    Ok(Hardware::new(config, &StderrEvents, console, Part::Command, disk, hotplug))
}

fn to_json(value: &impl serde::Serialize) -> Result<String, Error> {
    let text = serde_json::to_string_pretty(value);
    text.map(|text| text + "\n")
        .map_err(|error| Error::Unusable(format!("it can't be written as JSON: {error}")))
}

/// What a person must know goes to standard error, and how far a long step is where that is a terminal.
struct StderrEvents;

/// Goes back to the start of the terminal's line and clears it.
const CLEAR_LINE: &str = "\r\x1b[K";

impl Events for StderrEvents {
    fn send(&self, event: Event) {
        let mut stderr = std::io::stderr();
        let shows = stderr.is_terminal();
        // Nobody is left to be told where this fails.
        let _ = match event {
            Event::Warning { text } | Event::Retry { reason: text } | Event::Failed { reason: text, .. } => {
                let clear = if shows { CLEAR_LINE } else { "" };
                writeln!(stderr, "{clear}drydock: {text}")
            }
            Event::Progress { .. } if shows => write!(stderr, "{CLEAR_LINE}{event}"),
            Event::Finished { .. } if shows => write!(stderr, "{CLEAR_LINE}"),
            _ => Ok(()),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Invocation, Error> {
        Invocation::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn commands_are_understood_or_refused_with_advice() {
        assert_eq!(parse("status --json").unwrap(), Invocation::Command(Command::Status { json: true }));
        assert_eq!(
            parse("stage /var/b").unwrap(),
            Invocation::Command(Command::Stage(Where::File("/var/b".into()), Look::Whole))
        );
        assert_eq!(
            parse("stage --quick b").unwrap(),
            Invocation::Command(Command::Stage(Where::File("b".into()), Look::Quick))
        );
        assert_eq!(
            parse("verify --medium b").unwrap(),
            Invocation::Command(Command::Verify(Where::Medium("b".into()), Look::Whole))
        );
        assert_eq!(parse("wipe logs").unwrap(), Invocation::Command(Command::Wipe("logs".into())));
        assert_eq!(parse("").unwrap(), Invocation::Help);
        assert_eq!(parse("mark-bad").unwrap(), Invocation::Command(Command::MarkBad(None)));
        assert_eq!(parse("mark-bad b").unwrap(), Invocation::Command(Command::MarkBad(Some(SetName::B))));
        // What systemd is told to run.
        for unit in ["drydock-mark-good", "drydock-settle"] {
            let file = format!("{}/../integration/live-units/{unit}.service", env!("CARGO_MANIFEST_DIR"));
            let text = fs::read_to_string(file).unwrap();
            let line =
                text.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/bin/drydock ")).unwrap();
            assert!(matches!(parse(line).unwrap(), Invocation::Command(_)), "{line}");
        }
        for wrong in [
            "stage",
            "wipe",
            "wipe --medium x",
            "frobnicate",
            "mark-bad c",
            "mark-bad --medium a",
            "status extra more",
            "stage --nonsense",
        ] {
            assert!(parse(wrong).unwrap_err().to_string().contains("drydock --help"), "{wrong}");
        }
    }
}
