//! Process 1 of a recovery with a defect: it comes up as drydock does, loads its modules, and panics.
#![allow(clippy::panic, reason = "that is what it is for: no input is known that makes drydock panic")]

use drydock_recovery::disk::modules::{self, LIST};
use std::path::Path;

fn main() {
    drydock_recovery::pid1::process_one(|_, _| {
        let command_line = std::fs::read_to_string("/proc/cmdline").unwrap_or_default();
        modules::load_list(Path::new(LIST), &command_line, &mut drop);
        panic!("an index is out of bounds");
    })
}
