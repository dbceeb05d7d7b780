//! Field service: what a technician at a console, or on the network, may do.
//!
//! The menu is on every console of a recovery that has nobody's job to do. What an entry means ([`menu`]) and what is shown
//! ([`screens`]) are functions; here they are put together with the machine. Each console has a dialogue of its own. What changes
//! the device is done by the code that does it for any other intent, so a cut of power at any moment ends as it would there.

pub mod access;
mod act;
mod attend;
pub mod blanks;
mod check;
mod confirm;
mod desk;
pub mod facts;
pub mod front;
mod keeper;
mod known;
pub mod landing;
mod leaving;
#[cfg(feature = "lan")]
mod letters;
pub mod menu;
mod name;
pub mod offers;
pub mod page;
mod papers;
mod scene;
pub mod screen;
pub mod screens;
#[cfg(feature = "lan")]
mod sent;
pub mod upload;

pub(crate) use attend::{Attended, attend};
pub(crate) use desk::Desk;
pub(crate) use leaving::Left;
pub use name::device_name;
pub use papers::{support_bundle, support_file};
