//! Hooks as real processes, in namespaces of their own: what they are promised, and what they can't do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod attacks;
mod contract;
mod examples;
mod room;
