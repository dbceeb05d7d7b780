//! `drydock service bundle-logs`: what the people at the other end of the phone ask for.

use super::here;
use super::settings::find_config;
use super::sink::StderrEvents;
use crate::console::Console;
use crate::mount::files;
use drydock_engine::Error;
use drydock_engine::machine::{Clock, Service};
use drydock_engine::service::{support_bundle, support_file};
use drydock_engine::state::Seen;
use std::fs::File;
use std::io::Write;

/// Reads what follows `service`.
pub(super) fn parse(parser: &mut lexopt::Parser) -> Result<Option<String>, lexopt::Error> {
    use lexopt::prelude::*;
    let (mut action, mut file) = (None, None);
    while let Some(argument) = parser.next()? {
        match argument {
            Value(word) if action.is_none() => action = Some(word.string()?),
            Value(word) if file.is_none() => file = Some(word.string()?),
            other => return Err(other.unexpected()),
        }
    }
    match action.as_deref() {
        Some("bundle-logs") => Ok(file),
        _ => Err("`service` has one command, `bundle-logs`".into()),
    }
}

/// Writes the tar to a file, to the standard output, or to the first removable medium that takes it. Changes nothing else.
/// On return a file is on stable storage.
pub(super) fn bundle_logs(file: Option<&str>) -> Result<String, Error> {
    let config = find_config()?;
    let console = Console::on(vec![]).map_err(Error::system("starting", "a thread", "free some memory"))?;
    let machine = here::find_machine(&config, &console, &StderrEvents)?;
    let bytes = support_bundle(&machine, &Seen::look(&machine)?);
    let kib = bytes.len().div_ceil(1024);
    match file {
        Some("-") => {
            let written = std::io::stdout().write_all(&bytes);
            written.map_err(Error::doing("write to the standard output")).map(|()| String::new())
        }
        Some(path) => {
            let write = || {
                let mut file = File::create(path)?;
                file.write_all(&bytes)?;
                files::secure(&file)
            };
            write().map_err(Error::doing(format_args!("write {path}")))?;
            Ok(format!("{kib} KiB are in {path}\n"))
        }
        None => {
            let name = support_file(&config.compatible, machine.now());
            let place = machine.leave_on_medium(&name, &bytes)?;
            Ok(format!("{kib} KiB are in {place}; it can be pulled out\n"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn read(line: &str) -> Result<Option<String>, lexopt::Error> {
        parse(&mut lexopt::Parser::from_args(line.split_whitespace()))
    }

    #[test]
    fn logs_go_to_a_medium_or_to_a_file() {
        assert_eq!(read("bundle-logs").unwrap(), None);
        assert_eq!(read("bundle-logs /tmp/x.tar").unwrap().as_deref(), Some("/tmp/x.tar"));
        assert_eq!(read("bundle-logs -").unwrap().as_deref(), Some("-"));
        for wrong in ["", "logs", "bundle-logs a b", "bundle-logs --json"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
