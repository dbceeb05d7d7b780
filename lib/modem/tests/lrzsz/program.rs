//! One of lrzsz's programs on a terminal of its own, with a line between it and us that is as slow and as bad as wanted.

use drydock_lines::{Noise, Throttle, at_terminal};
use drydock_modem::Session;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// What a line does to bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    /// Bytes in a second; nothing: as many as the machine can.
    pub(crate) rate: Option<u32>,
    /// One byte in so many, from the program to us, is changed, lost or doubled.
    pub(crate) noise: Option<u32>,
    /// After so many bytes from the program the line breaks.
    pub(crate) breaks: Option<usize>,
}

pub(crate) const GOOD: Line = Line { rate: None, noise: None, breaks: None };

/// A program that is running.
pub(crate) struct Program {
    child: Child,
    master: File,
}

impl Program {
    /// Starts it in a folder, at a terminal.
    pub(crate) fn start(program: &str, arguments: &[&str], folder: &Path) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder).stderr(Stdio::null());
        let (child, master) = at_terminal(&mut command)
            .unwrap_or_else(|error| panic!("{program}: {error}; run tools/setup.sh"));
        fcntl(&master, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
        Self { child, master }
    }

    /// Runs a transfer against it until that has ended, or the line breaks. Returns how many bytes came from the program.
    pub(crate) fn talk(&mut self, session: &mut dyn Session, line: Line) -> usize {
        let (started, mut came) = (Instant::now(), 0);
        let mut throttle = line.rate.map(Throttle::bytes);
        let mut noise = Noise::new(line.noise.map_or(0, |one_in| 1_000_000 / one_in), 1);
        loop {
            let now = started.elapsed();
            let most = throttle.as_ref().map_or(4096, |throttle| throttle.allows(now));
            let mut buffer = [0; 4096];
            let read = self.master.read(&mut buffer[..most.min(4096)]).unwrap_or_default();
            if let (Some(throttle), 1..) = (&mut throttle, read) {
                throttle.wrote(read, now);
            }
            came += read;
            let heard: Vec<u8> = buffer[..read].iter().flat_map(|byte| noise.pass(*byte)).collect();
            if line.breaks.is_some_and(|breaks| came > breaks) {
                return came;
            }
            session.feed(&heard, now);
            let waiting = session.outgoing();
            let written = if waiting.is_empty() { 0 } else { self.master.write(waiting).unwrap_or(0) };
            session.sent(written);
            if session.ended().is_some() && session.outgoing().is_empty() {
                return came;
            }
            if read == 0 && written == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    /// Waits until it has ended by itself. The line stays: what was said last may not have been heard yet.
    pub(crate) fn wait(mut self) -> ExitStatus {
        let mut buffer = [0; 4096];
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            // A sender that can't get rid of what it was about to say hears nothing.
            while self.master.read(&mut buffer).is_ok_and(|len| len > 0) {}
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Ends it, as who pulls a plug does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
