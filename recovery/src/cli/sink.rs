//! Where the events of a command go.

use crate::console::since_start;
use drydock_engine::event::{Event, Events, calm};
use drydock_engine::journal;
use std::io::{IsTerminal, Write};
use std::sync::Arc;

/// Every event goes to standard output, as one line of JSON.
pub(super) struct JsonEvents;

impl Events for JsonEvents {
    fn shared(&self) -> Arc<dyn Events> {
        Arc::new(Self)
    }

    fn send(&self, event: Event) {
        let line = journal::line(since_start(), None, &event);
        // A reader that has gone is no reason to fail.
        let _ = std::io::stdout().write_all(line.as_bytes());
    }
}

/// What a person must know goes to standard error, with what hooks say, and how far a long step is where that is a terminal.
pub(super) struct StderrEvents;

/// Goes back to the start of the terminal's line and clears it.
const CLEAR_LINE: &str = "\r\x1b[K";

impl Events for StderrEvents {
    fn shared(&self) -> Arc<dyn Events> {
        Arc::new(Self)
    }

    fn send(&self, event: Event) {
        let mut stderr = std::io::stderr();
        let shows = stderr.is_terminal();
        // Nobody is left to be told where this fails.
        let _ = match event {
            Event::Warning { text } | Event::Retry { reason: text } | Event::Failed { reason: text, .. } => {
                let clear = if shows { CLEAR_LINE } else { "" };
                writeln!(stderr, "{clear}drydock: {}", calm(&text))
            }
            #[cfg(feature = "hooks")]
            Event::Said { hook, text } => writeln!(stderr, "{hook}: {text}"),
            Event::Progress { .. } if shows => write!(stderr, "{CLEAR_LINE}{event}"),
            Event::Finished { .. } if shows => write!(stderr, "{CLEAR_LINE}"),
            _ => Ok(()),
        };
    }
}
