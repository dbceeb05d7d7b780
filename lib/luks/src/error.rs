use std::fmt;
use std::io;

/// Why a LUKS volume could not be read or changed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The device failed while something was read or written.
    Io {
        /// What was being done.
        doing: &'static str,
        /// The device's answer.
        source: io::Error,
    },
    /// No LUKS header at the start of the device, and no second one where it could be.
    NotLuks,
    /// There is a header, but no copy of it is whole.
    Damaged(String),
    /// The header is whole but asks for something that is not understood or not allowed.
    Unsupported(String),
    /// Both headers are whole and belong to different volumes.
    Conflict {
        /// UUID in the first header.
        first: String,
        /// UUID in the second header.
        second: String,
    },
    /// A key slot's derivation needs more memory than there is.
    Memory {
        /// The key slot.
        slot: u32,
        /// What its header asks for, in KiB.
        needed_kib: u64,
        /// What [`Limits`](crate::Limits) allows, in KiB.
        available_kib: u64,
    },
    /// A derivation would take absurdly long.
    Time {
        /// Which derivation.
        of: String,
        /// What the header asks for.
        asked: u64,
        /// What [`Limits`](crate::Limits) allows.
        allowed: u64,
        /// In which unit.
        unit: &'static str,
    },
    /// A key slot is not understood, or not as it should be.
    KeySlot {
        /// What it is called: a number.
        slot: String,
        /// Which of its fields stands in the way, and why.
        why: String,
    },
    /// The key opens none of the key slots.
    WrongKey {
        /// How many key slots were tried.
        tried: usize,
        /// Why others could not be: the key may be that of one of them.
        left_out: Vec<Error>,
    },
    /// No key slot that could be tried: all were destroyed, or are marked to be ignored, or could not be.
    NoKeySlot {
        /// Why some could not be.
        left_out: Vec<Error>,
    },
    /// There is no key slot of this number.
    NoSuchSlot(u32),
    /// The last key slot would go, and with it all the data.
    LastKeySlot(u32),
    /// The header has no room for what was to be added.
    NoRoom(&'static str),
    /// The caller asked for something that cannot be.
    Invalid(String),
    /// The source of random numbers failed.
    Random(io::Error),
}

impl Error {
    /// An error of the device, with what was being done.
    pub(crate) fn io(doing: &'static str) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io { doing, source }
    }

    /// A refusal that may quote a header: control characters are escaped, so that a disk cannot drive a console.
    pub(crate) fn unsupported(what: impl fmt::Display) -> Self {
        Self::Unsupported(printable(&what.to_string()))
    }

    /// As [`unsupported`](Self::unsupported), for one key slot.
    pub(crate) fn key_slot(slot: impl fmt::Display, why: impl fmt::Display) -> Self {
        Self::KeySlot { slot: printable(&slot.to_string()), why: printable(&why.to_string()) }
    }

    /// As [`unsupported`](Self::unsupported), for a header that contradicts itself.
    pub(crate) fn damaged(what: impl fmt::Display) -> Self {
        Self::Damaged(printable(&what.to_string()))
    }
}

fn printable(text: &str) -> String {
    let mut out: String = text.chars().take(200).map(|c| if c.is_control() { '?' } else { c }).collect();
    if out.len() < text.len() {
        out.push_str("...");
    }
    out
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { doing, source } => write!(f, "{doing}: {source}"),
            Self::NotLuks => f.write_str("no LUKS header found; is this the right partition?"),
            Self::Damaged(what) => {
                write!(f, "LUKS header damaged: {what}; restore it from a backup or format the volume again")
            }
            Self::Unsupported(what) => {
                write!(f, "LUKS header refused: {what}; use a volume that this system can open")
            }
            Self::Conflict { first, second } => write!(
                f,
                "the two LUKS headers belong to different volumes ({first} and {second}); \
                 wipe the stale one or format the volume again"
            ),
            Self::Memory { slot, needed_kib, available_kib } => write!(
                f,
                "LUKS key slot {slot} needs {needed_kib} KiB of memory to derive its key and {available_kib} KiB \
                 are available; add a key slot with a smaller memory cost"
            ),
            Self::Time { of, asked, allowed, unit } => write!(
                f,
                "LUKS {of} asks for {asked} {unit} and at most {allowed} are allowed; \
                 add a key slot with a smaller cost"
            ),
            Self::KeySlot { slot, why } => write!(
                f,
                "LUKS key slot {slot} is not understood ({why}); add a key slot with aes-xts-plain64, sha256 and \
                 argon2id"
            ),
            Self::WrongKey { tried, left_out } => {
                write!(f, "the key opens none of the {tried} LUKS key slots that were tried")?;
                left_out.iter().try_for_each(|error| write!(f, "; {error}"))
            }
            Self::NoKeySlot { left_out } if left_out.is_empty() => {
                f.write_str("the LUKS volume has no usable key slot; its data can't be recovered without one")
            }
            Self::NoKeySlot { left_out } => {
                f.write_str("the LUKS volume has no key slot that can be tried")?;
                left_out.iter().try_for_each(|error| write!(f, "; {error}"))
            }
            Self::NoSuchSlot(slot) => write!(f, "the LUKS volume has no key slot {slot}"),
            Self::LastKeySlot(slot) => {
                write!(f, "key slot {slot} is the last one of the LUKS volume; add another key first")
            }
            Self::NoRoom(what) => {
                write!(f, "the LUKS header has no room for {what}; destroy a key slot that is not needed")
            }
            Self::Invalid(what) => f.write_str(what),
            Self::Random(source) => write!(f, "reading random bytes for a LUKS key: {source}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } | Self::Random(source) => Some(source),
            _ => None,
        }
    }
}
