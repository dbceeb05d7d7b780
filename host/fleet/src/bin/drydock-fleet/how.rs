use drydock_fleet::{Error, Force, Order, Window};
use jiff::Timestamp;

/// How a release is to be installed.
#[derive(clap::Args)]
pub(crate) struct How {
    /// The device installs. This is so unless something else is said.
    #[arg(long, group = "force")]
    forced: bool,
    /// The device may put it off.
    #[arg(long, group = "force")]
    soft: bool,
    /// The device fetches, and does not install.
    #[arg(long, group = "force")]
    download_only: bool,
    /// The device may put it off until then, as 2027-01-31T02:00:00Z.
    #[arg(long, value_name = "TIME", group = "force")]
    time_forced: Option<Timestamp>,
    /// Someone at the device must confirm it.
    #[arg(long, group = "confirmation")]
    confirm: bool,
    /// Nobody must, even where the server is set up so that someone has to.
    #[arg(long, group = "confirmation")]
    no_confirm: bool,
}

impl How {
    /// Returns the order, with a window if there is one.
    pub(crate) fn order(&self, window: Option<&str>) -> Result<Order, Error> {
        let force = match (self.soft, self.download_only, self.time_forced) {
            (true, ..) => Force::Soft,
            (_, true, _) => Force::DownloadOnly,
            (.., Some(at)) => Force::TimeForced(at.as_millisecond()),
            _ => Force::Forced,
        };
        let confirm = match (self.confirm, self.no_confirm) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        };
        Ok(Order { force, window: window.map(Window::parse).transpose()?, confirm })
    }
}
