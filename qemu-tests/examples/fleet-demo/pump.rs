//! Devices: disks, and guests that run from them, start after start.

use crate::Demo;
use drydock_qemu_tests::demo::{Made, Transcript, plain, stick};
use drydock_qemu_tests::{Disk, Exit, Guest, Qemu};
use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// How long QEMU may take to end after its guest has reset the machine.
const END: Duration = Duration::from_secs(20);

/// A device: its disk is all that it keeps.
pub(crate) struct Pump<'t> {
    pub(crate) name: String,
    machine: Qemu,
    stick: Option<PathBuf>,
    guest: Option<Guest>,
    /// How often it was switched on, or has reset itself.
    starts: u32,
    transcript: &'t Transcript,
}

impl<'t> Pump<'t> {
    /// Flashes a device, and makes the stick by which it learns its name and gets its certificate. It does not get on with v2 where
    /// `gets_on` is false.
    pub(crate) fn new(demo: &Demo<'t>, made: &Made, kind: &str, name: &str) -> Result<Self, Box<dyn Error>> {
        let at = |what: &str| demo.dir.join(format!("{kind}{name}.{what}"));
        let disk = at("disk.img");
        fs::copy(&made.disk, &disk)?;
        let (id, unwell) = (format!("{name}\n"), format!("{}\n", made.releases[1].version));
        let mut files = vec![("id", id.as_str())];
        if !gets_on(name) {
            files.push(("unwell", &unwell));
        }
        let medium = at("stick.img");
        stick(demo.transcript, &medium, &demo.factory.certificates(), name, &files)?;
        let machine = Qemu::new(name).disk(Disk::file(disk)).network().log_file(at("serial.log"));
        let (name, stick) = (name.to_owned(), Some(medium));
        Ok(Self { name, machine, stick, guest: None, starts: 0, transcript: demo.transcript })
    }

    /// Shows what it has said since, and starts it where it does not run.
    pub(crate) fn step(&mut self) -> Result<(), Box<dyn Error>> {
        let Some(guest) = &mut self.guest else {
            self.starts += 1;
            // The stick is in it the first time only.
            let machine = match self.stick.take() {
                Some(stick) => self.machine.clone().disk(Disk::file(stick)),
                None => self.machine.clone(),
            };
            self.guest = Some(machine.start()?);
            self.transcript.say(format_args!("   {} | (start {})", self.name, self.starts));
            return Ok(());
        };
        let (said, ended) = guest.news();
        for line in said.lines().map(plain).filter(|line| is_news(line)) {
            self.transcript.say(format_args!("   {} | {}", self.name, line.trim()));
        }
        if ended {
            let exit = guest.wait_exit(END)?;
            if exit != Exit::Reset {
                return Err(format!("{} ended with {exit:?}", self.name).into());
            }
            self.guest = None;
        }
        Ok(())
    }
}

/// Whether a device gets on with v2.
pub(crate) fn gets_on(name: &str) -> bool {
    name == crate::PUMPS[0]
}

/// What is shown of a console: what drydock says as process 1 and as the agent, and the demo's check.
fn is_news(line: &str) -> bool {
    let line = line.trim();
    let own = line.starts_with("drydock ") || line.starts_with("drydock:") || line.contains(" drydock[");
    let demo = line.contains("demo: check") || line.contains("demo: this is");
    let noise = ["%", "warning", "device     ", "drydock demo"];
    (own || demo) && !noise.iter().any(|noise| line.contains(noise))
}
