//! The live system that a command runs in: its machine, its data volume, and the set that it is.

use crate::console::Console;
use crate::disk::discover::{self, Hotplug, LABELS};
use crate::disk::modules::Aliases;
use crate::disk::uevent::Uevents;
use crate::machine::{Hardware, Part};
use crate::mount::place;
use drydock_config::{Config, Data};
use drydock_engine::Error;
use drydock_engine::context::{BootContext, Purpose, RunningSet};
use drydock_engine::event::Events;
use drydock_engine::machine::Setting;
use drydock_engine::state::Seen;
use drydock_state::{MaybeDigest, Source};
use nix::libc;
use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The data volume, if recovery can be expected to find there what the live system puts there.
pub(super) fn usable_data<'m>(machine: &'m Hardware<'_>) -> Result<&'m Data, Error> {
    let data =
        machine.config().data.as_ref().ok_or_else(|| {
            Error::Usage("there is no data volume to read a file from; use --medium".into())
        })?;
    if left_word()?.is_some_and(|running| running.degraded) {
        return Err(Error::Refused(
            "this boot is degraded (data is missing or read-only), so recovery may not find the file; mend that first, or use --medium".into(),
        ));
    }
    Ok(data)
}

/// What process 1 has left about this boot, if it was drydock.
fn left_word() -> Result<Option<RunningSet>, Error> {
    let path = "/run/drydock/boot.json";
    let Ok(bytes) = fs::read(path) else { return Ok(None) };
    let word = drydock_json::from_slice(&bytes);
    word.map(Some)
        .map_err(|error| Error::Unusable(format!("{path}: {error}; it is written anew at the next boot")))
}

/// What process 1 has left about this boot. Where that was not drydock, the kernel's command line has the set.
pub(super) fn running(machine: &Hardware<'_>) -> Result<RunningSet, Error> {
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
        Purpose::Recovery(_) | Purpose::Unsaid => Err(Error::Missing {
            what: format!("`drydock.set=` in {command_line}"),
            advice: "this system is none of the sets that the bootloader has started".into(),
        }),
    }
}

pub(super) fn find_machine<'a>(
    config: &'a Config,
    console: &'a Console,
    events: &'a dyn Events,
) -> Result<Hardware<'a>, Error> {
    let mut warn = |text: String| events.warning(text);
    let mut hotplug = Hotplug { events: Uevents::open()?, aliases: Aliases::default() };
    let disk = discover::find_disk(&config.disk, &LABELS, &mut hotplug, &mut warn)?;
    Ok(Hardware::new(config, events, console, Part::Command, disk, hotplug))
}

/// The source that an intent names for a file: it must lie on the data volume, which recovery can open.
pub(super) fn on_data(machine: &Hardware<'_>, path: &Path) -> Result<Source, Error> {
    let data = usable_data(machine)?;
    let failed = || Error::system("opening", path.display(), "check the path");
    let full = fs::canonicalize(path).map_err(failed())?;
    let file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(&full);
    let partition = &machine.disk().partition(&data.label)?.node;
    let inside = place::on_volume(&file.map_err(failed())?, &full, partition)?;
    let inside = inside
        .to_str()
        .ok_or_else(|| Error::Usage(format!("{} is not UTF-8; rename the file", inside.display())))?;
    Ok(Source::Data { path: inside.into() })
}
