use crate::{Digest, KeyId, limits};
use std::{fmt, io};

/// What can be wrong with a bundle, told for the person at the console.
#[derive(Debug)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the variants' sentences are in Display, the fields are named in them")]
pub enum Error {
    /// The source itself failed: a medium pulled out, a bad sector.
    Read { what: String, source: io::Error },
    /// There is no tar header, or a damaged one, where a member should begin.
    NoHeader { member: String, offset: u64 },
    /// A member is not in the archive.
    MemberMissing { member: String },
    /// A member is needed that a slim bundle has left out.
    LeftOut { member: String, bases: Vec<Digest> },
    /// The list of what a slim bundle has left out makes no sense.
    LeftOutList { problem: String },
    /// A member is there, but others come before it.
    MemberReordered { member: String, found: String },
    /// A member is shorter than the signed manifest says.
    MemberShorter { member: String, stated: u64, found: u64 },
    /// A member is longer than the signed manifest says.
    MemberLonger { member: String, stated: u64, found: u64 },
    /// The file ends inside the archive.
    Truncated { len: u64, needed: u64 },
    /// The archive does not end where its last member does.
    TrailingData { end: u64 },

    /// There are no signatures in `manifest.sig`.
    SignatureMissing,
    /// `manifest.sig` has no room for another line.
    SignaturesFull,
    /// A line of `manifest.sig` does not have the format's form. Lines count from 1.
    SignatureLine { line: usize, problem: &'static str },
    /// There are signatures, but of no trusted key.
    UnknownKeys { found: Vec<KeyId> },
    /// A trusted key's signature does not fit the manifest's bytes.
    BadSignature { key: KeyId },
    /// Fewer trusted keys have signed than must.
    TooFewSignatures { valid: usize, threshold: u32 },
    /// Not an Ed25519 public key, or one that would accept anything.
    BadKey { problem: String },
    /// A threshold that no signatures can meet, or that none are needed for.
    BadThreshold { threshold: u32, keys: usize },

    /// The manifest has more bytes than are ever read.
    ManifestTooLarge { size: u64 },
    /// The manifest does not begin as every manifest of this format does.
    NotABundle,
    /// The manifest is not JSON.
    NotJson { reason: String },
    /// An object in the manifest names a key twice.
    DuplicateKey { key: String },
    /// The manifest insists on a field that is not known here.
    UnknownCritical { field: String },
    /// A field of the manifest has a value that the format does not allow.
    Field { field: String, problem: String },
    /// The release needs a newer recovery than this one.
    NeedsNewerRecovery { needed: u32, have: u32 },
    /// What is wrong with the document of deltas that were made later, which is said of it as of a manifest.
    Supplement(Box<Error>),
    /// There is no image of that name.
    NoSuchImage { image: String },

    /// `NAME.groups` does not hash to the signed root.
    Groups { image: String },
    /// `NAME.frames` does not describe `NAME.zst`.
    Frames { image: String, problem: String },
    /// A frame of `NAME.zst` is not what the format allows. Frames count from 0.
    Frame { image: String, frame: u64, fault: FrameFault },
    /// A group of the image does not have its digest. Groups count from 0.
    Group { image: String, group: u64 },

    /// A member that no image implies does not have its signed digest.
    MemberDamaged { member: String },
}

/// What can be wrong with one compressed frame.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameFault {
    /// It does not begin like a zstd frame.
    NotZstd,
    /// It asks for a window larger than a device ever sets aside.
    HugeWindow {
        /// The window in bytes.
        window: u64,
    },
    /// It wants a dictionary.
    Dictionary,
    /// It says that it unpacks to another size than its place in the image has.
    WrongSize {
        /// The frame's own claim in bytes.
        stated: u64,
        /// What its place in the image has.
        expected: u64,
    },
    /// It unpacks to more than its place in the image has.
    Inflates {
        /// What its place in the image has, in bytes.
        expected: u64,
    },
    /// It unpacks to less than its place in the image has.
    Short {
        /// What came out, in bytes.
        got: u64,
        /// What its place in the image has.
        expected: u64,
    },
    /// It is not exactly one frame: it ends too early, or something follows it.
    NotOneFrame,
    /// zstd cannot decode it.
    Corrupt {
        /// zstd's words.
        reason: &'static str,
    },
}

/// How many bases a sentence names.
const MAX_TOLD: usize = 3;
const AGAIN: &str = "copy or download the bundle again";
const REBUILD: &str = "the bundle must be made again by its vendor";

/// What the two signed documents of a bundle are called in sentences.
struct Words {
    signed: &'static str,
    document: &'static str,
    signatures: &'static str,
    prefix: &'static str,
}

const MANIFEST: Words = Words {
    signed: "the bundle",
    document: "manifest",
    signatures: limits::SIGNATURES,
    prefix: limits::PREFIX,
};
const SUPPLEMENT: Words = Words {
    signed: limits::DELTAS,
    document: "list of later deltas",
    signatures: limits::DELTAS_SIGNATURES,
    prefix: limits::SUPPLEMENT_PREFIX,
};

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.say(f, &MANIFEST)
    }
}

impl Error {
    /// Says it of the document of deltas that were made later. A source that fails is not the document's fault.
    pub(crate) fn of_supplement(self) -> Self {
        match self {
            Self::Read { .. } => self,
            why => Self::Supplement(Box::new(why)),
        }
    }

    fn say(&self, f: &mut fmt::Formatter<'_>, words: &Words) -> fmt::Result {
        let Words { signed, document, signatures, prefix } = words;
        match self {
            Self::Supplement(why) => why.say(f, &SUPPLEMENT),
            // An error that a program has made, and not the kernel, says by itself what can be done.
            Self::Read { what, source } if source.get_ref().is_some() => {
                write!(f, "reading {what} of the bundle: {source}")
            }
            Self::Read { what, source } => {
                write!(f, "reading {what} of the bundle: {source}; check the medium, then {AGAIN}")
            }
            Self::NoHeader { member, offset } => write!(
                f,
                "reading the bundle: no valid tar header for {member} at byte {offset}; the file is damaged or not a bundle: {AGAIN}"
            ),
            Self::MemberMissing { member } => {
                write!(f, "reading the bundle: member {member} is missing; {AGAIN}")
            }
            Self::LeftOut { member, bases } => {
                write!(
                    f,
                    "reading the bundle: member {member} was left out of this one, and is needed here"
                )?;
                let mut before = ": it only has deltas for devices with the root hash";
                for base in bases.iter().take(MAX_TOLD) {
                    write!(f, "{before} {base}")?;
                    before = " or";
                }
                if bases.len() > MAX_TOLD {
                    f.write_str(" or others")?;
                }
                f.write_str("; take the whole bundle")
            }
            Self::LeftOutList { problem } => {
                write!(f, "reading the bundle: the list of what was left out: {problem}; {AGAIN}")
            }
            Self::MemberReordered { member, found } => write!(
                f,
                "reading the bundle: member {member} is out of order, {found} is in its place; {REBUILD}"
            ),
            Self::MemberShorter { member, stated, found } => write!(
                f,
                "reading the bundle: member {member} is truncated to {found} bytes of {stated}; {AGAIN}"
            ),
            Self::MemberLonger { member, stated, found } => write!(
                f,
                "reading the bundle: member {member} has {found} bytes, longer than the stated {stated}; {AGAIN}"
            ),
            Self::Truncated { len, needed } => {
                write!(f, "reading the bundle: it is truncated to {len} bytes of at least {needed}; {AGAIN}")
            }
            Self::TrailingData { end } => {
                write!(f, "reading the bundle: it does not end at byte {end} as its manifest says; {AGAIN}")
            }
            Self::SignatureMissing => {
                write!(f, "checking {signed}'s signatures: there are none; sign it (drydock-bundle sign)")
            }
            Self::SignaturesFull => write!(f, "{signatures}: no room for another signature"),
            Self::SignatureLine { line, problem } => {
                write!(
                    f,
                    "checking {signed}'s signatures: line {line} of {signatures}: {problem}; sign it again"
                )
            }
            Self::UnknownKeys { found } => {
                write!(f, "checking {signed}'s signatures: signed only by unknown keys (")?;
                for (i, key) in found.iter().enumerate() {
                    write!(f, "{}{key}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str("); use a bundle signed for this device")
            }
            Self::BadSignature { key } => write!(
                f,
                "checking {signed}'s signatures: the signature of key {key} is wrong for this {document}: it was changed after signing; {AGAIN}"
            ),
            Self::TooFewSignatures { valid, threshold } => write!(
                f,
                "checking {signed}'s signatures: {valid} of the {threshold} keys that must sign have signed; have the others sign it"
            ),
            Self::BadKey { problem } => {
                write!(f, "reading a public key: {problem}; use an Ed25519 public key")
            }
            Self::BadThreshold { threshold, keys } => write!(
                f,
                "checking {signed}'s signatures: {threshold} signatures wanted from {keys} trusted keys; correct the configuration"
            ),
            Self::ManifestTooLarge { size } => write!(
                f,
                "reading the {document}: {size} bytes is too large, the limit is {}; {REBUILD}",
                limits::MAX_SIZE
            ),
            Self::NotABundle => write!(
                f,
                "reading the {document}: it does not begin with {prefix}: another format, or a newer one"
            ),
            Self::NotJson { reason } => write!(f, "reading the {document}: not JSON: {reason}; {REBUILD}"),
            Self::DuplicateKey { key } => {
                write!(f, "reading the {document}: duplicate key {key:?} in one object; {REBUILD}")
            }
            Self::UnknownCritical { field } => write!(
                f,
                "reading the {document}: unknown critical field {field:?}; update the recovery to one that knows it"
            ),
            Self::Field { field, problem } => {
                write!(f, "reading the {document}: {field}: {problem}; {REBUILD}")
            }
            Self::NeedsNewerRecovery { needed, have } => write!(
                f,
                "reading the {document}: the release needs recovery protocol {needed}, this is {have}; update the recovery first"
            ),
            Self::NoSuchImage { image } => write!(f, "reading the bundle: it has no image {image:?}"),
            Self::Groups { image } => write!(
                f,
                "checking {image}.groups: it does not hash to the signed root hash: damaged; {AGAIN}"
            ),
            Self::Frames { image, problem } => {
                write!(f, "checking {image}.frames: {problem}: damaged; {AGAIN}")
            }
            Self::Frame { image, frame, fault } => {
                write!(f, "unpacking frame {frame} of {image}.zst: {fault}; {AGAIN}")
            }
            Self::Group { image, group } => {
                write!(
                    f,
                    "checking group {group} of {image}: it does not have its signed digest: damaged; {AGAIN}"
                )
            }
            Self::MemberDamaged { member } => {
                write!(f, "checking {member}: it does not have its signed SHA-256: damaged; {AGAIN}")
            }
        }
    }
}

impl fmt::Display for FrameFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotZstd => f.write_str("not a zstd frame"),
            Self::HugeWindow { window } => {
                write!(f, "it asks for a window of {window} bytes, the limit is {}", limits::MAX_WINDOW)
            }
            Self::Dictionary => f.write_str("it asks for a dictionary"),
            Self::WrongSize { stated, expected } => {
                write!(f, "it states a size of {stated} bytes, {expected} belong here")
            }
            Self::Inflates { expected } => {
                write!(f, "it inflates beyond the {expected} bytes that belong here")
            }
            Self::Short { got, expected } => write!(f, "it holds {got} bytes, {expected} belong here"),
            Self::NotOneFrame => f.write_str("not exactly one whole zstd frame"),
            Self::Corrupt { reason } => write!(f, "zstd: {reason}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl std::error::Error for FrameFault {}

/// The error for a field of the manifest.
pub(crate) fn field<T>(field: impl Into<String>, problem: impl Into<String>) -> Result<T, Error> {
    Err(Error::Field { field: field.into(), problem: problem.into() })
}
