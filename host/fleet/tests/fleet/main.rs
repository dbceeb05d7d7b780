//! `drydock-fleet` against a hawkBit: the double, or a real server where `HAWKBIT_JAR` names one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod answers;
mod common;
mod cuts;
mod manners;
mod orders;
mod push;
mod rollouts;
mod status;
mod tls;
