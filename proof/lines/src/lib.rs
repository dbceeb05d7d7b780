//! Serial lines for tests: as slow and as bad as wanted, with other people's programs at their ends.
//!
//! A [`Throttle`] says how much a line carries by whatever clock, so that it is the same for simulated time and for a machine
//! in QEMU; [`Noise`] says what becomes of the bytes; and [`at_terminal`] gives the other end to `sz` or `rz`. What is between
//! the two ends is each test's own.

mod noise;
mod terminal;
mod throttle;

pub use noise::Noise;
pub use terminal::at_terminal;
pub use throttle::Throttle;
