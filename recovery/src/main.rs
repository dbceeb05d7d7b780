//! `drydock`: process 1 of the recovery initramfs, a command-line tool in the live system.

use std::process::ExitCode;

fn main() -> ExitCode {
    // A hook is process 1, too: of a namespace of its own.
    #[cfg(feature = "hooks")]
    if let Some(code) = drydock_recovery::hook::child(std::env::args_os()) {
        return code;
    }
    if std::process::id() == 1 {
        drydock_recovery::pid1::run();
    }
    drydock_recovery::cli::run(std::env::args_os().skip(1))
}
