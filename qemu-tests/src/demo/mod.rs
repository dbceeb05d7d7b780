//! What the demos share: a device made as an integrator makes it, its console, and the transcript of what happens.

mod console;
mod factory;
mod make;
mod transcript;

pub use console::{Console, plain};
pub use factory::{Deltas, Factory, Kind, Made, Release, UPDATE};
pub use make::{programs, stick};
pub use transcript::Transcript;
