//! `drydock`: process 1 of the recovery initramfs, a command-line tool in the live system.

use std::process::ExitCode;

fn main() -> ExitCode {
    if std::process::id() == 1 {
        drydock_recovery::pid1::run();
    }
    drydock_recovery::cli::run(std::env::args_os().skip(1))
}
