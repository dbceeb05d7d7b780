//! The history as lines.

use drydock_state::Entry;
use std::fmt;

/// One history entry as a line.
pub struct Line<'a>(pub &'a Entry);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Entry { intent, time, outcome, set, version, reason, .. } = self.0;
        write!(f, "{}  {outcome}", time)?;
        if let Some(set) = set {
            write!(f, "  set {set}")?;
        }
        if !version.is_empty() {
            write!(f, "  {version}")?;
        }
        if *intent != 0 {
            write!(f, "  (intent {intent})")?;
        }
        if reason.is_empty() { Ok(()) } else { write!(f, ": {reason}") }
    }
}
