//! What processes take, by /proc (proc(5)).

use crate::Fallible;
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// Ticks of processor time in a second: USER_HZ, which is 100 for all that Debian runs on.
const TICKS: u64 = 100;
/// Bytes of a page.
const PAGE: u64 = 4096;

/// What a process and all that it has started take.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Taken {
    /// Processor time so far.
    pub(crate) time: Duration,
    /// Resident memory now, in bytes.
    pub(crate) memory: u64,
}

/// What one process says of itself.
struct Stat {
    parent: u32,
    taken: Taken,
}

/// Returns what a process and its children, and theirs, have taken.
pub(crate) fn taken(of: u32) -> Fallible<Taken> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // One that has ended meanwhile takes nothing any more.
        let Ok(text) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        all.insert(pid, stat(&text).ok_or("/proc has a stat of another form")?);
    }
    let belongs = |mut pid: u32| {
        while let Some(stat) = all.get(&pid).filter(|_| pid != of) {
            pid = stat.parent;
        }
        pid == of
    };
    let mut sum = Taken::default();
    for (pid, stat) in &all {
        if belongs(*pid) {
            sum.time += stat.taken.time;
            sum.memory += stat.taken.memory;
        }
    }
    Ok(sum)
}

/// Reads a line of `/proc/PID/stat`. The name in brackets may hold anything.
fn stat(text: &str) -> Option<Stat> {
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    // Numbered from 3 on in proc(5).
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    let time = Duration::from_millis((field(14)? + field(15)?) * 1000 / TICKS);
    Some(Stat { parent: field(4)? as u32, taken: Taken { time, memory: field(24)? * PAGE } })
}

/// Returns what machine this is, and how busy it is.
pub(crate) fn machine() -> Fallible<String> {
    let cpu = fs::read_to_string("/proc/cpuinfo")?;
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let cores = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let load = fs::read_to_string("/proc/loadavg")?;
    let load = load.split(' ').next().unwrap_or_default();
    Ok(format!("{cores} cores of {}, load {load}", model.map_or("?", |(_, name)| name.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_whatever_the_process_is_called() {
        let line =
            "42 (a) b (c) S 7 1 1 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 3 0 9 1000 25 18446744073709551615";
        let Stat { parent, taken } = stat(line).unwrap();
        assert_eq!((parent, taken.time, taken.memory), (7, Duration::from_secs(3), 25 * 4096));
        assert!(stat("42 (a) S 7").is_none());
    }

    #[test]
    fn this_process_has_memory_and_a_machine() {
        assert!(taken(std::process::id()).unwrap().memory > 100_000);
        assert!(machine().unwrap().contains("cores of"));
    }
}
