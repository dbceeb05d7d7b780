//! What the page has heard of the work: the last lines, and how far a step is.

use drydock_engine::event::{Event, Unit};
use drydock_page::{LINES, Progress, View};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The longest line that is remembered, in bytes.
const LONGEST: usize = 400;

/// What was told last.
#[derive(Debug, Default)]
pub struct Heard(Mutex<Last>);

#[derive(Debug, Default)]
struct Last {
    lines: VecDeque<String>,
    progress: Option<Progress>,
}

impl Heard {
    /// Takes an event in.
    pub fn hear(&self, event: &Event) {
        let mut last = self.lock();
        if let Event::Progress { step, what, done, total, unit: Unit::Bytes } = event {
            last.progress = Some(Progress { what: format!("{step}  {what}"), done: *done, total: *total });
            return;
        }
        if matches!(event, Event::Finished { .. } | Event::Failed { .. } | Event::Skipped { .. }) {
            last.progress = None;
        }
        let mut line = event.to_string();
        line.truncate(line.floor_char_boundary(LONGEST));
        if last.lines.len() == LINES {
            last.lines.pop_front();
        }
        last.lines.push_back(line);
    }

    /// Shows it.
    pub fn show(&self, view: &mut View) {
        let last = self.lock();
        view.lines = last.lines.iter().cloned().collect();
        view.progress.clone_from(&last.progress);
    }

    fn lock(&self) -> MutexGuard<'_, Last> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_engine::event::Step;

    #[test]
    fn the_last_lines_and_the_step_that_goes_on_are_shown_and_no_more() {
        let heard = Heard::default();
        let mut view = View::default();
        for n in 0..100 {
            heard.hear(&Event::Note { text: format!("{n} {}", "ä".repeat(1000)) });
        }
        let (step, what) = (Step::Write, "root-b".to_owned());
        heard.hear(&Event::Progress { step, what: what.clone(), done: 1, total: 2, unit: Unit::Bytes });
        heard.show(&mut view);
        assert_eq!(view.lines.len(), LINES);
        assert!(view.lines.iter().all(|line| line.len() <= LONGEST) && view.lines[0].contains("60 "));
        assert_eq!(view.progress.as_ref().map(|now| (now.done, now.total)), Some((1, 2)));
        heard.hear(&Event::Finished { step, what });
        heard.show(&mut view);
        assert_eq!(view.progress, None);
    }
}
