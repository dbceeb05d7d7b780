//! What can be wrong with a channel or a report.

use crate::limits::{MAX_FILE, PREFIX};
use drydock_format::Error as Signatures;
use std::fmt;

/// Why a channel, or a report, is not used. It is no reason to change anything on the device: ask again later.
#[derive(Debug)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the variants' sentences are in Display, the fields are named in them")]
pub enum Error {
    /// The file is longer than any channel.
    TooLarge { size: usize },
    /// The file has no first line: it was cut off, or is something else.
    NoDocument,
    /// The signatures do not hold.
    Signatures(Signatures),
    /// The document does not begin as every channel does.
    NotAChannel,
    /// The document, or the report, is not JSON.
    NotJson { of: &'static str, reason: String },
    /// It insists on a field that is not known here.
    UnknownCritical { field: String },
    /// A field is missing, or has a value that the format does not allow.
    Field { of: &'static str, field: String, problem: String },
    /// The document is that of another channel.
    OtherChannel { wanted: String, found: String },
    /// The document is older than one that this device has seen.
    Fallen { seen: u64, found: u64 },
    /// Another document with this sequence number was seen before.
    Changed { sequence: u64 },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { size } => write!(
                f,
                "reading the channel: {size} bytes and more, the limit is {MAX_FILE}; see that the address is that of a channel"
            ),
            Self::NoDocument => f.write_str(
                "reading the channel: it has no whole first line; see that the address is that of a channel, and upload it again",
            ),
            Self::Signatures(why) => signatures(f, why),
            Self::NotAChannel => write!(
                f,
                "reading the channel: it does not begin with {PREFIX}: something else that was signed, or a newer format"
            ),
            Self::NotJson { of, reason } => {
                write!(f, "reading the {of}: not JSON: {reason}; it must be made again")
            }
            Self::UnknownCritical { field } => write!(
                f,
                "reading the channel: it needs {field:?} to be understood, which this drydock does not; update it by hand"
            ),
            Self::Field { of, field, problem } => {
                write!(f, "reading the {of}: {field}: {problem}; it must be made again")
            }
            Self::OtherChannel { wanted, found } => write!(
                f,
                "checking the channel: this is {found}, and the device follows {wanted}; correct the address, or the file that lies there"
            ),
            Self::Fallen { seen, found } => write!(
                f,
                "checking the channel: its sequence number is {found}, and {seen} was seen before: an old copy; see what the server or its cache gives out"
            ),
            Self::Changed { sequence } => write!(
                f,
                "checking the channel: another document with sequence number {sequence} was seen before; sign it again with a higher one"
            ),
        }
    }
}

fn signatures(f: &mut fmt::Formatter<'_>, why: &Signatures) -> fmt::Result {
    f.write_str("checking the channel's signatures: ")?;
    match why {
        Signatures::SignatureMissing => f.write_str("there are none; sign it (drydock-fleet channel sign)"),
        Signatures::SignaturesFull => f.write_str("no room for another one"),
        Signatures::SignatureLine { line, problem } => {
            write!(f, "line {line} of them: {problem}; sign it again")
        }
        Signatures::UnknownKeys { found } => {
            f.write_str("signed only by unknown keys (")?;
            for (i, key) in found.iter().enumerate() {
                write!(f, "{}{key}", if i == 0 { "" } else { ", " })?;
            }
            f.write_str("); sign it with keys that the devices trust")
        }
        Signatures::BadSignature { key } => write!(
            f,
            "the signature of key {key} is wrong for this document: it was changed after signing; upload it again"
        ),
        Signatures::TooFewSignatures { valid, threshold } => {
            write!(f, "{valid} of the {threshold} keys that must sign have signed; have the others sign it")
        }
        Signatures::BadThreshold { threshold, keys } => {
            write!(f, "{threshold} signatures wanted from {keys} trusted keys; correct the configuration")
        }
        other => write!(f, "{other}"),
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Signatures(why) => Some(why),
            _ => None,
        }
    }
}
