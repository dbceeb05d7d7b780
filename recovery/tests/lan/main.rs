//! The page on the LAN, by real TLS on real sockets: with a real browser, `curl`, `openssl` and `ssh-keygen` as its other ends,
//! and with attackers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod attacks;
mod bench;
mod browser;
mod chromium;
mod door;
mod menu;
mod tools;
mod uploads;
mod visitor;
