//! Agents on simulated devices: the code that ships, real HTTP, and a disk that loses what was not flushed.
//!
//! [`Life`] is a device with an agent that goes through restarts, its recovery, trials and a cut of power. Which server it
//! speaks to is for the tests to say.

pub mod crowd;
pub mod herd;
pub mod host;
pub mod http;
pub mod kept;
mod life;
mod moments;
pub mod power;

pub use life::Life;
pub use moments::{each, moments};
pub use power::{Moment, When};
