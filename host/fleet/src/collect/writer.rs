//! The one thread that writes. What has come in while it wrote is written together: each write waits for the disk once.

use super::store::Store;
use crate::Error;
use crate::channel::When;
use drydock_channel::Report;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// The most reports that are written together, and that wait.
const TOGETHER: usize = 256;

/// A report, and where to say whether it is on stable storage.
type Job = (Report, SyncSender<bool>);

/// Where reports are handed in.
#[derive(Clone, Debug)]
pub(super) struct Writer(SyncSender<Job>);

impl Writer {
    /// Starts the thread.
    pub(super) fn start(store: Store) -> Self {
        let (sender, jobs) = sync_channel(TOGETHER);
        thread::spawn(move || write(store, &jobs));
        Self(sender)
    }

    /// Returns whether a report is on stable storage.
    pub(super) fn write(&self, report: Report) -> bool {
        let (sender, done) = sync_channel(1);
        self.0.send((report, sender)).is_ok() && done.recv().unwrap_or(false)
    }
}

fn write(mut store: Store, jobs: &Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
        let together: Vec<Job> = std::iter::once(first).chain(jobs.try_iter().take(TOGETHER - 1)).collect();
        let (reports, waiting): (Vec<_>, Vec<_>) = together.into_iter().unzip();
        let written = store.append(&reports, When::now());
        if let Err(error) = &written {
            complain(error);
        }
        for sender in waiting {
            // Who has gone away sends it again.
            let _ = sender.send(written.is_ok());
        }
    }
}

fn complain(error: &Error) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "drydock-fleet: {error}");
}
