//! An order, and what was said about it.

use super::{Denied, MAX_MESSAGES, MAX_ROWS, Store, Window};

/// What hawkBit writes before most of its own messages; the device's history leaves these out.
pub(crate) const SERVER: &str = "Update Server: ";
/// What is longer is split.
const MAX_MESSAGE: usize = 512;

/// A state of an order, and of one row of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Finished,
    Error,
    Warning,
    Running,
    Canceled,
    Canceling,
    Retrieved,
    Download,
    Scheduled,
    CancelRejected,
    Downloaded,
    WaitForConfirmation,
}

impl Status {
    /// All of them.
    pub(crate) const ALL: [Self; 12] = [
        Self::Finished,
        Self::Error,
        Self::Warning,
        Self::Running,
        Self::Canceled,
        Self::Canceling,
        Self::Retrieved,
        Self::Download,
        Self::Scheduled,
        Self::CancelRejected,
        Self::Downloaded,
        Self::WaitForConfirmation,
    ];

    /// As the management API writes it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Running => "running",
            Self::Canceled => "canceled",
            Self::Canceling => "canceling",
            Self::Retrieved => "retrieved",
            Self::Download => "download",
            Self::Scheduled => "scheduled",
            Self::CancelRejected => "cancel_rejected",
            Self::Downloaded => "downloaded",
            Self::WaitForConfirmation => "wait_for_confirmation",
        }
    }
}

/// How an order is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Forced,
    Soft,
    /// Soft until then, in milliseconds since 1970.
    TimeForced(u64),
    DownloadOnly,
}

impl Kind {
    /// As the management API writes it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Forced => "forced",
            Self::Soft => "soft",
            Self::TimeForced(_) => "timeforced",
            Self::DownloadOnly => "downloadonly",
        }
    }

    /// Whether the device has no choice.
    pub(crate) fn is_forced(self, now: u64) -> bool {
        match self {
            Self::Forced => true,
            Self::TimeForced(at) => now >= at,
            Self::Soft | Self::DownloadOnly => false,
        }
    }
}

/// One row of an order: what somebody has said about it.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) id: u64,
    pub(crate) status: Status,
    /// When it happened, as the device says.
    pub(crate) timestamp: u64,
    /// When the server heard of it.
    pub(crate) reported: u64,
    pub(crate) code: Option<i64>,
    pub(crate) messages: Vec<String>,
}

impl Row {
    /// A row; what is too long is split.
    pub(crate) fn new(status: Status, now: u64, messages: impl IntoIterator<Item = String>) -> Self {
        let messages = messages.into_iter().flat_map(|message| split(&message)).collect();
        Self { id: 0, status, timestamp: now, reported: now, code: None, messages }
    }

    /// A row of the server's own.
    pub(crate) fn of_server(status: Status, now: u64, message: &str) -> Self {
        Self::new(status, now, [format!("{SERVER}{message}")])
    }
}

fn split(message: &str) -> Vec<String> {
    let units: Vec<char> = message.chars().collect();
    match units.len() {
        0 => vec![String::new()],
        _ => units.chunks(MAX_MESSAGE).map(|part| part.iter().collect()).collect(),
    }
}

/// An order.
#[derive(Clone, Debug)]
pub(crate) struct Action {
    pub(crate) id: u64,
    pub(crate) target: String,
    /// The distribution set.
    pub(crate) set: u64,
    pub(crate) kind: Kind,
    pub(crate) window: Option<Window>,
    pub(crate) weight: u32,
    pub(crate) status: Status,
    /// It is open.
    pub(crate) active: bool,
    /// The code of the device's last report.
    pub(crate) code: Option<i64>,
    /// The rollout, and its group.
    pub(crate) rollout: Option<(u64, u64)>,
    pub(crate) rows: Vec<Row>,
    /// Counts what has changed: links to the order say it.
    pub(crate) revision: u64,
    pub(crate) created: u64,
    pub(crate) modified: u64,
}

impl Action {
    /// The operator, or a newer order, wants it ended; or it was.
    pub(crate) fn is_canceling_or_canceled(&self) -> bool {
        matches!(self.status, Status::Canceling | Status::Canceled)
    }

    /// A person at the device is to say yes first.
    pub(crate) fn waits(&self) -> bool {
        self.status == Status::WaitForConfirmation
    }

    /// What is refused once there are too many rows, or messages in this one.
    pub(crate) fn check_quota(&self, row: &Row) -> Result<(), Denied> {
        let closes = matches!(row.status, Status::Finished | Status::Error);
        if !closes && self.rows.len() >= MAX_ROWS {
            return Err(Denied::TooMany("ActionStatus"));
        }
        if row.messages.len() > MAX_MESSAGES {
            return Err(Denied::TooMany("Message"));
        }
        Ok(())
    }

    /// The last messages, the newest first, but for most of the server's own.
    pub(crate) fn history(&self, most: usize) -> Vec<&str> {
        let mut rows: Vec<&Row> = self.rows.iter().rev().collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.timestamp));
        let messages = rows.into_iter().flat_map(|row| &row.messages).map(String::as_str);
        messages.filter(|message| !message.starts_with(SERVER)).take(most).collect()
    }
}

impl Store {
    /// Notes that a device has read an order. Whatever it was before, it is `retrieved` then, and be it finished; but for one that
    /// is to be canceled.
    pub(crate) fn retrieved(&mut self, id: u64, message: &str, now: u64) {
        let Some(action) = self.actions.get_mut(&id) else { return };
        if action.rows.last().is_some_and(|row| row.status == Status::Retrieved) {
            return;
        }
        if !action.is_canceling_or_canceled() {
            action.status = Status::Retrieved;
            action.revision += 1;
        }
        self.add_row(id, Row::of_server(Status::Retrieved, now, message));
    }
}
