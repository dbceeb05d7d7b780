//! What is measured of a program, and how: the same for everybody.

use crate::Fallible;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

/// How many lines of what it said tell why a program failed.
const LAST_LINES: usize = 4;

/// What programs took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cost {
    /// Seconds.
    pub(crate) wall: f64,
    /// Seconds of the CPUs, in user mode and for it in the kernel.
    pub(crate) cpu: f64,
    /// The memory that was resident at most, in KiB.
    pub(crate) peak_kib: u64,
}

/// Runs a program under GNU time. What it prints is in `scratch`, and its last lines in the error.
pub(crate) fn measure(scratch: &Path, program: impl AsRef<Path>, words: &[&Path]) -> Fallible<Cost> {
    let (log, took) = (scratch.join("log"), scratch.join("time"));
    let file = File::create(&log)?;
    let program = program.as_ref();
    let mut command = Command::new("/usr/bin/time");
    command.args(["-q", "-f", "%e %U %S %M", "-o"]).arg(&took).arg(program).args(words);
    let status = command.current_dir(scratch).stdout(file.try_clone()?).stderr(file).status()?;
    if !status.success() {
        let said = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
        let lines: Vec<&str> = said.lines().collect();
        let last = lines[lines.len().saturating_sub(LAST_LINES)..].join(" | ");
        return Err(format!("{}: {status}: {last}", program.display()).into());
    }
    parse(&fs::read_to_string(took)?)
}

/// What the program that was measured last printed.
pub(crate) fn said(scratch: &Path) -> Fallible<String> {
    Ok(fs::read_to_string(scratch.join("log"))?)
}

fn parse(text: &str) -> Fallible<Cost> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [wall, user, system, peak] = words[..] else {
        return Err(format!("GNU time has said {text:?}").into());
    };
    Ok(Cost {
        wall: wall.parse()?,
        cpu: user.parse::<f64>()? + system.parse::<f64>()?,
        peak_kib: peak.parse()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_takes_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let cost = measure(dir.path(), "sh", &["-c".as_ref(), "echo said; sleep 0.1".as_ref()]).unwrap();
        assert!(cost.wall >= 0.1 && cost.cpu < cost.wall && cost.peak_kib > 100, "{cost:?}");
        assert_eq!(said(dir.path()).unwrap(), "said\n");
        let why = measure(dir.path(), "sh", &["-c".as_ref(), "echo no way; exit 3".as_ref()]).unwrap_err();
        assert!(why.to_string().contains("no way"), "{why}");
    }

    #[test]
    fn what_gnu_time_says_is_read() {
        assert_eq!(parse("1.5 1 0.5 100\n").unwrap(), Cost { wall: 1.5, cpu: 1.5, peak_kib: 100 });
        assert!(parse("Command terminated by signal 9").is_err());
    }
}
