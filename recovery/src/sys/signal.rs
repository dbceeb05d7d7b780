/// Gives SIGPIPE its default action back. Rust programs ignore it from their start, and a program that is
/// executed inherits that.
pub fn reset_sigpipe() {
    // SAFETY: setting a default action installs no handler, so there is no code that could run at a bad moment.
    unsafe {
        nix::libc::signal(nix::libc::SIGPIPE, nix::libc::SIG_DFL);
    }
}
