//! Keys, signatures, answers and the door, against attackers and against the real `ssh-keygen`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod answers;
mod attacks;
mod common;
mod keygen;
mod keys;
mod rules;
