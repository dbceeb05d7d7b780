//! Eclipse hawkBit's Direct Device Integration API, version 1 (DDI), as a device sees it: what a server's answers say, and
//! what it is told. Without a network, and without a decision.
//!
//! What a server says is believed as far as it goes: every part of an answer is optional, fields that are not known are passed
//! over, what is needed and is not there makes the answer unusable, and no answer says how much memory is taken. Which
//! bundle is installed is never decided here: its signatures do that.

mod action;
mod answer;
mod error;
mod feedback;
mod links;
mod poll;

pub use action::{Artifact, Chunk, Deployment, Handling, Window};
pub use answer::{MAX_ANSWER, Status};
pub use error::Error;
pub use feedback::{Execution, Feedback, Finished, MAX_DETAIL, config_data};
pub use links::{ActionId, Base, Foreign};
pub use poll::{MAX_SLEEP, MIN_SLEEP, Poll};
