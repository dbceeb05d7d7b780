//! What a boot is for, from the kernel's command line; and what it came to.

use drydock_state::{CopyName, MaybeDigest, SetName};

/// Why recovery runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The bootloader saw that there is a job, or a person chose recovery from its menu.
    Asked,
    /// A person chose the factory reset from the bootloader's menu.
    FactoryReset,
    /// No set has attempts left, or the bootloader could not read its environment.
    Fallback,
}

/// What comes after recovery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Reset the machine; the bootloader chooses. The set is the one that it will choose.
    Reboot(SetName),
    /// Reset the machine; the bootloader starts this copy of the recovery, which was just written, to prove it.
    TryCopy(CopyName),
    /// Nothing is bootable: stay, say so, and try again later.
    Stay(String),
}

/// What the bootloader has started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A set: check its trailer, set up dm-verity, go on into its root.
    Set(SetName),
    /// Recovery.
    Recovery(Reason),
    /// Nobody has said. Where the firmware always starts one image process 1 chooses; else it is a recovery that somebody asked
    /// for.
    Unsaid,
}

/// What this boot is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootContext {
    /// What the bootloader has started.
    pub purpose: Purpose,
    /// Which of recovery's two copies runs, if the bootloader said so.
    pub copy: Option<CopyName>,
}

impl BootContext {
    /// Reads `drydock.set=a|b`, or `drydock.recovery` with `drydock.reason=fallback|menu-factory-reset` and `drydock.copy=a|b`.
    /// Without any of them nobody has said. What is not [the kernel's part](kernels_part) says nothing.
    pub fn from_command_line(line: &str) -> Self {
        let text = kernels_part(line);
        let value = |name: &str| {
            let mut values = text.split_ascii_whitespace().filter_map(|word| word.split_once('='));
            values.find(|(key, _)| *key == name).map(|(_, value)| value)
        };
        let reason = match value("drydock.reason") {
            Some("fallback") => Reason::Fallback,
            Some("menu-factory-reset") => Reason::FactoryReset,
            _ => Reason::Asked,
        };
        let set = value("drydock.set").and_then(|set| set.parse().ok());
        let said = text.split_ascii_whitespace().any(|word| {
            word == "drydock.recovery"
                || word.starts_with("drydock.set=")
                || word.starts_with("drydock.reason=")
        });
        let purpose = if said { Purpose::Recovery(reason) } else { Purpose::Unsaid };
        Self {
            purpose: set.map_or(purpose, Purpose::Set),
            copy: value("drydock.copy").and_then(|copy| copy.parse().ok()),
        }
    }
}

/// The part of a command line that the kernel reads, which ends at a word `--` (its `admin-guide/kernel-parameters`). The signed
/// line of a unified kernel image ends in that word: what a stub appends to it, from wherever, is then behind it.
pub fn kernels_part(line: &str) -> &str {
    let whole_word = |at: usize| {
        let (before, rest) = (&line[..at], &line[at + 2..]);
        before.chars().next_back().is_none_or(|c| c.is_ascii_whitespace())
            && rest.chars().next().is_none_or(|c| c.is_ascii_whitespace())
    };
    let end = line.match_indices("--").map(|(at, _)| at).find(|&at| whole_word(at));
    &line[..end.unwrap_or(line.len())]
}

/// What a boot came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Reset the machine. The bootloader chooses; what it will choose is known.
    Reset(Next),
    /// Reset the machine: the bootloader did not know that another set is first.
    ChooseAgain,
    /// Reset the machine: nothing was bootable, which the text says, and a bundle was found that mends it.
    Rescued(String),
    /// Reset the machine: a person has asked for a factory reset, which the next boot does.
    ResetAsked,
    /// The set has been entered. A real machine has become its init by then, and never says so.
    Entered(SetName),
    /// Nothing is bootable, or a volume stays locked; the machine was switched off while it stayed.
    SwitchedOff(String),
}

/// What PID 1 has left in `/run/drydock/boot.json` about this boot.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
pub struct RunningSet {
    /// The set that runs.
    pub set: SetName,
    /// The root's dm-verity root hash; none where drydock's process 1 has not started the set.
    pub root_hash: MaybeDigest,
    /// The version, as the slot's trailer has it.
    pub version: String,
    /// Whether `data` can only be read, or could not be opened and a temporary volume took its place.
    pub degraded: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_says_what_a_boot_is_for() {
        let purpose = |text| BootContext::from_command_line(text).purpose;
        assert_eq!(purpose("console=ttyS0 drydock.set=b panic=10\n"), Purpose::Set(SetName::B));
        assert_eq!(purpose("drydock.recovery drydock.reason=intent"), Purpose::Recovery(Reason::Asked));
        assert_eq!(purpose("drydock.recovery drydock.reason=fallback"), Purpose::Recovery(Reason::Fallback));
        assert_eq!(
            purpose("drydock.recovery drydock.reason=menu-factory-reset"),
            Purpose::Recovery(Reason::FactoryReset)
        );
        assert_eq!(purpose("quiet drydock.set=c"), Purpose::Recovery(Reason::Asked));
        assert_eq!(purpose("quiet console=ttyS0 drydock.settle=1"), Purpose::Unsaid);
        assert_eq!(BootContext::from_command_line("drydock.copy=b").copy, Some(CopyName::B));
    }

    #[test]
    fn what_is_appended_to_a_line_that_has_ended_says_nothing() {
        let signed = "panic=10 drydock.recovery drydock.copy=a --";
        let asked = BootContext { purpose: Purpose::Recovery(Reason::Asked), copy: Some(CopyName::A) };
        for appended in ["", " ", "\n", " drydock.set=b", " drydock.reason=menu-factory-reset drydock.copy=b"]
        {
            assert_eq!(BootContext::from_command_line(&format!("{signed}{appended}")), asked, "{appended}");
        }
        assert_eq!(BootContext::from_command_line("panic=10 -- drydock.recovery").purpose, Purpose::Unsaid);
        assert_eq!(kernels_part("a --b c-- ---d -- e -- f"), "a --b c-- ---d ");
        assert_eq!(kernels_part("-- x"), "");
        assert_eq!(kernels_part("x --"), "x ");
        assert_eq!(kernels_part("\u{e9}--\u{e9} x\n"), "\u{e9}--\u{e9} x\n");
    }
}
