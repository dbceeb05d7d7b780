//! Process 1: from the kernel's first call to the machine that the engine's story is told on, and after it the reset.
//!
//! One program is process 1 for both jobs: recovery, and starting a set. Read [`run`] from top to bottom, and then
//! [`story::boot`].

pub mod lock;
pub mod process;
pub mod pstore;
mod revision;
pub mod watchdog;

use crate::console::{Console, ConsoleEvents};
use crate::disk::discover::{self, Hotplug, LABELS};
use crate::disk::modules::{self, Aliases};
use crate::disk::uevent::Uevents;
use crate::machine::{Hardware, Part};
use crate::mount;
use drydock_config::Config;
use drydock_engine::Error;
use drydock_engine::context::{BootContext, kernels_part};
use drydock_engine::event::{Event, Events, Step};
#[cfg(feature = "lan")]
use drydock_engine::state::Seen;
use drydock_engine::story;
use process::Signals;
use std::fs;
use std::path::Path;
use std::time::Duration;
use watchdog::Watchdog;

/// Where the configuration comes from, whoever reads it.
const CONFIG_ADVICE: &str = "have drydock-initramfs make it anew";
/// How long a person may read why something has failed, before a reset clears the screen.
const BEFORE_RESET: Duration = Duration::from_secs(3);

/// Process 1. Never returns: it becomes the live system's init, or it resets the machine.
pub fn run() -> ! {
    process_one(boot)
}

/// Does what process 1 is there for in the way that process 1 must: whatever becomes of it, the machine is reset, and
/// every console has been told why.
pub fn process_one(work: impl FnOnce(&Console, &ConsoleEvents) -> Result<(), Error>) -> ! {
    // First of all, before any thread exists: one that takes a signal unasked would be the end of process 1.
    let signals = Signals::hold();
    let early = mount::mount_early();
    let console = match Console::open() {
        Ok(console) => console,
        // Without a thread for the console nothing else will work either: the bootloader's counters decide.
        Err(_) => {
            let _ = nix::sys::reboot::reboot(nix::sys::reboot::RebootMode::RB_AUTOBOOT);
            std::process::abort()
        }
    };
    process::reset_on_panic(&console);
    let sink = ConsoleEvents::new(console.clone());
    let told = early.and(signals).and_then(|signals| signals.handle(&console));
    let outcome = told.and_then(|()| work(&console, &sink));
    let events: &dyn Events = &sink;
    if let Err(error) = outcome {
        events.send(Event::Failed { step: Step::HandOver, reason: error.to_string() });
    }
    events.note("resetting the machine");
    if sink.has_failed() {
        std::thread::sleep(BEFORE_RESET);
    }
    process::leave(&console)
}

/// Finds out what this boot is for, and does it. Returns when the machine is to be reset.
fn boot(console: &Console, sink: &ConsoleEvents) -> Result<(), Error> {
    let events: &dyn Events = sink;
    events.note(concat!("drydock ", env!("CARGO_PKG_VERSION")));
    let config = read_config(Path::new("/etc/drydock/config.json"))?;
    let command_line = fs::read_to_string("/proc/cmdline");
    let command_line =
        command_line.map_err(Error::system("reading", "/proc/cmdline", "the kernel is broken"))?;
    let command_line = kernels_part(&command_line);
    let context = BootContext::from_command_line(command_line);
    start_watchdog(sink, &config);
    let machine = find_machine(&config, command_line, sink, console)?;
    #[cfg(feature = "lan")]
    {
        let seen = Seen::look(&machine).ok();
        let record = seen.as_ref().map(|seen| &seen.record);
        let page = crate::lan::beside(&config, record, events, sink.heard(), context.purpose);
        page.into_iter().for_each(|page| machine.show_page(page));
    }
    story::boot(&machine, context).map(drop)
}

/// Reads a configuration that the initramfs builder, or the process 1 of this boot, has checked, and finds out on which
/// hardware it is read.
pub fn read_config(path: &Path) -> Result<Config, Error> {
    let bytes = fs::read(path).map_err(Error::system("reading", path.display(), CONFIG_ADVICE))?;
    let mut config = Config::from_json(&bytes)
        .map_err(|error| Error::Unusable(format!("{}: {error}; {CONFIG_ADVICE}", path.display())))?;
    if let Some(hardware) = &config.hardware {
        config.revision = revision::read(Path::new("/"), hardware);
    }
    Ok(config)
}

fn start_watchdog(sink: &ConsoleEvents, config: &Config) {
    let events: &dyn Events = sink;
    match Watchdog::start(config.watchdog.seconds.as_duration()) {
        Ok(Some(watchdog)) => {
            events.note(format_args!("watchdog {}, {} s", watchdog.identity, watchdog.timeout.as_secs()));
            sink.feed(watchdog);
        }
        Ok(None) => {}
        Err(error) => events.warning(error),
    }
}

/// Loads modules and waits for our disk.
fn find_machine<'a>(
    config: &'a Config,
    command_line: &str,
    sink: &'a ConsoleEvents,
    console: &'a Console,
) -> Result<Hardware<'a>, Error> {
    let events: &dyn Events = sink;
    let mut warn = |text: String| events.warning(text);
    let listen = Uevents::open()?;
    modules::load_list(Path::new(modules::LIST), command_line, &mut warn);
    let mut aliases = Aliases::read(Path::new(modules::ALIASES), command_line, &mut warn);
    aliases.coldplug(&mut warn);
    // Its driver may have been one of the modules.
    if !sink.is_watched() {
        start_watchdog(sink, config);
    }
    events.allow(config.disk.wait_seconds.as_duration());
    let mut hotplug = Hotplug { events: listen, aliases };
    let disk = discover::find_disk(&config.disk, &LABELS, &mut hotplug, &mut warn)?;
    events.finished(Step::Discover, format_args!("{} at {}", disk.node.display(), disk.facts.place()));
    Ok(Hardware::new(config, events, console, Part::ProcessOne(sink), disk, hotplug))
}
