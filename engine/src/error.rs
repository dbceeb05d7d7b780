//! The one error type of this crate.

use std::fmt;
use std::io;

/// Why drydock could not do what it was asked to.
///
/// Every message says what was being done, to what, what went wrong, and what the person at the console can
/// do about it. It is also what the history keeps as the reason of a failed update.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The bundle was refused or could not be read.
    Bundle(drydock_format::Error),
    /// What drydock keeps on the disk: the state record, the boot environment, a trailer, the stash.
    Storage(drydock_block::Error),
    /// The policy, or the place of the state record.
    State(drydock_state::Error),
    /// A LUKS volume could not be opened or made.
    Luks {
        /// What was being done, and to what.
        doing: String,
        /// What is wrong with it.
        source: drydock_luks::Error,
    },
    /// The kernel refused an operation on a device or a file.
    System {
        /// What was being done, and to what.
        doing: String,
        /// The kernel's answer.
        source: io::Error,
        /// What the person at the console can do, if there is more to say than the answer says.
        advice: &'static str,
    },
    /// No disk, or more than one, is the one that is looked for.
    NoDisk {
        /// How many disks fit: none, or more than one.
        fitting: usize,
        /// Everything that was seen, and what can be done.
        why: String,
    },
    /// A partition that the configuration names is missing from our disk, or is there twice.
    Partition {
        /// The partition's label.
        label: String,
        /// The disk's node.
        disk: String,
        /// How many partitions have that label.
        found: usize,
    },
    /// No key opens a volume.
    Locked {
        /// The volume's label.
        volume: String,
        /// Why each of the configured ways led nowhere.
        reasons: Vec<String>,
    },
    /// Another process has been changing the state for too long.
    Busy {
        /// Who.
        holder: String,
        /// How long was waited for it.
        seconds: u64,
    },
    /// The device does not have what the configuration or the bundle names.
    Missing {
        /// What is missing.
        what: String,
        /// What the person at the console can do.
        advice: String,
    },
    /// The state can't be trusted, so nothing is changed.
    Untrusted(String),
    /// The bundle is whole and signed, but not for this device in its present state.
    Refused(String),
    /// A hook or a gate of the integrator's does not let a job go on.
    Stopped {
        /// Which.
        by: String,
        /// Why, and what can be done.
        why: String,
    },
    /// What is on the device is not what was signed.
    NotProven {
        /// What was being proven.
        what: String,
        /// What was found.
        why: String,
        /// What the person at the console can do.
        advice: &'static str,
    },
    /// The delta of a slot could not give everything, and the whole image is not there.
    Delta {
        /// The slot's label.
        label: String,
        /// What is wrong with the delta.
        trouble: String,
        /// What is not there.
        why: drydock_format::Error,
    },
    /// What a slot says of the release that it holds can't be read or trusted.
    Slot {
        /// The slot's label.
        label: String,
        /// Why.
        why: Box<Error>,
    },
    /// The data volume can't be had.
    NoData {
        /// Its label.
        label: String,
        /// Why.
        why: Box<Error>,
    },
    /// A bundle can't be fetched.
    Transfer {
        /// From where.
        from: String,
        /// What stands in the way.
        trouble: drydock_transfer::Trouble,
    },
    /// A technician is not let in.
    #[cfg(feature = "service")]
    Access(drydock_access::Error),
    /// Time ran out.
    TimedOut {
        /// What was being waited for.
        waiting_for: String,
        /// For how long, in seconds.
        seconds: u64,
    },
    /// A file that drydock relies on is not as it must be.
    Unusable(String),
    /// What the command line asks for makes no sense.
    Usage(String),
}

impl Error {
    /// Whether something that was read is not what was signed: not that it could not be read, and not that it was signed
    /// for rules that have changed since (other keys, a higher threshold, a field that is not known here).
    pub fn is_damage(&self) -> bool {
        use drydock_format::Error as Bundle;
        match self {
            Self::NotProven { .. } => true,
            Self::Bundle(error) => matches!(
                error,
                Bundle::BadSignature { .. }
                    | Bundle::Groups { .. }
                    | Bundle::Frames { .. }
                    | Bundle::Frame { .. }
                    | Bundle::Group { .. }
            ),
            Self::Storage(error) | Self::State(drydock_state::Error::Storage(error)) => {
                matches!(error, drydock_block::Error::Damaged { .. } | drydock_block::Error::Absent { .. })
            }
            Self::Slot { why, .. } => why.is_damage(),
            _ => false,
        }
    }

    /// Whether the bundle can't be used or read, or not what was signed came of it, so that another one may do.
    pub fn is_of_bundle(&self) -> bool {
        matches!(self, Self::Bundle(_) | Self::Refused(_) | Self::NotProven { .. } | Self::Delta { .. })
    }

    /// Whether the bytes of a bundle are at fault that has been opened already: not that they could not be read.
    pub fn is_of_contents(&self) -> bool {
        use drydock_format::Error as Bundle;
        match self {
            // What was left out is no fault of what is there.
            Self::Bundle(error) => !matches!(error, Bundle::Read { .. } | Bundle::LeftOut { .. }),
            Self::Delta { .. } => true,
            error => error.is_damage(),
        }
    }

    /// Whether a volume is missing or locked: something that a key, a medium or a person can mend.
    pub fn is_locked(&self) -> bool {
        matches!(self, Self::NoData { .. } | Self::Locked { .. })
    }

    /// For `map_err`: joins what was being done, to what, the kernel's answer, and what can be done about it.
    pub fn system(
        doing: &'static str,
        what: impl fmt::Display,
        advice: &'static str,
    ) -> impl FnOnce(io::Error) -> Self {
        let doing = format!("{doing} {what}");
        move |source| Self::System { doing, source, advice }
    }

    /// For `map_err`: joins what was being done with the kernel's answer, which says all there is to say.
    pub fn doing(doing: impl fmt::Display) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.to_string();
        move |source| Self::System { doing, source, advice: "" }
    }

    /// The kernel's answer, where that is the reason.
    pub fn io(&self) -> Option<&io::Error> {
        match self {
            Self::System { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bundle(e) => e.fmt(f),
            Self::Storage(e) => e.fmt(f),
            Self::State(e) => e.fmt(f),
            Self::Luks { doing, source } => write!(f, "{doing}: {source}"),
            #[cfg(feature = "service")]
            Self::Access(why) => why.fmt(f),
            Self::System { doing, source, advice: "" } => write!(f, "{doing}: {source}"),
            Self::System { doing, source, advice } => write!(f, "{doing} failed: {source}; {advice}"),
            Self::NoDisk { why, .. } => f.write_str(why),
            Self::Partition { label, disk, found: 0 } => {
                write!(f, "{disk} has no partition `{label}`; write the disk image anew or correct the label")
            }
            Self::Partition { label, disk, found } => {
                write!(
                    f,
                    "{disk} has {found} partitions `{label}`; none is used until the others are renamed"
                )
            }
            Self::Locked { volume, reasons } if reasons.is_empty() => {
                write!(f, "`{volume}` is locked, and the configuration names no way to its key")
            }
            Self::Locked { volume, reasons } => {
                write!(f, "`{volume}` stays locked: {}; provide its key", reasons.join("; "))
            }
            Self::Busy { holder, seconds } => write!(
                f,
                "the state is being changed by {holder}, and was for all of {seconds} s; end it if it hangs, and try again"
            ),
            Self::Transfer { from, trouble } => {
                write!(f, "fetching {from}: {trouble}; {}", trouble_advice(trouble))
            }
            Self::Untrusted(why) => write!(f, "the state can't be changed: {why}"),
            Self::Missing { what, advice } => write!(f, "{what} is missing; {advice}"),
            Self::Refused(text) | Self::Unusable(text) | Self::Usage(text) => f.write_str(text),
            Self::Stopped { by, why } => write!(f, "{by} says no: {why}"),
            Self::NotProven { what, why, advice } => {
                write!(f, "{what} is not what was signed: {why}; {advice}")
            }
            Self::Delta { label, trouble, why } => {
                write!(f, "filling {label}: its delta can't be used ({trouble}); {why}")
            }
            Self::Slot { label, why } => write!(f, "the release in slot {label}: {why}"),
            Self::NoData { label, why } => write!(f, "`{label}` can't be opened: {why}"),
            Self::TimedOut { waiting_for, seconds } => {
                write!(f, "waited {seconds} s for {waiting_for} in vain; check that it is connected")
            }
        }
    }
}

/// What the person at the console can do about a transfer.
fn trouble_advice(trouble: &drydock_transfer::Trouble) -> &'static str {
    use drydock_transfer::Trouble;
    match trouble {
        Trouble::Untrusted(_) => {
            "compare the configuration's `[network]` with the server and the device's clock with the time, and see whether a captive portal or a proxy answers in its place"
        }
        Trouble::Status { status: 404 | 410, .. } | Trouble::Redirect(_) => "check the address",
        Trouble::Exchanged(_) => "stage it again",
        _ => "check the network and the server; it can be tried again, and goes on where it was",
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Bundle(e) => Some(e),
            Self::Storage(e) => Some(e),
            Self::State(e) => Some(e),
            Self::Luks { source, .. } => Some(source),
            #[cfg(feature = "service")]
            Self::Access(why) => Some(why),
            Self::System { source, .. } => Some(source),
            Self::Slot { why, .. } | Self::NoData { why, .. } => Some(why),
            _ => None,
        }
    }
}

#[cfg(feature = "service")]
impl From<drydock_access::Error> for Error {
    fn from(e: drydock_access::Error) -> Self {
        Self::Access(e)
    }
}

impl From<drydock_format::Error> for Error {
    fn from(e: drydock_format::Error) -> Self {
        Self::Bundle(e)
    }
}

impl From<drydock_block::Error> for Error {
    fn from(e: drydock_block::Error) -> Self {
        Self::Storage(e)
    }
}

impl From<drydock_state::Error> for Error {
    fn from(e: drydock_state::Error) -> Self {
        Self::State(e)
    }
}
