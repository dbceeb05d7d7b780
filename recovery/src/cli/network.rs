//! `drydock network test`: what the recovery would get on an interface, and what that leads to.

use super::settings::find_config;
use crate::link;
use drydock_engine::Error;
use drydock_engine::event::{Event, Events};
use std::fmt::Display;
use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

/// What is tried.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Test {
    /// The interface, or a pattern for several; they are disturbed.
    pub(super) interface: String,
    /// How long it is kept, to see what changes.
    pub(super) watch: Duration,
    /// Names to find the addresses of.
    pub(super) names: Vec<String>,
}

impl Test {
    /// Reads what follows `network`.
    pub(super) fn parse(parser: &mut lexopt::Parser) -> Result<Self, lexopt::Error> {
        use lexopt::prelude::*;
        let (mut test, mut action) = (Self::default(), None);
        while let Some(argument) = parser.next()? {
            match argument {
                Long("interface") => test.interface = parser.value()?.string()?,
                Long("watch") => test.watch = Duration::from_secs(parser.value()?.parse::<u16>()?.into()),
                Value(word) if action.is_none() => action = Some(word.string()?),
                Value(name) => test.names.push(name.string()?),
                other => return Err(other.unexpected()),
            }
        }
        if action.as_deref() != Some("test") {
            return Err("`network` has one command, `test`".into());
        }
        if test.interface.is_empty() {
            return Err("name the interface with --interface: what runs over it is disturbed".into());
        }
        Ok(test)
    }

    /// Brings the network up as the recovery would, on these interfaces, tells what that gives, and takes it down. A name
    /// that is not found is an error once all have been looked for.
    pub(super) fn run(&self) -> Result<String, Error> {
        let events: &dyn Events = &NotedEvents;
        let network = link::up_on(&self.interface, &find_config()?.network, events)?;
        for port in network.ports() {
            say(&port);
        }
        let mut missing = None;
        for name in &self.names {
            match network.resolver().lookup(name) {
                Ok(addresses) => {
                    let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
                    say(&format_args!("{name}: {}", addresses.join(", ")));
                }
                Err(error) => {
                    events.warning(&error);
                    missing = Some(error);
                }
            }
        }
        let end = Instant::now() + self.watch;
        while Instant::now() < end {
            thread::sleep(Duration::from_millis(100));
            network.tell(events);
        }
        missing.map_or(Ok(String::new()), Err)
    }
}

/// Prints what was found out as soon as it is known.
fn say(what: &dyn Display) {
    // A reader that has gone is no reason to fail.
    let _ = writeln!(std::io::stdout(), "{what}");
}

/// Everything that happens goes to standard error.
struct NotedEvents;

impl Events for NotedEvents {
    fn send(&self, event: Event) {
        let _ = writeln!(std::io::stderr(), "drydock: {}", event.to_string().trim_start());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Test, lexopt::Error> {
        Test::parse(&mut lexopt::Parser::from_args(line.split_whitespace()))
    }

    #[test]
    fn the_interface_must_be_named() {
        let test = parse("test --interface eth1 --watch 30 a.example b.example").unwrap();
        let names = ["a.example", "b.example"].map(String::from).into();
        assert_eq!(test, Test { interface: "eth1".into(), watch: Duration::from_secs(30), names });
        for (wrong, why) in [
            ("", "one command"),
            ("probe", "one command"),
            ("test a.example", "--interface"),
            ("test --watch x --interface e", "invalid digit"),
            ("test --json", "--json"),
        ] {
            assert!(parse(wrong).unwrap_err().to_string().contains(why), "{wrong}");
        }
    }
}
