//! Channels, made and changed: the file is the only record of what is in one, and each change makes the next document of it.

mod edit;
mod file;
mod typed;
mod when;

pub use edit::{Change, Edit, Placement, begin, pick};
pub use file::{check_signed, read, sign, write};
pub use typed::{TypedWave, condition, device};
pub use when::When;
