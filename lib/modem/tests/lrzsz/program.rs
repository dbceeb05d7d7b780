//! One of lrzsz's programs on a terminal of its own, with a line between it and us that is as slow and as bad as wanted.

use drydock_modem::Session;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::pty::openpty;
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
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
        let pty = openpty(None, None).unwrap();
        let mut raw = tcgetattr(&pty.slave).unwrap();
        cfmakeraw(&mut raw);
        tcsetattr(&pty.slave, SetArg::TCSANOW, &raw).unwrap();
        fcntl(&pty.master, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
        let child = Command::new(program)
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::from(pty.slave.try_clone().unwrap()))
            .stdout(Stdio::from(pty.slave))
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}; run tools/setup.sh"));
        Self { child, master: pty.master.into() }
    }

    /// Runs a transfer against it until that has ended, or the line breaks. Returns how many bytes came from the program.
    pub(crate) fn talk(&mut self, session: &mut dyn Session, line: Line) -> usize {
        let (started, mut came, mut allowed) = (Instant::now(), 0, 0.0);
        let (mut random, mut last) = (1_u64, Duration::ZERO);
        loop {
            let now = started.elapsed();
            let most = match line.rate {
                None => 4096,
                Some(rate) => {
                    allowed += (now - last).as_secs_f64() * f64::from(rate);
                    allowed as usize
                }
            };
            last = now;
            let mut buffer = [0; 4096];
            let read = self.master.read(&mut buffer[..most.min(4096)]).unwrap_or_default();
            allowed = if read == 0 { allowed.min(64.0) } else { allowed - read as f64 };
            came += read;
            let heard: Vec<u8> = match line.noise {
                None => buffer[..read].to_vec(),
                Some(one_in) => {
                    buffer[..read].iter().flat_map(|byte| worse(*byte, one_in, &mut random)).collect()
                }
            };
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

/// What becomes of a byte.
fn worse(byte: u8, one_in: u32, random: &mut u64) -> Vec<u8> {
    *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    let dice = (*random >> 33) as u32;
    match dice % one_in {
        0 => match dice / one_in % 3 {
            0 => vec![byte ^ (1 << (dice >> 13 & 7))],
            1 => vec![],
            _ => vec![byte, (dice >> 10) as u8],
        },
        _ => vec![byte],
    }
}
