//! What the forms fix, so that each is said once.

/// What the signatures are for (PROTOCOL.sshsig, section 2): a signature that was made for something else fits nothing here.
pub const NAMESPACE: &str = "drydock-service";

/// The longest answer in bytes that is looked at.
pub const MAX_ANSWER: usize = 4096;

/// The longest challenge in characters.
pub const MAX_LINE: usize = 160;

/// How many random bytes are in a nonce: too many to be met again by asking.
pub const NONCE: usize = 5;

/// The longest text in bytes that a request may name what it is about with.
pub const MAX_WHAT: usize = 1024;

/// How many groups the short form of an answer has.
pub(crate) const GROUPS: usize = 27;
