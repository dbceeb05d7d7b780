use crate::QemuError;
use crate::qmp::Monitor;
use crate::serial::{Pace, Sink, Transcript, find, tail};
use crate::slots::Slot;
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::Value;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A running guest. Dropping it is a power cut.
pub struct Guest {
    transcript: Arc<Transcript>,
    cursor: usize,
    keyboard: Option<ChildStdin>,
    process_group: Pid,
    monitor: Monitor,
    log: Log,
    failed: bool,
    started: Instant,
    stderr: PathBuf,
    _files: TempDir,
}

/// Where the serial log goes.
pub(crate) struct Log {
    pub(crate) path: PathBuf,
    pub(crate) keep: bool,
}

/// How a guest ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The guest switched the machine off.
    PowerOff,
    /// The guest reset the machine.
    Reset,
    /// The watchdog reset the machine.
    Watchdog,
    /// The kernel panicked, or QEMU ended in another way, with this status.
    Other(Option<i32>),
}

/// What [`Qemu::start`](crate::Qemu::start) hands over once everything is prepared.
pub(crate) struct Launch {
    pub(crate) command: Command,
    /// QEMU's, which the command starts.
    pub(crate) program: &'static str,
    pub(crate) sink: Sink,
    /// The speed of the serial port in baud; nothing: as fast as it comes.
    pub(crate) baud: Option<u32>,
    pub(crate) log: Log,
    pub(crate) listener: std::os::unix::net::UnixListener,
    pub(crate) stderr: PathBuf,
    pub(crate) files: TempDir,
    pub(crate) slot: Slot,
}

impl Launch {
    /// Starts QEMU in a thread that reads its output and stays until it has ended: the kernel kills QEMU when
    /// the thread that started it goes away.
    pub(crate) fn start(self) -> Result<Guest, QemuError> {
        let Self { mut command, program, mut sink, baud, log, listener, stderr, files, slot } = self;
        let started = Instant::now();
        let transcript = Arc::new(Transcript::default());
        let theirs = transcript.clone();
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            let mut child = match command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() {
                Ok(child) => child,
                Err(e) => {
                    let _ = tell.send(Err(e));
                    return;
                }
            };
            let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
            let _ = tell.send(Ok((child.id(), stdin)));
            if let Some(stdout) = stdout {
                read_serial(stdout, &mut sink, baud, &theirs);
            }
            reap(&mut child, &theirs);
            // From here on another guest may run, even if the test still looks at this one.
            drop(slot);
        });
        let spawned = told.recv().map_err(|e| QemuError::io("start QEMU")(std::io::Error::other(e)))?;
        let (pid, keyboard) = spawned.map_err(QemuError::io(format!("start {program} through setpriv")))?;
        Ok(Guest {
            monitor: Monitor::listen(listener, transcript.clone()),
            transcript,
            cursor: 0,
            keyboard,
            process_group: Pid::from_raw(pid.cast_signed()),
            log,
            failed: false,
            started,
            stderr,
            _files: files,
        })
    }
}

fn read_serial(mut stdout: ChildStdout, sink: &mut Sink, baud: Option<u32>, transcript: &Transcript) {
    if baud.is_some() {
        // Without this the pipe would swallow 64 KiB before the guest notices that the reader is slow.
        let _ = fcntl(&stdout, FcntlArg::F_SETPIPE_SZ(4096));
    }
    let mut pace = Pace::new(baud);
    let mut buf = vec![0; pace.chunk()];
    while let Ok(n @ 1..) = stdout.read(&mut buf) {
        sink.write(&buf[..n]);
        transcript.update(|state| state.text.extend_from_slice(&buf[..n]));
        if !transcript.lock().killed {
            pace.rest(n);
        }
    }
}

/// Waits for the process. Its number is given back to the system under the transcript's lock, so that
/// [`Guest::power_cut`] never signals a stranger.
fn reap(child: &mut Child, transcript: &Transcript) {
    loop {
        let mut ended = false;
        transcript.update(|state| {
            if let Ok(Some(status)) = child.try_wait() {
                state.ended = Some(status);
                ended = true;
            }
        });
        if ended {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

impl Guest {
    /// Waits until the guest has said `text`, and returns everything since the last match up to its end. The next
    /// expectation looks only behind it.
    pub fn expect(&mut self, text: &str, limit: Duration) -> Result<String, QemuError> {
        self.expect_any(&[text], limit).map(|(_, said)| said)
    }

    /// Waits for whichever of `texts` comes first; returns its index and what was said up to its end.
    pub fn expect_any(&mut self, texts: &[&str], limit: Duration) -> Result<(usize, String), QemuError> {
        let cursor = self.cursor;
        let found = self.transcript.wait(Instant::now() + limit, |state| {
            let first = |(n, text)| find(&state.text, cursor, text).map(|end| (end, n));
            match texts.iter().copied().enumerate().filter_map(first).min() {
                Some(found) => Some(Ok(found)),
                None => state.ended.map(Err),
            }
        });
        match found {
            Some(Ok((end, n))) => {
                self.cursor = end;
                Ok((n, String::from_utf8_lossy(&self.transcript.lock().text[cursor..end]).into_owned()))
            }
            Some(Err(status)) => {
                let (tail, log) = self.fail();
                Err(QemuError::Ended { wanted: format!("{texts:?}"), status, tail, log })
            }
            None => Err(self.timeout(format!("{texts:?}"), limit)),
        }
    }

    /// Waits for a line that contains `text` and for its end; returns the whole line.
    pub fn expect_line(&mut self, text: &str, limit: Duration) -> Result<String, QemuError> {
        let before = self.expect(text, limit)?;
        let rest = self.expect("\n", limit)?;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        Ok(before[start..].to_owned() + rest.trim_end())
    }

    /// Returns the whole lines that the guest has said since the last match, and whether it has ended. Does not wait.
    pub fn news(&mut self) -> (String, bool) {
        let state = self.transcript.lock();
        let new = state.text.get(self.cursor..).unwrap_or_default();
        let lines = new.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let said = String::from_utf8_lossy(&new[..lines]).into_owned();
        self.cursor += lines;
        (said, state.ended.is_some())
    }

    /// Types on the serial console.
    pub fn send(&mut self, text: &str) -> Result<(), QemuError> {
        let Some(keyboard) = &mut self.keyboard else { return Ok(()) };
        let sent = keyboard.write_all(text.as_bytes()).and_then(|()| keyboard.flush());
        sent.map_err(QemuError::io("type on the guest's console"))
    }

    /// Everything that the guest has said.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&self.transcript.lock().text).into_owned()
    }

    /// The time since QEMU was started.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// The serial log. It goes away with a guest that did what was expected of it, unless
    /// [`Qemu::log_file`](crate::Qemu::log_file) named it.
    pub fn log_path(&self) -> &Path {
        &self.log.path
    }

    /// Gives a command to QEMU's monitor (QMP), and returns its answer.
    pub fn monitor(&self, command: &str, arguments: Value) -> Result<Value, QemuError> {
        self.monitor.command(command, arguments)
    }

    /// Pulls out the disk with this number, counted from 0 as they were given to the builder.
    pub fn unplug(&self, disk: usize) -> Result<(), QemuError> {
        self.monitor("device_del", serde_json::json!({"id": format!("disk{disk}")})).map(|_| ())
    }

    /// Plugs the network cable in, or pulls it out.
    pub fn cable(&self, plugged: bool) -> Result<(), QemuError> {
        self.monitor("set_link", serde_json::json!({"name": "nic", "up": plugged})).map(|_| ())
    }

    /// Cuts the power: QEMU and all that it started are killed at once. Returns when they are gone; what the
    /// guest has written to its disks before is in the image files.
    pub fn power_cut(&mut self) {
        self.transcript.update(|state| {
            state.killed = true;
            if state.ended.is_none() {
                let _ = killpg(self.process_group, Signal::SIGKILL);
            }
        });
        let deadline = Instant::now() + Duration::from_secs(20);
        self.transcript.wait(deadline, |state| state.ended);
    }

    /// Waits for the guest to end by itself: it powers off or resets, or the watchdog does.
    pub fn wait_exit(&mut self, limit: Duration) -> Result<Exit, QemuError> {
        let Some(status) = self.transcript.wait(Instant::now() + limit, |state| state.ended) else {
            return Err(self.timeout("end of the guest".into(), limit));
        };
        let events = self.monitor.events();
        if events.iter().any(|event| event["event"] == "WATCHDOG") {
            return Ok(Exit::Watchdog);
        }
        let shutdown = events.iter().find(|event| event["event"] == "SHUTDOWN");
        Ok(match shutdown.and_then(|event| event["data"]["reason"].as_str()) {
            Some("guest-shutdown") => Exit::PowerOff,
            Some("guest-reset") => Exit::Reset,
            _ => Exit::Other(status.code()),
        })
    }

    fn timeout(&mut self, wanted: String, limit: Duration) -> QemuError {
        let (tail, log) = self.fail();
        QemuError::Timeout { wanted, limit, tail: tail + "\n" + &self.whereabouts(), log }
    }

    /// What the first CPU is at, at two moments: whether it halts, spins or works.
    fn whereabouts(&self) -> String {
        let now = self.instruction().unwrap_or_default();
        std::thread::sleep(Duration::from_millis(200));
        format!("CPU at {now}, then {}", self.instruction().unwrap_or_default())
    }

    /// The line with the instruction pointer, of the CPU's registers.
    fn instruction(&self) -> Option<String> {
        let command = serde_json::json!({"command-line": "info registers"});
        let registers = self.monitor("human-monitor-command", command).ok()?;
        registers
            .as_str()?
            .lines()
            .find(|line| line.contains("IP=") || line.contains("PC="))
            .map(|line| line.trim().to_owned())
    }

    fn fail(&mut self) -> (String, PathBuf) {
        self.failed = true;
        let stderr = std::fs::read_to_string(&self.stderr).unwrap_or_default();
        (tail(&self.transcript.lock().text) + "\n" + &stderr, self.log.path.clone())
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.power_cut();
        if std::thread::panicking() {
            let (tail, log) = self.fail();
            eprintln!("guest's log {} ends in:\n{tail}", log.display());
        }
        if !self.failed && !self.log.keep {
            let _ = std::fs::remove_file(&self.log.path);
        }
    }
}
