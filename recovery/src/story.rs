//! The story of a recovery boot, from the kernel's first process to the hand-over.
//!
//! One binary is process 1 for both jobs: recovery, and starting a set. Read [`run`] from top to bottom.

use crate::console::Console;
use crate::device::discover::{self, Hotplug};
use crate::device::modules::{self, Aliases};
use crate::device::mounts;
use crate::device::pid1::{self, Signals};
use crate::device::pstore;
use crate::device::uevent::Uevents;
use crate::device::watchdog::Watchdog;
use crate::hardware::Hardware;
use crate::locked::{self, Waited};
use crate::render::ConsoleEvents;
use drydock_config::{Config, Handover, Role, SlotClass, WatchdogHandover};
use drydock_engine::Error;
use drydock_engine::context::{BootContext, Purpose};
use drydock_engine::event::{Event, Events, Step};
use drydock_engine::machine::Machine;
use drydock_engine::recover::{self, Chosen, Next, Reason};
use drydock_engine::release::trusted_release;
use drydock_engine::state::{self, State, Trust};
use drydock_state::transition;
use drydock_state::{CopyName, SetName};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// What makes a disk recognisable as ours.
pub const LABELS: [&str; 2] = ["bootenv", "state"];
/// The pauses between tries while no set is bootable: the first one, and the longest.
const PAUSES: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(640)];
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
    let early = mounts::mount_early();
    let console = match Console::open() {
        Ok(console) => console,
        // Without a thread for the console nothing else will work either: the bootloader's counters decide.
        Err(_) => {
            let _ = nix::sys::reboot::reboot(nix::sys::reboot::RebootMode::RB_AUTOBOOT);
            std::process::abort()
        }
    };
    pid1::reset_on_panic(&console);
    let sink = ConsoleEvents::new(console.clone());
    let told = early.and(signals).and_then(|signals| signals.handle(&console)).map_err(Error::from);
    let outcome = told.and_then(|()| work(&console, &sink));
    let events: &dyn Events = &sink;
    if let Err(error) = outcome {
        events.send(Event::Failed { step: Step::HandOver, reason: error.to_string() });
    }
    events.note("resetting the machine");
    if sink.has_failed() {
        std::thread::sleep(BEFORE_RESET);
    }
    pid1::leave(&console)
}

/// Finds out what this boot is for, and does it. Returns when the machine is to be reset.
fn boot(console: &Console, sink: &ConsoleEvents) -> Result<(), Error> {
    let events: &dyn Events = sink;
    events.note(concat!("drydock ", env!("CARGO_PKG_VERSION")));
    let config = read_config(Path::new("/etc/drydock/config.json"))?;
    let command_line = fs::read_to_string("/proc/cmdline");
    let command_line =
        command_line.map_err(Error::system("reading", "/proc/cmdline", "the kernel is broken"))?;
    let context = BootContext::from_command_line(&command_line);
    start_watchdog(sink, &config);
    let machine = find_machine(&config, &command_line, sink, console)?;
    let mut state = open_memory(&machine)?;
    match context.purpose {
        Purpose::Set(set) => start_set(&machine, sink, &mut state, set),
        Purpose::Recovery(reason) => run_recovery(&machine, sink, &mut state, reason, context.copy),
    }
}

/// Reads a configuration that the initramfs builder, or the process 1 of this boot, has checked.
pub fn read_config(path: &Path) -> Result<Config, Error> {
    let bytes = fs::read(path).map_err(Error::system("reading", path.display(), CONFIG_ADVICE))?;
    Config::from_json(&bytes)
        .map_err(|error| Error::Unusable(format!("{}: {error}; {CONFIG_ADVICE}", path.display())))
}

fn start_watchdog(sink: &ConsoleEvents, config: &Config) {
    let events: &dyn Events = sink;
    match Watchdog::start(Duration::from_secs(u64::from(config.watchdog.seconds))) {
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
    events.allow(config.disk.wait());
    let mut hotplug = Hotplug { events: listen, aliases };
    let disk = discover::find_disk(&config.disk, &LABELS, &mut hotplug, &mut warn)?;
    events.finished(Step::Discover, format_args!("{} at {}", disk.node.display(), disk.facts.place()));
    Ok(Hardware::new(config, events, console, disk, hotplug))
}

/// Recovery: do the job, then hand over. What is still wanted afterwards is said on every console.
fn run_recovery(
    machine: &Hardware<'_>,
    sink: &ConsoleEvents,
    state: &mut State,
    reason: Reason,
    copy: Option<CopyName>,
) -> Result<(), Error> {
    let events = machine.events();
    state::describe(&state.record, events);
    if reason == Reason::FactoryReset {
        confirm_reset(machine, state)?;
    }
    let next = match recover::recover(machine, state, reason, copy) {
        Ok(next) => next,
        Err(error) => return start_without_memory(machine, sink, state, error),
    };
    tell_peak(events);
    match next {
        Next::Reboot(set) if may_switch(machine, state, set, copy) => {
            state.take_attempt(set)?;
            events.started(Step::HandOver, format_args!("switching to set {set} without a reset"));
            enter(machine, sink, state, set)
        }
        Next::Reboot(set) => {
            events.started(Step::HandOver, format_args!("reset; the bootloader starts set {set} next"));
            Ok(())
        }
        Next::TryCopy(copy) => {
            let text = format_args!("reset; the bootloader starts copy {copy} of the recovery next");
            events.started(Step::HandOver, text);
            Ok(())
        }
        Next::Stay(why) => stay(machine, state, &why),
    }
}

/// Opens the state, and takes note of what an earlier boot could not write into it.
fn open_memory<'m>(machine: &'m Hardware<'_>) -> Result<State<'m>, Error> {
    let mut state = State::open(machine)?;
    let panics = pstore::take_panics();
    for reason in &panics {
        machine.events().warning(format_args!("an earlier boot ended in a defect: {reason}"));
        transition::crashed(&mut state.record, reason, machine.now());
    }
    if !panics.is_empty() && *state.trust() == Trust::Whole {
        state.save_record()?;
    }
    Ok(state)
}

/// Nothing is bootable: says so on every console, and looks for a bundle that mends it, again and again. Returns when one
/// is installed.
fn stay(machine: &Hardware<'_>, state: &mut State, why: &str) -> Result<(), Error> {
    let events = machine.events();
    let [mut pause, longest] = PAUSES;
    loop {
        events.send(Event::Failed { step: Step::HandOver, reason: why.into() });
        if recover::rescue(machine, state)? {
            return Ok(());
        }
        events.note(format_args!("next try in {} s", pause.as_secs()));
        events.allow(pause);
        std::thread::sleep(pause);
        pause = (pause * 2).min(longest);
    }
}

/// Asks on all consoles whether the factory reset from the bootloader's menu is meant. Anything but a yes, and above all
/// silence, means no.
/// Returns whether it is staged now.
fn confirm_reset(machine: &Hardware<'_>, state: &mut State) -> Result<bool, Error> {
    let limit = Duration::from_secs(u64::from(machine.config().factory_reset.confirm_seconds));
    machine.events().allow(limit);
    let question =
        format!("Factory reset: ALL DATA ON THIS DEVICE WILL BE LOST. Go on? ({} s)", limit.as_secs());
    if machine.console().confirm(&question, limit) != Some(true) {
        machine.events().note("no factory reset, everything stays as it is");
        return Ok(false);
    }
    transition::stage_reset(&mut state.record, machine.now())?;
    state.save()?;
    Ok(true)
}

/// The disk takes no writes, or the bootloader's own partition is gone: it would start recovery again and again. The
/// last good set is started from here instead, with this kernel.
fn start_without_memory(
    machine: &Hardware<'_>,
    sink: &ConsoleEvents,
    state: &mut State,
    error: Error,
) -> Result<(), Error> {
    let events = machine.events();
    let Some(set) = recover::last_resort(&state.record) else { return Err(error) };
    events.send(Event::Failed { step: Step::State, reason: error.to_string() });
    events.warning(format_args!("starting set {set} from here; repair the disk, or nothing can be updated"));
    enter(machine, sink, state, set)
}

/// A set: settle what the bootloader has counted, then put its root together and become its init.
fn start_set(
    machine: &Hardware<'_>,
    sink: &ConsoleEvents,
    state: &mut State,
    set: SetName,
) -> Result<(), Error> {
    match recover::settle_set(machine, state, set) {
        Chosen::Enter => {}
        Chosen::Recover => return run_recovery(machine, sink, state, Reason::Asked, None),
        Chosen::Reset => return Ok(()),
    }
    let entered = enter(machine, sink, state, set);
    if let Err(error) = &entered
        && *state.trust() == Trust::Whole
    {
        transition::not_started(&mut state.record, set, &error.to_string(), machine.now());
        state.save_record()?;
    }
    entered
}

fn enter(machine: &Hardware<'_>, sink: &ConsoleEvents, state: &mut State, set: SetName) -> Result<(), Error> {
    let confirm = |state: &mut State| confirm_reset(machine, state);
    let root = match locked::prepare_root(machine, state, set, confirm)? {
        Waited::Ready(root) => root,
        Waited::Reset => return Ok(()),
    };
    let events = machine.events();
    events.finished(Step::HandOver, format_args!("starting {} of set {set}", machine.config().boot.init));
    if machine.config().watchdog.handover == WatchdogHandover::Disarm {
        sink.disarm();
    }
    sink.drain();
    match mounts::switch_root(&root, Path::new(&machine.config().boot.init))? {}
}

/// Recovery may become the new system without a reset only if its kernel is of the same release.
fn may_switch(machine: &Hardware<'_>, state: &State, set: SetName, copy: Option<CopyName>) -> bool {
    if machine.config().recovery.handover != Handover::SwitchRoot {
        return false;
    }
    let class = SlotClass { class: "recovery".into(), role: Role::Recovery, encrypted: false };
    let own = copy.and_then(|copy| trusted_release(machine, &class, copy).ok());
    let same = own.is_some_and(|own| own.info.manifest == state.record.sets.get(set).manifest);
    if !same {
        machine
            .events()
            .note("this recovery is of another release than the new set, so the hand-over is a reset");
    }
    same
}

/// Says how much memory drydock has used at most, from `/proc/self/status`.
fn tell_peak(events: &dyn Events) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(peak) = status.lines().find_map(|line| line.strip_prefix("VmHWM:")) {
        events.note(format_args!("peak memory of drydock: {}", peak.trim()));
    }
}
