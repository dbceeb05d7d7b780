use drydock_fleet::Watch;
use indicatif::{ProgressBar, ProgressStyle};

/// A progress bar on standard error; hidden where that is no terminal, or nobody wants to see it.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// A bar for bytes.
    pub(crate) fn of_bytes(quiet: bool) -> Self {
        Self::new(quiet, "{msg:12} {wide_bar} {bytes}/{total_bytes} {eta}")
    }

    /// A bar for things that are counted.
    pub(crate) fn of_things(quiet: bool) -> Self {
        Self::new(quiet, "{msg:12} {wide_bar} {pos}/{len} {eta}")
    }

    fn new(quiet: bool, template: &str) -> Self {
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(0) };
        Self(match ProgressStyle::with_template(template) {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        })
    }
}

impl Watch for Bar {
    fn begin(&self, what: &str, count: u64) {
        self.0.set_message(what.to_owned());
        self.0.set_length(count);
        self.0.set_position(0);
    }

    fn advance(&self, count: u64) {
        self.0.inc(count);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
