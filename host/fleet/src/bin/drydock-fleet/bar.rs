use indicatif::{ProgressBar, ProgressStyle};

/// Whether progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// As a bar, where standard error is a terminal.
    Shown,
    /// Not at all: `--quiet`.
    Hidden,
}

/// A progress bar in bytes on standard error; hidden where that is no terminal.
pub(crate) fn bar(progress: Progress, len: u64) -> ProgressBar {
    if progress == Progress::Hidden {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg:12} {wide_bar} {bytes}/{total_bytes} {eta}");
    let bar = ProgressBar::new(len);
    if let Ok(style) = style { bar.with_style(style) } else { bar }
}
