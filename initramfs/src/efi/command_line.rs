//! The command line that an image carries. What the image is for is said there, and signed with it.

use drydock_config::Layout;
use std::fmt;
use std::str::FromStr;

/// What an image is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To start set a or b.
    Set(char),
    /// To be the recovery, from its copy a or b.
    Recovery(char),
    /// For whatever process 1 chooses: where the firmware always starts this one.
    Any,
}

impl Purpose {
    /// The names of all of them.
    pub const NAMES: [&str; 5] = ["set-a", "set-b", "recovery-a", "recovery-b", "any"];
}

impl FromStr for Purpose {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "set-a" => Ok(Self::Set('a')),
            "set-b" => Ok(Self::Set('b')),
            "recovery-a" => Ok(Self::Recovery('a')),
            "recovery-b" => Ok(Self::Recovery('b')),
            "any" => Ok(Self::Any),
            _ => Err(format!("an image is for one of {}", Self::NAMES.join(", "))),
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set(name) => write!(f, "set-{name}"),
            Self::Recovery(name) => write!(f, "recovery-{name}"),
            Self::Any => f.write_str("any"),
        }
    }
}

/// The command line of an image: the configuration's parameters, what the image is for, and `--`. Kernel and drydock read nothing
/// behind that word, which is where a stub appends what others want.
pub fn command_line(layout: &Layout, purpose: Purpose) -> String {
    let common = layout.kernel_parameters();
    match purpose {
        Purpose::Set(name) => format!("{common} drydock.set={name} --"),
        Purpose::Recovery(name) => format!("{common} drydock.recovery drydock.copy={name} --"),
        Purpose::Any => format!("{common} --"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purpose_is_read_back_and_is_the_last_that_the_kernel_reads() {
        for name in Purpose::NAMES {
            assert_eq!(name.parse::<Purpose>().unwrap().to_string(), name);
        }
        assert_eq!(
            "set-c".parse::<Purpose>().unwrap_err(),
            "an image is for one of set-a, set-b, recovery-a, recovery-b, any"
        );
        let layout = Layout { cmdline: "console=ttyS0 quiet".into(), ..Layout::default() };
        assert_eq!(
            command_line(&layout, Purpose::Set('b')),
            "panic=10 systemd.gpt_auto=0 console=ttyS0 quiet drydock.set=b --"
        );
        assert_eq!(
            command_line(&Layout::default(), Purpose::Recovery('a')),
            "panic=10 systemd.gpt_auto=0 drydock.recovery drydock.copy=a --"
        );
        assert_eq!(command_line(&Layout::default(), Purpose::Any), "panic=10 systemd.gpt_auto=0 --");
    }
}
