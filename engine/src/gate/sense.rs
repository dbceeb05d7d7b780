//! What a gate reads.
//!
//! Sources: the kernel's Documentation/ABI/testing/sysfs-class-power, Documentation/hwmon/sysfs-interface.rst and
//! Documentation/watchdog/watchdog-api.rst.

use super::decide::Reading;
use crate::error::Error;
use crate::machine::Machine;
use crate::volume::data;
use drydock_config::{BootReason, Condition};

const SUPPLIES: &str = "/sys/class/power_supply";
const MONITORS: &str = "/sys/class/hwmon";
const WATCHDOGS: &str = "/sys/class/watchdog";
const PSTORE: &str = "/sys/fs/pstore";
/// `WDIOF_CARDRESET`: the watchdog has reset the machine.
const CARD_RESET: u32 = 0x20;

/// Reads what a condition is about.
pub(super) fn sense(machine: &impl Machine, condition: &Condition) -> Result<Reading, Error> {
    Ok(match condition {
        Condition::Supply { name } => Reading::Is(is_supplied(machine, name.as_deref())?),
        Condition::Battery { name, .. } => Reading::Percent(capacity(machine, name.as_deref())?),
        Condition::Temperature { chip, input, .. } => {
            Reading::MilliCelsius(temperature(machine, chip, *input)?)
        }
        Condition::FreeSpace { .. } => {
            data::for_reading(machine)?;
            Reading::Bytes(machine.free_on_data()?)
        }
        Condition::Gpio { chip, line, .. } => Reading::Is(machine.is_high(chip, *line)?),
        Condition::File { path, .. } => Reading::Text(machine.attribute(path)?),
        Condition::BootReason { not } => Reading::Started(reasons(machine, not)?),
        Condition::Clock { .. } | Condition::Window { .. } => Reading::Time(machine.now()),
    })
}

/// The supplies that are, or are not, batteries.
fn supplies(machine: &impl Machine, batteries: bool) -> Result<Vec<String>, Error> {
    let mut found = machine.names(SUPPLIES)?;
    found.retain(|name| {
        let kind = machine.attribute(&format!("{SUPPLIES}/{name}/type"));
        kind.is_ok_and(|kind| (kind == "Battery") == batteries)
    });
    Ok(found)
}

fn is_supplied(machine: &impl Machine, name: Option<&str>) -> Result<bool, Error> {
    let names = match name {
        Some(name) => vec![name.to_owned()],
        None => supplies(machine, false)?,
    };
    let mut online = Err(missing("a supply that is no battery", SUPPLIES));
    for name in names {
        match machine.attribute(&format!("{SUPPLIES}/{name}/online")) {
            Ok(text) if text != "0" => return Ok(true),
            Ok(_) => online = Ok(false),
            // Another one may say more.
            Err(error) if online.is_err() => online = Err(error),
            Err(_) => {}
        }
    }
    online
}

fn capacity(machine: &impl Machine, name: Option<&str>) -> Result<u32, Error> {
    let name = match name {
        Some(name) => name.to_owned(),
        None => match <[String; 1]>::try_from(supplies(machine, true)?) {
            Ok([only]) => only,
            Err(found) if found.is_empty() => return Err(missing("a battery", SUPPLIES)),
            Err(found) => {
                let found = found.join(", ");
                return Err(Error::Unusable(format!("there is more than one battery ({found}); name one")));
            }
        },
    };
    number(machine, &format!("{SUPPLIES}/{name}/capacity"))
}

fn temperature(machine: &impl Machine, chip: &str, input: u32) -> Result<i64, Error> {
    for monitor in machine.names(MONITORS)? {
        let folder = format!("{MONITORS}/{monitor}");
        if machine.attribute(&format!("{folder}/name")).is_ok_and(|name| name == chip) {
            return number(machine, &format!("{folder}/temp{input}_input"));
        }
    }
    Err(missing(&format!("a chip `{chip}`"), MONITORS))
}

/// Why the machine was started: of what is asked for, what was so.
fn reasons(machine: &impl Machine, asked: &[BootReason]) -> Result<Vec<BootReason>, Error> {
    let mut found = Vec::new();
    if asked.contains(&BootReason::Watchdog) {
        let watchdogs = machine.names(WATCHDOGS)?;
        let status =
            |watchdog: &String| number::<u32>(machine, &format!("{WATCHDOGS}/{watchdog}/bootstatus"));
        let mut read = watchdogs.iter().map(status).filter_map(Result::ok).peekable();
        read.peek().ok_or_else(|| missing("a watchdog that tells why the machine was started", WATCHDOGS))?;
        if read.any(|status| status & CARD_RESET != 0) {
            found.push(BootReason::Watchdog);
        }
    }
    if asked.contains(&BootReason::Panic) {
        // Such a log begins with why it was kept, and stays until somebody has removed it.
        let is_panic = |name: &String| {
            let log = machine.attribute(&format!("{PSTORE}/{name}"));
            name.starts_with("dmesg-") && log.is_ok_and(|log| log.starts_with("Panic"))
        };
        if machine.names(PSTORE)?.iter().any(is_panic) {
            found.push(BootReason::Panic);
        }
    }
    Ok(found)
}

fn number<T: std::str::FromStr>(machine: &impl Machine, path: &str) -> Result<T, Error> {
    let text = machine.attribute(path)?;
    text.parse().map_err(|_| Error::Unusable(format!("{path} has `{text}`, which is no number")))
}

fn missing(what: &str, folder: &str) -> Error {
    Error::Missing { what: format!("{what} in {folder}"), advice: "check that its driver is there".into() }
}
