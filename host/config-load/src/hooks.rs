//! What must hold for `[[hook]]` and `[[gate]]`. No I/O.

use crate::problems::{Problems, is_word};
use drydock_config::{Condition, Config, Gate, Hook, HookPlace, Mib};

/// The largest program that an initramfs carries as a hook, in bytes.
pub(crate) const MAX_PROGRAM: u64 = 16 << 20;
/// So many hooks, and so many gates, are enough for anybody.
const MOST: usize = 32;
/// The most arguments, and the longest in bytes.
const MOST_ARGUMENTS: usize = 16;
const LONGEST_ARGUMENT: usize = 256;

/// Adds everything that is wrong with them.
pub(crate) fn check_hooks(config: &Config, problems: &mut Problems) {
    for (index, hook) in config.hooks.iter().enumerate() {
        let others = config.hooks.iter().take(index).map(|hook| hook.name.as_str());
        check_name(&hook.name, others, &format!("hook.{index}.name"), problems);
        check_hook(hook, index, problems);
    }
    for (index, gate) in config.gates.iter().enumerate() {
        let others = config.gates.iter().take(index).map(|gate| gate.name.as_str());
        check_name(&gate.name, others, &format!("gate.{index}.name"), problems);
        check_gate(config, gate, index, problems);
    }
    for (key, count) in [("hook", config.hooks.len()), ("gate", config.gates.len())] {
        problems.unless(count <= MOST, key, format!("there are {count}, at most {MOST} are possible"));
    }
}

fn check_name<'n>(name: &str, mut others: impl Iterator<Item = &'n str>, at: &str, problems: &mut Problems) {
    problems.unless(is_word(name, 64, "-", false), at, "must be 1 to 64 characters of a-z 0-9 -");
    problems.unless(others.all(|other| other != name), at, format!("there is another one called `{name}`"));
}

fn check_hook(hook: &Hook, index: usize, problems: &mut Problems) {
    let at = |key: &str| format!("hook.{index}.{key}");
    problems.unless(
        hook.file.is_some() != hook.builtin.is_some(),
        format!("hook.{index}"),
        "give either `file` (a program in the root image) or `builtin` (one that the initramfs carries)",
    );
    problems.unless(
        hook.builtin.is_none() || hook.at != HookPlace::FirstGood,
        at("builtin"),
        "in the live system the initramfs is gone: name a `file` of the root image",
    );
    if let Some(file) = &hook.file {
        let good = file.starts_with('/')
            && file.len() <= 255
            && file[1..].split('/').all(|part| !matches!(part, "" | "." | ".."))
            && !file.contains(|c: char| c.is_control());
        problems.unless(good, at("file"), "must be an absolute path in the root image, without `..`");
    }
    let bad = |argument: &String| argument.len() > LONGEST_ARGUMENT || argument.contains('\0');
    problems.unless(
        hook.arguments.len() <= MOST_ARGUMENTS && !hook.arguments.iter().any(bad),
        at("arguments"),
        format!("must be at most {MOST_ARGUMENTS}, of {LONGEST_ARGUMENT} bytes each"),
    );
    problems.unless_within(hook.time_limit_seconds.0, 1, 3600, at("time_limit_seconds"));
    problems.unless_within(hook.wait_seconds.0, 0, 3600, at("wait_seconds"));
    unless_within(hook.memory_mib, 4, 4096, at("memory_mib"), problems);
}

fn check_gate(config: &Config, gate: &Gate, index: usize, problems: &mut Problems) {
    let at = |key: &str| format!("gate.{index}.{key}");
    let required = |kind: &str, key: &str| format!("gate.{index}.require.{kind}.{key}");
    problems.unless(!gate.before.is_empty(), at("before"), "must name a job, or the gate is never asked");
    problems.unless_within(gate.wait_seconds.0, 0, 86_400, at("wait_seconds"));
    match &gate.require {
        Condition::Supply { name } => check_device(name.as_deref(), required("supply", "name"), problems),
        Condition::Battery { name, at_least_percent } => {
            check_device(name.as_deref(), required("battery", "name"), problems);
            let at = required("battery", "at_least_percent");
            problems.unless_within(*at_least_percent, 1, 100, at);
        }
        Condition::Temperature { chip, input, at_least_celsius, at_most_celsius } => {
            check_device(Some(chip), required("temperature", "chip"), problems);
            problems.unless_within(*input, 1, 99, required("temperature", "input"));
            let least = at_least_celsius.unwrap_or(i32::MIN);
            problems.unless(
                at_least_celsius.is_some() || at_most_celsius.is_some(),
                at("require"),
                "needs `at_least_celsius`, `at_most_celsius`, or both",
            );
            problems.unless(
                least < at_most_celsius.unwrap_or(i32::MAX),
                at("require"),
                "no temperature is between these two",
            );
        }
        Condition::FreeSpace { at_least_mib } => {
            unless_within(*at_least_mib, 1, 1 << 24, required("free-space", "at_least_mib"), problems);
            problems.unless(config.data.is_some(), at("require"), "there is no [data] to have room on");
        }
        Condition::Gpio { chip, line, .. } => {
            check_device(Some(chip), required("gpio", "chip"), problems);
            problems.unless_within(*line, 0, 1023, required("gpio", "line"));
        }
        Condition::File { path, is } => {
            let inside = path.strip_prefix("/sys/").or(path.strip_prefix("/proc/")).unwrap_or_default();
            let good = inside.split('/').all(|part| !matches!(part, "" | "." | ".."))
                && path.bytes().all(|byte| byte.is_ascii_graphic());
            let key = required("file", "path");
            problems.unless(good, key, "must be the path of a file below /sys or /proc, without `..`");
            let good = is.trim() == is && is.len() <= 256;
            problems.unless(
                good,
                required("file", "is"),
                "must be at most 256 bytes, without spaces at its ends",
            );
        }
        Condition::BootReason { not } => {
            problems.unless(!not.is_empty(), required("boot-reason", "not"), "must name a reason");
        }
        Condition::Clock { .. } | Condition::Window { .. } => {}
    }
}

/// A name of a device becomes a part of a path.
fn check_device(name: Option<&str>, at: String, problems: &mut Problems) {
    let good = name.is_none_or(|name| is_word(name, 64, "._:-", true) && !name.starts_with('.'));
    problems.unless(good, at, "must be 1 to 64 characters of A-Z a-z 0-9 . _ : -, the first one no dot");
}

fn unless_within(value: Mib, least: u64, most: u64, at: String, problems: &mut Problems) {
    let message = format!("{value} is out of range: {least} to {most}");
    problems.unless((least..=most).contains(&value.0), at, message);
}
