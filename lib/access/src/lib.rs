//! Technicians are let in by key: a device shows a [`Challenge`], a technician signs it, and what comes back is an
//! [`Answer`]. `docs/service.md` has the whole of it in words.
//!
//! Signatures are those of `ssh-keygen -Y sign` (OpenSSH's PROTOCOL.sshsig) with Ed25519 keys. An answer is the file that it
//! makes, pasted, or the same in [a short form](Answer::to_text) that survives a serial line and a person's typing.
//!
//! The [`Door`] knows what is asked at this moment, and checks answers. Who has signed is not let in by that alone: what the
//! key may be used for, until when and how often is judged by [`Signed::judge`], from facts that the caller has.
//!
//! Nothing here does I/O or looks at a clock, and no parser takes memory by what its input says.

mod answer;
mod base32;
mod challenge;
mod date;
mod door;
mod error;
mod key_line;
mod limits;
mod pace;
mod rule;
mod sshsig;
mod verb;
mod wire;

pub use answer::{Answer, By};
pub use challenge::Challenge;
pub use date::Date;
pub use door::{Door, LIFE, Place, WRONG};
pub use error::{Error, Why};
pub use key_line::{parse_key_line, to_key_line};
pub use limits::{MAX_ANSWER, MAX_LINE, MAX_WHAT, NAMESPACE, NONCE};
pub use rule::{Admitted, Facts, Rule, Signed};
pub use sshsig::{Hash, SshSignature};
pub use verb::{Request, Verb};
