//! Hooks: programs that a release brings, to be called while it is installed, or once it runs.

use crate::error::field;
use crate::object::from_object;
use crate::{Error, Member};
use core::fmt;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The most hooks of a release.
pub const MAX_HOOKS: usize = 32;

/// The largest program of a hook that is a member, in bytes.
pub const MAX_PROGRAM: u64 = 16 << 20;

/// The longest name of a hook, and the longest path of a program, in bytes.
const MAX_NAME: usize = 64;
const MAX_PATH: usize = 255;
/// The most arguments, and the longest.
const MAX_ARGUMENTS: usize = 16;
const MAX_ARGUMENT: usize = 256;
/// The longest that a hook may take, and be waited for, in seconds.
const MAX_SECONDS: u32 = 3600;
/// The most memory that a hook may have, in MiB.
const MAX_MEMORY: u32 = 4096;

/// When a hook is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// Before anything is written.
    BeforeWrite,
    /// When all of it is written and read back, before it counts.
    AfterWrite,
    /// In the live system, before the release is marked good for the first time.
    FirstGood,
    /// Before a factory reset or a wipe destroys anything, where the release is the last good one.
    BeforeReset,
    /// When all of it is done, before it is recorded.
    AfterReset,
}

impl fmt::Display for Place {
    /// As the manifest has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BeforeWrite => "before-write",
            Self::AfterWrite => "after-write",
            Self::FirstGood => "first-good",
            Self::BeforeReset => "before-reset",
            Self::AfterReset => "after-reset",
        })
    }
}

/// One hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hook {
    /// What it is called in events and in the history.
    pub name: String,
    /// When it is called.
    pub at: Place,
    /// A static program: the further member that is it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// A program in the release's root image, which becomes its `/`: its path there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Its arguments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<String>,
    /// How long it may take, in seconds.
    pub time_limit_seconds: u32,
    /// How much memory it may have, in MiB.
    pub memory_mib: u32,
    /// Whether it may use the network.
    pub network: bool,
    /// How long it is called again for, in seconds, while it says that it is too early.
    pub wait_seconds: u32,
}

from_object!(Hook {
    name, at;
    member = None, file = None, arguments = Vec::new(), time_limit_seconds = 60, memory_mib = 64, network = false,
    wait_seconds = 0
});

/// Checks every rule for the hooks of a release.
pub(crate) fn check(hooks: &[Hook], further: &[Member]) -> Result<(), Error> {
    if hooks.len() > MAX_HOOKS {
        return field("hooks", format!("{} of them, up to {MAX_HOOKS} are allowed", hooks.len()));
    }
    let mut seen = BTreeSet::new();
    for hook in hooks {
        hook.check(further)?;
        if !seen.insert(&hook.name) {
            return field("hooks", format!("{:?} is there twice", hook.name));
        }
    }
    Ok(())
}

impl Hook {
    fn check(&self, further: &[Member]) -> Result<(), Error> {
        let name = &self.name;
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(allowed) {
            return field("hooks", format!("{name:?} is no name for a hook"));
        }
        let problem = |problem: String| field("hooks", format!("{name}: {problem}"));
        match (&self.member, &self.file) {
            (Some(member), None) => {
                if !matches!(self.at, Place::BeforeWrite | Place::AfterWrite) {
                    return problem(format!("at {} there is no bundle: it must be a `file`", self.at));
                }
                match further.iter().find(|further| further.name == *member) {
                    Some(found) if (1..=MAX_PROGRAM).contains(&found.size) => {}
                    Some(found) => {
                        let size = found.size;
                        return problem(format!(
                            "{member} has {size} bytes, 1 to {MAX_PROGRAM} are possible"
                        ));
                    }
                    None => return problem(format!("{member:?} is no further member")),
                }
            }
            (None, Some(file)) => {
                if self.at == Place::BeforeWrite {
                    return problem(
                        "before it is written the release has no files: it must be a `member`".into(),
                    );
                }
                if !is_path(file) {
                    return problem(format!("{file:?} is no absolute path"));
                }
            }
            _ => return problem("it must have a `member` or a `file`, and not both".into()),
        }
        let bad = |argument: &String| argument.len() > MAX_ARGUMENT || argument.contains('\0');
        if self.arguments.len() > MAX_ARGUMENTS || self.arguments.iter().any(bad) {
            return problem(format!("up to {MAX_ARGUMENTS} arguments of {MAX_ARGUMENT} bytes are possible"));
        }
        let limits = [
            ("time_limit_seconds", self.time_limit_seconds, 1, MAX_SECONDS),
            ("wait_seconds", self.wait_seconds, 0, MAX_SECONDS),
            ("memory_mib", self.memory_mib, 4, MAX_MEMORY),
        ];
        for (key, value, least, most) in limits {
            if !(least..=most).contains(&value) {
                return problem(format!("{key} is {value}, {least} to {most} are possible"));
            }
        }
        Ok(())
    }
}

fn is_path(path: &str) -> bool {
    let sound = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(|c: char| c.is_control());
    path.len() <= MAX_PATH && path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(sound))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sha256;

    fn member() -> Vec<Member> {
        vec![Member { name: "check.hook".into(), size: 9, sha256: Some(sha256(b"x")) }]
    }

    fn read(json: &str) -> Result<Hook, String> {
        let hook: Hook = serde_json::from_str(json).map_err(|error| error.to_string())?;
        check(std::slice::from_ref(&hook), &member()).map_err(|error| error.to_string())?;
        Ok(hook)
    }

    #[test]
    fn a_hook_has_limits_where_it_names_none() {
        let hook = read(r#"{"name":"check","at":"before-write","member":"check.hook"}"#).unwrap();
        assert_eq!(
            (hook.time_limit_seconds, hook.memory_mib, hook.network, hook.wait_seconds),
            (60, 64, false, 0)
        );
        let again: Hook = serde_json::from_slice(&serde_json::to_vec(&hook).unwrap()).unwrap();
        assert_eq!(again, hook);
    }

    #[test]
    fn what_can_not_be_called_is_refused_with_its_name() {
        for (json, why) in [
            (r#"{"name":"c","at":"first-good","member":"check.hook"}"#, "no bundle"),
            (r#"{"name":"c","at":"before-write","file":"/bin/x"}"#, "must be a `member`"),
            (r#"{"name":"c","at":"after-write","file":"bin/x"}"#, "no absolute path"),
            (r#"{"name":"c","at":"after-write","file":"/bin/../x"}"#, "no absolute path"),
            (r#"{"name":"c","at":"after-write","member":"other"}"#, "no further member"),
            (r#"{"name":"c","at":"after-write"}"#, "and not both"),
            (r#"{"name":"c","at":"after-write","file":"/x","member":"check.hook"}"#, "and not both"),
            (r#"{"name":"C","at":"after-write","file":"/x"}"#, "no name"),
            (
                r#"{"name":"c","at":"after-write","file":"/x","time_limit_seconds":0}"#,
                "time_limit_seconds is 0",
            ),
            (r#"{"name":"c","at":"after-write","file":"/x","memory_mib":5000}"#, "memory_mib is 5000"),
            (r#"{"name":"c","at":"after-write","file":"/x","arguments":["a\u0000b"]}"#, "arguments"),
            (r#"{"name":"c","at":"sometimes","file":"/x"}"#, "sometimes"),
        ] {
            let refused = read(json).unwrap_err();
            assert!(refused.contains(why), "{json}: {refused}");
        }
    }
}
