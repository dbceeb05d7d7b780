//! A serial line with a technician's computer at its other end: as slow as a real one, and other people's programs can
//! have it for a while.

use crate::QemuError;
use crate::serial::{Pace, Transcript, find};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::pty::openpty;
use nix::sys::stat::Mode;
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::mkfifo;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A line at a certain speed, in both directions.
pub struct Line {
    pipe: PathBuf,
    baud: u32,
    heard: Arc<Transcript>,
    cursor: usize,
    /// Who has the line now, in place of the transcript.
    lent: Arc<Mutex<Option<File>>>,
    to_guest: Option<File>,
}

impl Line {
    /// A line at this many baud, whose pipes lie in `folder`. A machine gets it by [`args`](Self::args), as its next serial port;
    /// and it must be [`plugged`](Self::plug) in before the machine starts.
    pub fn new(folder: &Path, baud: u32) -> Result<Self, QemuError> {
        let pipe = folder.join("line");
        for end in ["in", "out"] {
            mkfifo(&pipe.with_extension(end), Mode::S_IRUSR | Mode::S_IWUSR)
                .map_err(|errno| QemuError::io("make a pipe for a serial line")(errno.into()))?;
        }
        Ok(Self { pipe, baud, heard: Arc::default(), cursor: 0, lent: Arc::default(), to_guest: None })
    }

    /// QEMU's arguments for it.
    pub fn args(&self) -> [String; 4] {
        let device = format!("pipe,id=line,path={}", self.pipe.display());
        ["-chardev".into(), device, "-serial".into(), "chardev:line".into()]
    }

    /// Begins to listen.
    pub fn plug(&mut self) -> Result<(), QemuError> {
        let open = |end: &str| {
            // For both, so that opening waits for nobody.
            let mut options = File::options();
            options.read(true).write(true).custom_flags(OFlag::O_CLOEXEC.bits());
            options.open(self.pipe.with_extension(end)).map_err(QemuError::io("open a serial line"))
        };
        let (mut from_guest, to_guest) = (open("out")?, open("in")?);
        // No more may be under way than a UART's FIFO and a bit: the guest must notice how slow the line is.
        for pipe in [&from_guest, &to_guest] {
            let _ = fcntl(pipe, FcntlArg::F_SETPIPE_SZ(4096));
        }
        self.to_guest = Some(to_guest);
        let (heard, lent, pace) = (self.heard.clone(), self.lent.clone(), Pace::baud(self.baud));
        std::thread::spawn(move || {
            let mut buffer = vec![0; pace.chunk];
            while let Ok(len @ 1..) = from_guest.read(&mut buffer) {
                let bytes = &buffer[..len];
                match &mut *lent.lock().unwrap_or_else(PoisonError::into_inner) {
                    // That it hung up is noticed where it is waited for.
                    Some(other) => drop(other.write_all(bytes)),
                    None => heard.update(|state| state.text.extend_from_slice(bytes)),
                }
                rest(pace, len);
            }
        });
        Ok(())
    }

    /// Waits until the device has said `text` on this line, and returns everything since the last match up to its end.
    pub fn expect(&mut self, text: &str, limit: Duration) -> Result<String, QemuError> {
        let cursor = self.cursor;
        let found = self.heard.wait(Instant::now() + limit, |state| find(&state.text, cursor, text));
        let said = |from: usize| String::from_utf8_lossy(&self.heard.lock().text[from..]).into_owned();
        let Some(end) = found else {
            return Err(QemuError::Timeout {
                wanted: format!("{text:?} on the line"),
                limit,
                tail: said(cursor),
                log: self.pipe.clone(),
            });
        };
        self.cursor = end;
        Ok(String::from_utf8_lossy(&self.heard.lock().text[cursor..end]).into_owned())
    }

    /// Everything that the device has said on this line while nobody else had it.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&self.heard.lock().text).into_owned()
    }

    /// Types.
    pub fn send(&mut self, text: &[u8]) -> Result<(), QemuError> {
        let Some(to_guest) = &mut self.to_guest else { return Ok(()) };
        slowly(text, to_guest, Pace::baud(self.baud)).map_err(QemuError::io("type on a serial line"))
    }

    /// Lends the line to a program, whose input and output it becomes as a terminal without manners. Returns when the
    /// program has ended, with what it has written to its errors.
    pub fn lend(&mut self, command: &mut Command) -> Result<Output, QemuError> {
        let doing = || QemuError::io("lend a serial line to a program");
        let ends = openpty(None, None).map_err(|errno| doing()(errno.into()))?;
        let mut raw = tcgetattr(&ends.slave).map_err(|errno| doing()(errno.into()))?;
        cfmakeraw(&mut raw);
        tcsetattr(&ends.slave, SetArg::TCSANOW, &raw).map_err(|errno| doing()(errno.into()))?;
        let master = File::from(ends.master);
        let mut from_program = master.try_clone().map_err(doing())?;
        let mut to_guest = match &self.to_guest {
            Some(to_guest) => to_guest.try_clone().map_err(doing())?,
            None => return Err(doing()(std::io::ErrorKind::NotConnected.into())),
        };
        let (input, output) = (ends.slave.try_clone().map_err(doing())?, ends.slave);
        command.stdin(Stdio::from(input)).stdout(Stdio::from(output)).stderr(Stdio::piped());
        *self.lent.lock().unwrap_or_else(PoisonError::into_inner) = Some(master);
        let child = command.spawn().map_err(doing());
        // The program alone has the terminal now: its end is the line's.
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let pace = Pace::baud(self.baud);
        let pump = std::thread::spawn(move || {
            let mut buffer = vec![0; pace.chunk];
            while let Ok(len @ 1..) = from_program.read(&mut buffer) {
                if slowly(&buffer[..len], &mut to_guest, pace).is_err() {
                    return;
                }
            }
        });
        let output = child.and_then(|child| child.wait_with_output().map_err(doing()));
        let _ = pump.join();
        *self.lent.lock().unwrap_or_else(PoisonError::into_inner) = None;
        output
    }
}

fn rest(pace: Pace, len: usize) {
    std::thread::sleep(pace.rest * len as u32 / pace.chunk as u32);
}

fn slowly(bytes: &[u8], to: &mut File, pace: Pace) -> std::io::Result<()> {
    for chunk in bytes.chunks(pace.chunk) {
        to.write_all(chunk)?;
        rest(pace, chunk.len());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    /// What is at the other end, in place of QEMU: it says who it is, and then gives back all that it hears.
    fn echo(folder: &Path) {
        let open = |end: &str| File::options().read(true).write(true).open(folder.join(end)).unwrap();
        let (mut input, mut output) = (open("line.in"), open("line.out"));
        std::thread::spawn(move || {
            output.write_all(b"echo\n").unwrap();
            let mut buffer = [0; 256];
            while let Ok(len @ 1..) = input.read(&mut buffer) {
                output.write_all(&buffer[..len]).unwrap();
            }
        });
    }

    #[test]
    fn a_line_is_a_persons_and_a_programs_in_turn() {
        let folder = tempfile::tempdir().unwrap();
        let mut line = Line::new(folder.path(), 115_200).unwrap();
        line.plug().unwrap();
        echo(folder.path());
        line.expect("echo\n", LIMIT).unwrap();
        line.send(b"typed").unwrap();
        line.expect("typed", LIMIT).unwrap();
        let mut program = Command::new("sh");
        let script = "test -t 0 && printf '\\021\\377x\\n' && head -c 4 | od -An -tx1 >&2";
        let output = line.lend(program.args(["-c", script])).unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr).trim(), "11 ff 78 0a", "not one byte is changed");
        line.send(b"again").unwrap();
        line.expect("again", LIMIT).unwrap();
        assert_eq!(line.said(), "echo\ntypedagain", "what was the program's is not the person's");
    }
}
