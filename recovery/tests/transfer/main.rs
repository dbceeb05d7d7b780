//! Bundles from real servers, and from one that does what no real one does on demand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod certificates;
mod faults;
mod faulty;
mod nginx;
mod proxy;
mod setup;
mod tls;
mod whole;
