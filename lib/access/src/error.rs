//! Why somebody is not let in, or why what he has typed can't be read.

use crate::base32::GROUP;
use crate::date::Date;
use crate::limits::{GROUPS, NAMESPACE};
use crate::verb::Request;
use std::fmt;

/// Why somebody is not let in, or why what he has typed can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the variants' sentences are in Display, the fields are named in them")]
pub enum Error {
    /// The line of a public key is none that can be used.
    KeyLine { problem: &'static str },
    /// A text is longer than any that is meant.
    TooLong { most: usize },
    /// Nothing was typed.
    Empty,
    /// A character of a group is none of the 32.
    Character { group: usize, found: char },
    /// These groups do not fit their last character; the text has as many groups as an answer.
    Groups { groups: Vec<usize> },
    /// There are too few characters, or too many. The first group that does not fit is named, if there is one.
    Count { found: usize, group: Option<usize> },
    /// An answer in a form that is not known here.
    Form,
    /// What was pasted is no whole SSH signature.
    Signature { problem: &'static str },
    /// The SSH signature was made with another kind of key.
    SignatureKind { problem: &'static str },
    /// The SSH signature was made for something else.
    Namespace,
    /// The SSH signature has what the short form has no room for.
    Reserved,
    /// A line is no challenge, or not a whole one.
    Challenge { problem: &'static str },
    /// Nothing is asked at this place at this moment.
    NothingAsked,
    /// The challenge was shown too long ago.
    Late,
    /// Wrong answers have come from this place: it is to wait.
    Wait { seconds: u64 },
    /// Others are being asked.
    Busy { seconds: u64 },
    /// The answer is by a key that is none of the device's.
    UnknownKey,
    /// The signature is not one of this challenge. `left` more of these, and the challenge is void.
    Wrong { left: u32 },
    /// The answer is right, and its key may not be used for this.
    NotAllowed { key_name: String, request: Request, why: Why },
}

/// Why a key may not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It is not for this verb.
    Verb,
    /// Its last day is over.
    Expired(Date),
    /// It has been used as often as it may.
    UsedUp(u32),
    /// It has a last day, the device does not know what day it is, and nobody counts.
    NoClock(Date),
}

impl Error {
    /// Whether it can't be more than a slip of whoever typed or pasted: nothing was compared with any key.
    pub fn is_slip(&self) -> bool {
        !matches!(self, Self::UnknownKey | Self::Wrong { .. } | Self::NotAllowed { .. })
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verb => f.write_str("it is not for that"),
            Self::Expired(until) => write!(f, "its last day was {until}"),
            Self::UsedUp(uses) => write!(f, "it has been used here as often as it may, {uses} times"),
            Self::NoClock(until) => write!(
                f,
                "it ends with {until}, this device's clock can't be right, and the key has no `uses` to count instead"
            ),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyLine { problem } => write!(f, "reading the public key: {problem}"),
            Self::TooLong { most } => write!(f, "that is longer than {most} characters, which none is"),
            Self::Empty => f.write_str("there is no answer; type or paste it"),
            Self::Character { group, found } => {
                write!(
                    f,
                    "group {group} has the character {}, which no answer has; type that group again",
                    found.escape_default()
                )
            }
            Self::Groups { groups } => {
                f.write_str(if groups.len() == 1 { "group " } else { "groups " })?;
                for (index, group) in groups.iter().enumerate() {
                    write!(f, "{}{group}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str(": a character is wrong, or two are swapped; type it again")
            }
            Self::Count { found, group } => {
                let whole = GROUPS * GROUP;
                write!(f, "the answer has {found} characters and not {whole}")?;
                match group {
                    Some(group) => {
                        write!(f, "; look at group {group}, where one is missing, or there is one too many")
                    }
                    None => f.write_str("; the end is missing, or something follows it"),
                }
            }
            Self::Form => {
                f.write_str("the answer is in a form of a later drydock; paste the SSH signature itself")
            }
            Self::Signature { problem } => {
                write!(f, "reading the SSH signature: {problem}; paste it again, or take the short form")
            }
            Self::SignatureKind { problem } => write!(f, "reading the SSH signature: {problem}"),
            Self::Namespace => write!(
                f,
                "the SSH signature is for another purpose; sign with `ssh-keygen -Y sign -n {}`",
                NAMESPACE
            ),
            Self::Reserved => f.write_str(
                "the SSH signature has a reserved part, which the short form has no room for; paste it as it is",
            ),
            Self::Challenge { problem } => write!(f, "reading the challenge: {problem}"),
            Self::NothingAsked => f.write_str("nothing is asked here now; choose again what is to be done"),
            Self::Late => f.write_str("that was asked too long ago; choose again what is to be done"),
            Self::Wait { seconds } => {
                write!(f, "wrong answers have come from here: the next one is looked at in {seconds} s")
            }
            Self::Busy { seconds } => {
                write!(f, "others are being asked; try again in {seconds} s, or at the console")
            }
            Self::UnknownKey => {
                f.write_str("the answer is by a key that this device does not know; take another one")
            }
            Self::Wrong { left: 0 } => f.write_str(
                "the answer is not one to this challenge, which is void now; choose again what is to be done",
            ),
            Self::Wrong { left } => {
                write!(f, "the answer is not one to this challenge; sign it again, {left} tries are left")
            }
            Self::NotAllowed { key_name, request, why } => {
                write!(f, "the key `{key_name}` may not be used for {request}: {why}")
            }
        }
    }
}

impl std::error::Error for Error {}
