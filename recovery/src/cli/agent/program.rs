//! Programs of the integrator's: the gate, and what restarts the device.

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long one may run.
pub(super) const LIMIT: Duration = Duration::from_secs(60);
/// How often it is looked whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// So much of what it prints last is kept, in bytes.
const KEPT: usize = 512;

/// Runs a program, for so long at most; after that it is killed, with all that it has started. A text says why it did not end
/// well: the last line that it has printed, if there is one.
pub(super) fn run(words: &[String], limit: Duration) -> Result<(), String> {
    let Some((program, arguments)) = words.split_first() else { return Ok(()) };
    let (mut child, said) =
        start(program, arguments).map_err(|error| format!("{program} can't be run: {error}"))?;
    let group = i32::try_from(child.id()).map(Pid::from_raw);
    let (ended, last) = watch(&mut child, said, limit).map_err(|error| format!("{program}: {error}"))?;
    if ended.is_none() {
        // Whatever it has started is in its group.
        let _ = group.map(|group| killpg(group, Signal::SIGKILL));
        let _ = child.wait();
    }
    let why = match ended {
        Some(status) if status.success() => return Ok(()),
        Some(status) => format!("{program} ended with {status}"),
        None => format!("{program} did not end within {} s, and was killed", limit.as_secs()),
    };
    Err(if last.is_empty() { why } else { last })
}

/// Starts it in a group of its own, with one pipe for all that it says.
fn start(program: &str, arguments: &[String]) -> io::Result<(Child, File)> {
    let (reader, writer) = io::pipe()?;
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .process_group(0)
        .spawn()?;
    Ok((child, File::from(OwnedFd::from(reader))))
}

/// Waits for its end. Returns how it has ended, if it has, and the last line that it has said. What it has started, and lives on,
/// is not waited for.
fn watch(child: &mut Child, said: File, limit: Duration) -> io::Result<(Option<ExitStatus>, String)> {
    let deadline = Instant::now() + limit;
    let (mut kept, mut open) = (Vec::new(), true);
    let mut pause = LOOK_EVERY;
    loop {
        // Before the last of what it says is read.
        let ended = child.try_wait()?;
        let wait = if ended.is_some() { Duration::ZERO } else { pause };
        while open && can_read(&said, wait)? {
            let mut buffer = [0; KEPT];
            let count = (&said).read(&mut buffer)?;
            open = count > 0;
            kept.extend_from_slice(buffer.get(..count).unwrap_or_default());
            kept.drain(..kept.len().saturating_sub(KEPT));
            if ended.is_none() {
                break;
            }
        }
        if ended.is_some() || Instant::now() >= deadline {
            return Ok((ended, last_line(&kept)));
        }
        if !open {
            std::thread::sleep(pause);
            pause = LOOK_EVERY;
        }
    }
}

fn can_read(file: &File, wait: Duration) -> io::Result<bool> {
    let mut looked = [PollFd::new(file.as_fd(), PollFlags::POLLIN)];
    let timeout = PollTimeout::try_from(wait).unwrap_or(PollTimeout::MAX);
    Ok(poll(&mut looked, timeout)? > 0)
}

/// The last line with something in it, as text for a person.
fn last_line(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let last = text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
    last.chars().filter(|character| !character.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Result<(), String> {
        run(&["sh".into(), "-c".into(), script.into()], limit)
    }

    #[test]
    fn the_last_line_of_a_program_is_the_reason() {
        assert_eq!(shell("echo good", LIMIT), Ok(()));
        assert_eq!(run(&[], LIMIT), Ok(()));
        assert_eq!(
            shell("echo one; echo 'the pump runs' >&2; echo; exit 3", LIMIT),
            Err("the pump runs".into())
        );
        assert_eq!(shell("exit 3", LIMIT), Err("sh ended with exit status: 3".into()));
        let long = shell("yes 0123456789 | head -c 1000000; printf '\\nat\\033last'; exit 1", LIMIT);
        assert_eq!(long, Err("atlast".into()));
        let missing = run(&["/nowhere/gate".into()], LIMIT).unwrap_err();
        assert!(missing.contains("/nowhere/gate can't be run: No such file"), "{missing}");
    }

    #[test]
    fn a_program_that_does_not_end_is_killed_with_what_it_has_started() {
        let folder = tempfile::tempdir().unwrap();
        let (file, limit) = (folder.path().join("pids"), Duration::from_millis(500));
        let script = format!("echo waits; sleep 1000 & echo $! > {}; wait", file.display());
        assert_eq!(shell(&script, limit), Err("waits".into()));
        assert_eq!(
            shell("exec >/dev/null 2>&1; sleep 1000", limit),
            Err("sh did not end within 0 s, and was killed".into())
        );
        let pid = std::fs::read_to_string(file).unwrap();
        let state = || std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        // Nobody may have reaped it.
        while state().is_ok_and(|state| !state.contains(" Z ")) {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn what_a_program_leaves_running_is_not_waited_for() {
        assert_eq!(shell("sleep 1000 & echo $! >&2", LIMIT), Ok(()));
    }
}
