//! The event stream as lines of JSON, and the last of them kept for whoever asks after the reset.

use crate::event::{Attempt, Event};
use crate::machine::Machine;
use drydock_state::log::{self, LOG_LIMIT};
use serde::Serialize;
use serde_json::Value;
use std::collections::VecDeque;

/// One line of the stream: when, for which start of which intent, and what.
#[derive(Serialize)]
struct Line<'e> {
    /// Milliseconds since the kernel was started.
    ms: u64,
    #[serde(flatten)]
    attempt: Option<Attempt>,
    #[serde(flatten)]
    event: &'e Event,
}

/// Returns an event as one line of JSON, with its end.
pub fn line(ms: u64, attempt: Option<Attempt>, event: &Event) -> String {
    // What is serialised has nothing that JSON does not have.
    let line = serde_json::to_string(&Line { ms, attempt, event }).unwrap_or_default();
    line + "\n"
}

/// Returns a line of the stream as a console would have shown it. What is not understood is returned as it is.
pub fn as_text(line: &str) -> String {
    let Ok(value) = serde_json::from_slice::<Value>(line.as_bytes()) else { return line.to_owned() };
    let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
    let ms = value.get("ms").and_then(Value::as_u64).unwrap_or_default();
    let (step, what) = (text("step"), text("what"));
    let told = match text("event") {
        "started" | "step" => format!("{step:>9}  {what}"),
        "finished" => format!("{step:>9}  {what}: done"),
        "skipped" => format!("{step:>9}  {what}: {}", text("why")),
        "failed" => format!("{step:>9}  FAILED: {}", text("reason")),
        "warning" => format!("  warning  {}", text("text")),
        "retry" => format!("  warning  {}", text("reason")),
        "note" => format!("           {}", text("text")),
        "said" => format!("           {}: {}", text("hook"), text("text")),
        _ => return line.to_owned(),
    };
    format!("{:4}.{:02} {told}", ms / 1000, ms / 10 % 100)
}

/// The last events, as lines. Progress is left out, and the oldest go first.
#[derive(Debug, Default)]
pub struct Journal {
    lines: VecDeque<String>,
    bytes: usize,
}

impl Journal {
    /// Adds an event.
    pub fn push(&mut self, ms: u64, attempt: Option<Attempt>, event: &Event) {
        if matches!(event, Event::Progress { .. }) {
            return;
        }
        let line = line(ms, attempt, event);
        self.bytes += line.len();
        self.lines.push_back(line);
        while self.bytes > LOG_LIMIT {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= oldest.len();
        }
    }

    /// Returns all lines.
    pub fn text(&self) -> Vec<u8> {
        self.lines.iter().flat_map(|line| line.bytes()).collect()
    }
}

/// Keeps what recovery has told so far on the partition `state`. That this can't be done is only worth a warning.
pub(crate) fn keep(machine: &impl Machine) {
    let text = machine.events().journal();
    if text.is_empty() {
        return;
    }
    let kept = machine.partition("state").and_then(|state| Ok(log::keep(&state, &text)?));
    if let Err(error) = kept {
        machine.events().warning(error);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Step, Unit};

    #[test]
    fn a_line_says_when_and_for_which_start_of_which_intent() {
        let (step, what) = (Step::Write, "root-b".to_owned());
        let progress = Event::Progress { step, what, done: 1, total: 4, unit: Unit::Bytes };
        let line = line(1500, Some(Attempt { intent: 7, attempt: 2 }), &progress);
        assert_eq!(
            line,
            "{\"ms\":1500,\"intent\":7,\"attempt\":2,\"event\":\"progress\",\"step\":\"write\",\"what\":\"root-b\",\"done\":1,\"total\":4,\"unit\":\"bytes\"}\n"
        );
        let note = Event::Note { text: "x".into() };
        assert_eq!(super::line(0, None, &note), "{\"ms\":0,\"event\":\"note\",\"text\":\"x\"}\n");
    }

    #[test]
    fn a_line_is_shown_as_the_console_has_shown_it() {
        let (step, what) = (Step::HandOver, "reset".to_owned());
        for event in [
            Event::Started { step, what: what.clone() },
            Event::Finished { step: Step::Write, what: what.clone() },
            Event::Skipped { step: Step::Write, what: what.clone(), why: "it is there".into() },
            Event::Failed { step: Step::Prove, reason: "it is not".into() },
            Event::Warning { text: "look".into() },
            Event::Retry { reason: "the next".into() },
            Event::Note { text: "this".into() },
            #[cfg(feature = "hooks")]
            Event::Said { hook: "check".into(), text: "that".into() },
        ] {
            let shown = as_text(line(12_340, None, &event).trim_end()).replace("hand-over", "hand over");
            assert_eq!(shown, format!("  12.34 {event}"));
        }
        assert_eq!(as_text("noise"), "noise");
    }

    #[test]
    fn the_journal_has_the_last_events_and_no_progress() {
        let mut journal = Journal::default();
        for n in 0..5000 {
            journal.push(n, None, &Event::Note { text: format!("note {n}") });
        }
        let text = String::from_utf8(journal.text()).unwrap();
        assert!(text.len() <= LOG_LIMIT && text.ends_with("note 4999\"}\n"));
        assert!(text.starts_with('{') && !text.contains("note 10\""));
        journal.push(
            0,
            None,
            &Event::Progress { step: Step::Write, what: "x".into(), done: 0, total: 1, unit: Unit::Bytes },
        );
        assert_eq!(String::from_utf8(journal.text()).unwrap(), text);
    }
}
