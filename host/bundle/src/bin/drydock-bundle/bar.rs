use indicatif::{ProgressBar, ProgressStyle};

/// A progress bar in bytes on standard error; hidden where that is no terminal.
pub(crate) fn bar(quiet: bool, len: u64) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg:12} {wide_bar} {bytes}/{total_bytes} {eta}");
    let bar = ProgressBar::new(len);
    if let Ok(style) = style { bar.with_style(style) } else { bar }
}
