//! A serial line with a technician's computer at its other end: as slow as a real one, and other people's programs can
//! have it for a while.

use crate::QemuError;
use crate::serial::{Pace, Transcript, find};
use drydock_lines::{Noise, at_terminal};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};
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
    noise: Option<Noise>,
    heard: Arc<Transcript>,
    cursor: usize,
    /// Who has the line now, in place of the transcript.
    lent: Arc<Mutex<Option<File>>>,
    to_guest: Option<File>,
}

/// What a program did with the line that it was lent.
#[derive(Debug)]
pub struct Lent {
    /// How it ended, and what it has written to its errors.
    pub output: Output,
    /// How many bytes it has sent.
    pub sent: usize,
    /// How long it had the line.
    pub took: Duration,
}

impl Line {
    /// A line at this many baud, whose pipes lie in `folder`, which has no other one's. A machine gets it by [`args`](Self::args), as its next serial port;
    /// and it must be [`plugged`](Self::plug) in before the machine starts.
    pub fn new(folder: &Path, baud: u32) -> Result<Self, QemuError> {
        let pipe = folder.join("line");
        for end in ["in", "out"] {
            mkfifo(&pipe.with_extension(end), Mode::S_IRUSR | Mode::S_IWUSR)
                .map_err(|errno| QemuError::io("make a pipe for a serial line")(errno.into()))?;
        }
        let (heard, lent) = Default::default();
        Ok(Self { pipe, baud, noise: None, heard, cursor: 0, lent, to_guest: None })
    }

    /// The same with noise on what a program sends that it is lent to.
    #[must_use]
    pub fn noisy(self, noise: Noise) -> Self {
        Self { noise: Some(noise), ..self }
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
        let (heard, lent, mut pace) = (self.heard.clone(), self.lent.clone(), Pace::new(Some(self.baud)));
        std::thread::spawn(move || {
            let mut buffer = vec![0; pace.chunk()];
            while let Ok(len @ 1..) = from_guest.read(&mut buffer) {
                let bytes = &buffer[..len];
                match &mut *lent.lock().unwrap_or_else(PoisonError::into_inner) {
                    // That it hung up is noticed where it is waited for.
                    Some(other) => drop(other.write_all(bytes)),
                    None => heard.update(|state| state.text.extend_from_slice(bytes)),
                }
                pace.rest(len);
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
        let mut pace = Pace::new(Some(self.baud));
        slowly(text, to_guest, &mut pace).map_err(QemuError::io("type on a serial line"))
    }

    /// Lends the line to a program, whose input and output it becomes as a terminal without manners. Returns when the
    /// program has ended.
    pub fn lend(&mut self, command: &mut Command) -> Result<Lent, QemuError> {
        self.lend_up_to(command, usize::MAX)
    }

    /// The same, but the line breaks after the program has sent about so many bytes, and the program is killed.
    pub fn lend_up_to(&mut self, command: &mut Command, most: usize) -> Result<Lent, QemuError> {
        let doing = || QemuError::io("lend a serial line to a program");
        let mut to_guest = match &self.to_guest {
            Some(to_guest) => to_guest.try_clone().map_err(doing())?,
            None => return Err(doing()(std::io::ErrorKind::NotConnected.into())),
        };
        let started = Instant::now();
        let (child, master) = at_terminal(command.stderr(Stdio::piped())).map_err(doing())?;
        let mut from_program = master.try_clone().map_err(doing())?;
        *self.lent.lock().unwrap_or_else(PoisonError::into_inner) = Some(master);
        let (mut pace, mut noise) = (Pace::new(Some(self.baud)), self.noise.clone());
        let program = Pid::from_raw(child.id().cast_signed());
        let pump = std::thread::spawn(move || {
            let (mut buffer, mut sent) = (vec![0; pace.chunk()], 0);
            while let Ok(len @ 1..) = from_program.read(&mut buffer) {
                if sent >= most {
                    // Nobody has waited for it yet, so the number is still its own.
                    let _ = kill(program, Signal::SIGKILL);
                    break;
                }
                sent += len;
                let bytes = buffer[..len].iter();
                let bytes = match &mut noise {
                    Some(noise) => bytes.flat_map(|byte| noise.pass(*byte)).collect(),
                    None => bytes.copied().collect::<Vec<_>>(),
                };
                if slowly(&bytes, &mut to_guest, &mut pace).is_err() {
                    break;
                }
            }
            sent
        });
        let output = child.wait_with_output().map_err(doing());
        let sent = pump.join().unwrap_or_default();
        *self.lent.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(Lent { output: output?, sent, took: started.elapsed() })
    }
}

fn slowly(bytes: &[u8], to: &mut File, pace: &mut Pace) -> std::io::Result<()> {
    for chunk in bytes.chunks(pace.chunk()) {
        to.write_all(chunk)?;
        pace.rest(chunk.len());
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
        let Lent { output, sent, .. } = line.lend(program.args(["-c", script])).unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr).trim(), "11 ff 78 0a", "not one byte is changed");
        assert_eq!(sent, 4);
        line.send(b"again").unwrap();
        line.expect("again", LIMIT).unwrap();
        assert_eq!(line.said(), "echo\ntypedagain", "what was the program's is not the person's");
    }

    #[test]
    fn a_line_that_breaks_ends_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let mut line = Line::new(folder.path(), 115_200).unwrap();
        line.plug().unwrap();
        let endless = ["-c", "while echo y; do :; done"];
        let Lent { output, sent, .. } = line.lend_up_to(Command::new("sh").args(endless), 2000).unwrap();
        assert!(!output.status.success() && (2000..4000).contains(&sent), "{sent}");
    }
}
