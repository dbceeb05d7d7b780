//! A device in recovery with nobody's job, and somebody before it.

use crate::device::{Boot, SimDevice};
use crate::machine::{Said, SimMachine, Visit};
use drydock_config::Service;
use drydock_engine::context::{BootContext, Purpose, Reason};
use drydock_engine::service::page::{COLUMNS, SCREEN, on_the_wire};
use drydock_state::CopyName;

/// What came of a visit.
pub struct Seen {
    /// How the boot ended.
    pub boot: Boot,
    /// What every console has shown, and where.
    pub shown: Vec<(usize, String)>,
    /// What happened, as every console shows it.
    pub told: Vec<String>,
}

impl Seen {
    /// Everything that one console has shown.
    pub fn on(&self, console: usize) -> String {
        self.shown.iter().filter(|(at, _)| *at == console).map(|(_, text)| text.as_str()).collect()
    }
}

impl<'f> SimDevice<'f> {
    /// The same device with a menu.
    #[must_use]
    pub fn with_menu(mut self) -> Self {
        self.config.service.get_or_insert_with(Service::open);
        self
    }

    /// Lets somebody choose the recovery from the bootloader's menu, and type this on the first console.
    pub fn attend(&self, lines: &[&str]) -> Seen {
        self.visit(Visit::typing(lines), Reason::Asked)
    }

    /// Starts recovery for this reason, with somebody before it. No screen may be longer or wider than a slow line takes.
    pub fn visit(&self, visit: Visit, reason: Reason) -> Seen {
        let machine: SimMachine<'f> = self.machine().visited(visit);
        let context = BootContext { purpose: Purpose::Recovery(reason), copy: Some(CopyName::A) };
        let boot = self.process_one_of(&machine, context);
        let shown: Vec<_> = machine.shown();
        for (_, text) in &shown {
            let clean = text.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte));
            let narrow = text.lines().all(|line| line.len() <= COLUMNS);
            assert!(clean && narrow && on_the_wire(text) < SCREEN + 2, "{text}");
        }
        Seen { boot, shown, told: machine.told() }
    }
}

impl Visit {
    /// Somebody at the first console, who types these lines.
    pub fn typing(lines: &[&str]) -> Self {
        Self::new(lines.iter().map(|line| Said::at(0, line)))
    }
}
